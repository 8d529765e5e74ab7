"""The exceptions that users meet. A bad response is data and never raises one of these.

::

    VinciCoderError
    ├── ConfigError                 an option or an argument cannot work (also a ValueError)
    ├── TargetError                 a target cannot be read as an image (also a ValueError)
    └── MachineFault                something here failed, not a response (also a RuntimeError)
        ├── EncoderError            an encoder cannot be loaded, or failed
        ├── EndpointError           a model's endpoint cannot be reached, or refuses
        │   └── FaultyAnswer        it answers, but with nothing that is text
        ├── RendererUnavailable     a renderer cannot work on this machine
        │   └── SandboxUnavailable  the kernel offers no confinement
        └── ScoringUnavailable      what scores is gone, or failed too often to train on
            └── ClusterUnavailable  the cluster has no node that scores, or no room for an encoder
"""

from __future__ import annotations


class VinciCoderError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(VinciCoderError, ValueError):
    """An option has a value that cannot work; the message names the option and the values that do."""


class TargetError(VinciCoderError, ValueError):
    """A target cannot be read as an image; the message names the target."""


class MachineFault(VinciCoderError, RuntimeError):
    """Something on this machine failed, not a response; the message says what is broken and how to fix it."""


class EncoderError(MachineFault):
    """An encoder cannot be loaded; the message says how to get it."""


class EndpointError(MachineFault):
    """An endpoint cannot be reached, refuses the request, or is not OpenAI-compatible; the message names it."""


class FaultyAnswer(EndpointError):
    """An endpoint gives no answer, or one that is not text."""


class RendererUnavailable(MachineFault):
    """A renderer cannot work on this machine; the message says what is missing and how to fix it."""


class SandboxUnavailable(RendererUnavailable):
    """The kernel offers no confinement, and running unconfined was not allowed."""


class ScoringUnavailable(MachineFault):
    """Nothing scores any more: a process that does is gone, or too many samples failed because of the machine."""


class ClusterUnavailable(ScoringUnavailable):
    """A Ray cluster has no node that can score, or no room for the encoder; the message says what it lacks."""
