"""What is wrong with data: with one row, which is counted and left out, or with all of it, which ends the run."""

from __future__ import annotations

from enum import Enum

from vincicoder.errors import VinciCoderError


class Reason(str, Enum):
    """Why a row was left out. The value is the key in logs and reports, and so it stays as it is."""

    MISSING_VALUE = "missing value"
    WRONG_TYPE = "wrong type"
    INVALID_UTF8 = "invalid UTF-8"
    INVALID_JSON = "invalid JSON"
    EMPTY_PROMPT = "empty prompt"
    EMPTY_CODE = "empty code"
    NO_CODE = "no code found"
    WRONG_LANGUAGE = "code in another language"
    TRUNCATED = "code cut off"
    BROKEN_IMAGE = "broken image"
    HUGE_IMAGE = "image too large"
    THIN_IMAGE = "image too thin"
    SMALL_IMAGE = "image too small"
    LONG_CODE = "code too long"
    SHORT_CODE = "code too short"
    LINT = "lint"
    NOT_RENDERED = "not rendered"
    BLANK = "blank render"
    EMBEDDED_IMAGE = "embedded image"
    UNFAITHFUL = "render differs from image"
    NO_DEFECT = "no defect could be made"
    OUTSIDE_BAND = "attempt outside the band"
    DUPLICATE_CODE = "duplicate code"
    DUPLICATE_IMAGE = "duplicate image"
    SIMPLE = "too simple"
    PASS_RATE = "pass rate outside the band"
    ALIKE = "rewards too much alike"
    HEADROOM = "nothing left to gain"
    NOT_SAMPLED = "not sampled"
    LIKE_IMAGE = "image like one to keep out"
    LIKE_CODE = "code like that of one to keep out"


class BadRow(VinciCoderError, ValueError):
    """A row that cannot be used: it is counted under its label and left out.

    Attributes:
        reason: The kind of fault.
        label: The reason's value, with the detail that some reasons have, such as ``not rendered: timeout``.
    """

    def __init__(self, reason: Reason, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.label = f"{reason.value}: {detail}" if detail else reason.value


class DataError(VinciCoderError, ValueError):
    """A data set that cannot be used as a whole; the message names it and says how to fix it."""
