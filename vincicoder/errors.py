"""The exceptions that users meet. A bad response is data and never raises one of these."""

from __future__ import annotations


class VinciCoderError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(VinciCoderError, ValueError):
    """An option has a value that cannot work; the message names the option and the values that do."""


class TargetError(VinciCoderError, ValueError):
    """A target cannot be read as a picture; the message names the target."""


class EncoderError(VinciCoderError, RuntimeError):
    """An encoder cannot be loaded; the message says how to get it."""


class RendererUnavailable(VinciCoderError, RuntimeError):
    """A renderer cannot work on this machine; the message says what is missing and how to mend it."""


class SandboxUnavailable(RendererUnavailable):
    """The kernel offers no confinement, and running unconfined was not allowed."""


class ClusterUnavailable(VinciCoderError, RuntimeError):
    """A Ray cluster has no node that can score, or no room for the encoder; the message says what it lacks."""
