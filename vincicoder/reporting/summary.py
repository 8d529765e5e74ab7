"""Results added up: all of them, by kind and by domain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from vincicoder.status import Status

NOT_JUDGED = (Status.BAD_TARGET, Status.INFRASTRUCTURE)
"""Statuses that say nothing about the response; scoring again may help."""


@dataclass
class Group:
    """Sums over some results."""

    count: int = 0
    overall: float = 0.0
    visual: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)
    expected: int = 0
    as_expected: int = 0

    def add(self, result: Mapping[str, Any], expected: str | None) -> None:
        """Add one result and whether it has the status that was expected."""
        self.count += 1
        self.overall += result["overall"]
        self.visual += result["visual"]
        self.statuses[result["status"]] += 1
        if expected is not None:
            self.expected += 1
            self.as_expected += result["status"] == expected

    def to_dict(self) -> dict[str, Any]:
        """Return counts and means, ready for JSON."""
        return {
            "n": self.count,
            "overall": self.overall / max(1, self.count),
            "visual": self.visual / max(1, self.count),
            "statuses": dict(self.statuses.most_common()),
            "expected": self.expected,
            "as_expected": self.as_expected,
        }


class Summary:
    """Results added up: all, by kind and by domain."""

    def __init__(self) -> None:
        self.all = Group()
        self.broken = 0
        self._groups: dict[str, dict[str, Group]] = {"kind": {}, "domain": {}}

    def add(self, result: Mapping[str, Any], labels: Mapping[str, str] = MappingProxyType({})) -> None:
        """Add one result.

        Args:
            result: As ``RewardResult.to_dict`` gives it.
            labels: Its ``kind`` and ``domain``, which get a table each, and the ``expected_status``.
        """
        expected = labels.get("expected_status")
        self.all.add(result, expected)
        for label, groups in self._groups.items():
            if label in labels:
                groups.setdefault(labels[label], Group()).add(result, expected)

    @property
    def failures(self) -> int:
        """Requests that could not be judged through no fault of the response."""
        return self.broken + sum(self.all.statuses[status.value] for status in NOT_JUDGED)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON; the groups with the highest mean come first."""
        data: dict[str, Any] = {**self.all.to_dict(), "broken": self.broken}
        for label, groups in self._groups.items():
            means = {name: group.to_dict() for name, group in groups.items()}
            ordered = sorted(means.items(), key=lambda entry: (-entry[1]["overall"], entry[0]))
            data[f"by_{label}"] = dict(ordered)
        return data

    def table(self) -> str:
        """Return the tables as text."""
        data = self.to_dict()
        parts = [_table(label, data[f"by_{label}"]) for label in self._groups if data[f"by_{label}"]]
        return "\n\n".join([*parts, _table("all", {"": data})])


def _table(label: str, groups: Mapping[str, Mapping[str, Any]]) -> str:
    expected = any(group["expected"] for group in groups.values())
    width = max(len(label), *(len(name) for name in groups), 14)
    head = f"{label:<{width}}  {'n':>6}  overall  visual  "
    lines = [head + ("expected  " if expected else "") + "statuses"]
    for name, group in groups.items():
        statuses = ", ".join(f"{status} {count}" for status, count in group["statuses"].items())
        line = f"{name:<{width}}  {group['n']:>6}  {group['overall']:>7.3f}  {group['visual']:>6.3f}  "
        if expected:
            share = f"{group['as_expected']}/{group['expected']}"
            line += f"{share:>8}  "
        lines.append(line + statuses)
    return "\n".join(lines)
