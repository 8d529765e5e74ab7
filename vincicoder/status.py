"""What can become of one request, as one vocabulary for renderers, guards, rewards and metrics."""

from __future__ import annotations

from enum import Enum


class Status(str, Enum):
    """Outcome of a request. Members compare equal to their string values.

    Every status but ``OK`` and the last three is the response's own fault and scores ``visual = 0``. ``BAD_TARGET``
    and ``BAD_REQUEST`` are faults in the caller's data and ``INFRASTRUCTURE`` one of the machine; they are counted
    apart so that none is mistaken for a bad answer.
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
    """The picture or what the code wrote exceeds the pixel or byte limit."""
    NO_OUTPUT = "no_output"
    """The code finished without producing a picture."""

    # Decided by guards (vincicoder.guards).
    BLANK = "blank"
    """A single-colour picture for a target that is not blank."""
    RASTER = "raster"
    """The picture was embedded or decoded instead of drawn."""
    FOREIGN_FILE = "foreign_file"
    """The picture is not a regular file from the request's own folder."""

    # Not the response's fault.
    BAD_TARGET = "bad_target"
    """The target could not be read as a picture."""
    BAD_REQUEST = "bad_request"
    """The request itself cannot be served: it asks for a language that is not known."""
    INFRASTRUCTURE = "infrastructure"
    """The renderer is missing or broke, also on the second try."""

    def __str__(self) -> str:
        return self.value

    @property
    def is_fault_of_response(self) -> bool:
        """Whether the response earned this status by what it says."""
        return self not in (Status.OK, Status.BAD_TARGET, Status.BAD_REQUEST, Status.INFRASTRUCTURE)
