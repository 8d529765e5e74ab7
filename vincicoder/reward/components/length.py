"""How long the code is beside the reference's."""

from __future__ import annotations


class Length:
    """Score code that is much longer than the reference lower; shorter code, and somewhat longer code, score 1.

    A mosaic of thousands of rectangles can look like any target. What gives it away is its length.

    Args:
        full: Ratio of code to reference, in characters, up to which the score is 1.
        zero: Ratio from which the score is 0; in between it falls evenly.

    Example:
        >>> length = Length()
        >>> length("x" * 10, "x" * 10), length("x" * 35, "x" * 10), length("x" * 50, "x" * 10)
        (1.0, 0.5, 0.0)
    """

    def __init__(self, full: float = 2.0, zero: float = 5.0) -> None:
        if not 0 < full < zero < float("inf"):
            raise ValueError("full must be above 0 and below zero")
        self._full, self._zero = full, zero

    def applies(self, reference: str | None) -> bool:
        """Apply only where there is a reference."""
        return reference is not None and bool(reference.strip())

    def __call__(self, code: str, reference: str) -> float:
        """Return the score, in [0, 1]."""
        ratio = len(code.strip()) / len(reference.strip())
        return min(1.0, max(0.0, (self._zero - ratio) / (self._zero - self._full)))


COMPONENT = Length
