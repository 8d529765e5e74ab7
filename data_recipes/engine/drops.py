"""Rows that were left out, counted by reason: nothing is dropped silently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from vincicoder.data import BadRow

EXAMPLES = 3
"""Messages that are kept of each reason."""


class Drops:
    """Counts of what was left out, with a few examples of each reason.

    Attributes:
        counts: Rows by reason.
        examples: The first messages of each reason, each with the row's name.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}

    def add(self, name: str, fault: BadRow) -> None:
        """Count a row that was left out.

        Args:
            name: What identifies it: an id, or file and row.
            fault: Why.
        """
        self.counts[fault.label] += 1
        kept = self.examples.setdefault(fault.label, [])
        if len(kept) < EXAMPLES:
            kept.append(f"{name}: {fault}"[:300])

    def update(self, data: Mapping[str, Any]) -> None:
        """Add what :meth:`to_dict` of another one returned."""
        self.counts.update(data["counts"])
        for label, messages in data["examples"].items():
            kept = self.examples.setdefault(label, [])
            kept.extend(messages[: EXAMPLES - len(kept)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, sorted so that equal drops are equal text."""
        return {"counts": dict(sorted(self.counts.items())), "examples": dict(sorted(self.examples.items()))}
