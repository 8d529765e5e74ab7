"""What is wrong with data: with one row, which is counted and left out, or with all of it, which ends the run."""

from __future__ import annotations

from enum import Enum

from vincicoder.errors import VinciCoderError


class Reason(str, Enum):
    """Why a row was left out. The value is what logs and reports say."""

    MISSING_VALUE = "missing value"
    WRONG_TYPE = "wrong type"
    INVALID_UTF8 = "invalid UTF-8"
    INVALID_JSON = "invalid JSON"
    EMPTY_PROMPT = "empty prompt"
    EMPTY_CODE = "empty code"
    NO_CODE = "no code found"
    WRONG_LANGUAGE = "code in another language"
    TRUNCATED = "code cut off"
    BROKEN_PICTURE = "broken picture"
    HUGE_PICTURE = "picture too large"
    THIN_PICTURE = "picture too thin"


class BadRow(VinciCoderError, ValueError):
    """A row that cannot be used.

    Attributes:
        reason: The kind of fault, for counting.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class DataError(VinciCoderError, ValueError):
    """A data set that cannot be used as a whole; the message names it and says how to mend it."""
