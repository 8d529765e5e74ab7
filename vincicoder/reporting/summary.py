"""Results added up: all of them, by kind and by domain."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from vincicoder.reporting.printable import printable
from vincicoder.status import Fault, Status

SCORES = ("overall", "visual", "coarse", "fine", "alignment", "execution")
"""Scores that every result has."""


def is_judged(status: str) -> bool:
    """Return whether a status says something about the response, so that its scores belong in a mean.

    Example:
        >>> is_judged("timeout"), is_judged("bad_target")
        (True, False)
    """
    return Status(status).fault in (Fault.NONE, Fault.RESPONSE)


def components_of(result: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the component scores that no other column shows.

    Args:
        result: As ``RewardResult.to_dict`` gives it.

    Returns:
        The scores by name, in [0, 1] or None where a component does not apply. Left out are the named scores, such as
        coarse, and a component with the preset's own name, since it is the visual score.

    Example:
        >>> components_of({"preset": "paper", "scores": {"coarse": 0.9, "paper": 0.8, "text": None}})
        {'text': None}
    """
    known = (*SCORES, result.get("preset"))
    return {name: score for name, score in result.get("scores", {}).items() if name not in known}


@dataclass
class Group:
    """Sums over some results; those that could not be judged are counted, and left out of the means."""

    count: int = 0
    judged: int = 0
    rendered: int = 0
    overall: float = 0.0
    visual: float = 0.0
    scores: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    applied: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    expected: int = 0
    as_expected: int = 0

    def add(self, result: Mapping[str, Any], expected: str | None) -> None:
        """Add one result and the status that was expected of it, or None."""
        self.count += 1
        self.statuses[result["status"]] += 1
        if is_judged(result["status"]):
            self.judged += 1
            self.rendered += result["execution"] > 0
            self.overall += result["overall"]
            self.visual += result["visual"]
            for name, score in result.get("scores", {}).items():
                self.scores[name] += score or 0.0
                self.applied[name] += score is not None
        if expected is not None:
            self.expected += 1
            self.as_expected += result["status"] == expected

    def to_dict(self) -> dict[str, Any]:
        """Return counts and means, ready for JSON. A mean over nothing is None.

        The mean of a component is over the judged results to which it applies.
        """
        return {
            "n": self.count,
            "judged": self.judged,
            "overall": self.overall / self.judged if self.judged else None,
            "visual": self.visual / self.judged if self.judged else None,
            "scores": {
                name: total / count if (count := self.applied[name]) else None for name, total in self.scores.items()
            },
            "rendered": self.rendered,
            "statuses": dict(self.statuses.most_common()),
            "expected": self.expected,
            "as_expected": self.as_expected,
        }


class Summary:
    """Results added up: all, by kind and by domain. Means are over the results that were judged.

    Example:
        >>> summary = Summary()
        >>> summary.add({"status": "ok", "overall": 0.9, "visual": 0.9, "execution": 1.0})
        >>> summary.add({"status": "bad_target", "overall": 0.0, "visual": 0.0, "execution": 0.0})
        >>> data = summary.to_dict()
        >>> data["n"], data["judged"], data["overall"]
        (2, 1, 0.9)
    """

    def __init__(self) -> None:
        self.all = Group()
        self._language_from_response = 0
        self._bad_references = 0
        self._components: dict[str, None] = {}
        self._groups: dict[str, dict[str, Group]] = {"kind": {}, "domain": {}}

    def add(self, result: Mapping[str, Any], labels: Mapping[str, str] = MappingProxyType({})) -> None:
        """Add one result.

        Args:
            result: As ``RewardResult.to_dict`` gives it. Where its ``language_from`` is "response", nobody asked for
                the language.
            labels: Its ``kind`` and ``domain``, which get a table each, and the ``expected_status``.
        """
        expected = labels.get("expected_status")
        self.all.add(result, expected)
        if is_judged(result["status"]):
            self._components.update(dict.fromkeys(components_of(result)))
        self._language_from_response += result.get("language_from") == "response"
        self._bad_references += bool(result.get("note"))
        for label, groups in self._groups.items():
            if label in labels:
                groups.setdefault(labels[label], Group()).add(result, expected)

    @property
    def broken(self) -> int:
        """How many requests could not be read."""
        return self.all.statuses[Status.BAD_REQUEST.value]

    @property
    def failures(self) -> int:
        """How many requests could not be judged through no fault of the response."""
        return self.all.count - self.all.judged

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON; the groups with the highest mean come first.

        ``scores`` has the mean of every score, and ``components`` names those that are shown beside overall and visual.
        """
        data: dict[str, Any] = {
            **self.all.to_dict(),
            "components": list(self._components),
            "broken": self.broken,
            "language_from_response": self._language_from_response,
            "bad_references": self._bad_references,
        }
        for label, groups in self._groups.items():
            means = {name: group.to_dict() for name, group in groups.items()}
            ordered = sorted(means.items(), key=lambda entry: (-(entry[1]["overall"] or 0.0), entry[0]))
            data[f"by_{label}"] = dict(ordered)
        return data

    def table(self) -> str:
        """Return the tables as text, with a line below that says what they do not."""
        data = self.to_dict()
        parts = [
            _table(label, data[f"by_{label}"], data["components"]) for label in self._groups if data[f"by_{label}"]
        ]
        return "\n\n".join([*parts, _table("all", {"": data}, data["components"]), _remarks(data)])


def _remarks(data: Mapping[str, Any]) -> str:
    count = data["n"]
    remarks = [f"judged {data['judged']} of {count}, rendered {data['rendered']} of {count}"]
    if data["broken"]:
        remarks.append(f"broken lines: {data['broken']}")
    if data["language_from_response"]:
        remarks.append(f"language taken from the response in {data['language_from_response']} of {count}")
    if data["bad_references"]:
        remarks.append(f"reference left out, as its `note` says, in {data['bad_references']} of {count}")
    return "\n".join(remarks)


def _table(label: str, groups: Mapping[str, Mapping[str, Any]], components: Sequence[str]) -> str:
    groups = {printable(name).replace("\n", "\\n"): group for name, group in groups.items()}
    expected = any(group["expected"] for group in groups.values())
    width = max(len(label), *(len(name) for name in groups), 14)
    head = f"{label:<{width}}  {'n':>6}  {'judged':>6}  overall  visual  "
    head += "".join(f"{name:>5}  " for name in components)
    lines = [head + ("expected  " if expected else "") + "statuses"]
    for name, group in groups.items():
        statuses = ", ".join(f"{status} {count}" for status, count in group["statuses"].items())
        line = f"{name:<{width}}  {group['n']:>6}  {group['judged']:>6}  "
        line += f"{_mean(group['overall']):>7}  {_mean(group['visual']):>6}  "
        line += "".join(f"{_mean(group['scores'].get(name)):>{max(len(name), 5)}}  " for name in components)
        if expected:
            share = f"{group['as_expected']}/{group['expected']}"
            line += f"{share:>8}  "
        lines.append(line + statuses)
    return "\n".join(lines)


def _mean(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
