"""What can become of a request, and whose fault it was: one vocabulary for renderers, guards, rewards and metrics."""

from __future__ import annotations

from enum import Enum


class Fault(str, Enum):
    """Who is to blame for a status. Members compare equal to their string values."""

    NONE = "none"
    RESPONSE = "response"
    """The model earned it: the visual score is 0, and that is to be learned from."""
    DATA = "data"
    """The caller's data cannot be used: counted apart, left out of means."""
    MACHINE = "machine"
    """Something broke here: retried once, counted apart, never the model's 0."""

    def __str__(self) -> str:
        return self.value


class Status(str, Enum):
    """Outcome of a request. Members compare equal to their string values.

    ``fault`` says whose fault a status is; nothing else in the project does.

    Example:
        >>> Status("timeout").fault is Fault.RESPONSE
        True
    """

    OK = "ok"

    # Decided from the text (vincicoder.alignment).
    NO_CODE = "no_code"
    """No code block at all."""
    WRONG_LANGUAGE = "wrong_language"
    """Code blocks, but none in the requested language."""
    TRUNCATED = "truncated"
    """The only block in the requested language never closes."""

    # Decided by rendering (vincicoder.rendering).
    SYNTAX_ERROR = "syntax_error"
    """The code is not valid in its language."""
    RUNTIME_ERROR = "runtime_error"
    """The code ran and failed."""
    FORBIDDEN = "forbidden"
    """The code failed because the sandbox refused something it asked for."""
    TIMEOUT = "timeout"
    """CPU or wall time ran out."""
    OUT_OF_MEMORY = "out_of_memory"
    """The memory limit was reached."""
    TOO_LARGE = "too_large"
    """The image or what the code wrote exceeds the pixel or byte limit."""
    NO_OUTPUT = "no_output"
    """The code finished without producing an image."""

    # Decided by guards (vincicoder.guards).
    BLANK = "blank"
    """A single-colour image for a target that is not blank."""
    RASTER = "raster"
    """The image was embedded or decoded instead of drawn."""
    FOREIGN_FILE = "foreign_file"
    """The image is not a regular file from the request's own directory."""

    # Not the response's fault.
    BAD_TARGET = "bad_target"
    """The target could not be read as an image."""
    BAD_REQUEST = "bad_request"
    """The request itself cannot be served: it asks for a language that is not known."""
    INFRASTRUCTURE = "infrastructure"
    """The renderer is missing, or broke on the retry too."""

    def __str__(self) -> str:
        return self.value

    @property
    def fault(self) -> Fault:
        """Whose fault the status is."""
        return _FAULTS.get(self, Fault.RESPONSE)


_FAULTS = {
    Status.OK: Fault.NONE,
    Status.BAD_TARGET: Fault.DATA,
    Status.BAD_REQUEST: Fault.DATA,
    Status.INFRASTRUCTURE: Fault.MACHINE,
}
"""What is not the response's fault."""
