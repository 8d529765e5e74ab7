"""What is off in a run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(str, Enum):
    """How bad it is."""

    NOTE = "note"
    """Worth a look; the run may go on."""
    OFF = "off"
    """Not as it should be."""
    STOP = "stop"
    """Going on costs time and brings nothing."""


@dataclass(frozen=True)
class Finding:
    """One thing that is off.

    Attributes:
        level: How bad it is.
        measure: The measure that shows it.
        step: The step that showed it last.
        value: The measure's value, the mean of its last steps.
        message: What is off, in one sentence.
        cause: What it is likely to come from, and what to do; "" if nothing is known.
    """

    level: Level
    measure: str
    step: int
    value: float
    message: str
    cause: str = ""
