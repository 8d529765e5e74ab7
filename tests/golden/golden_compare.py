"""How a record is compared with what is there now: what may differ, and what may not.

A record is plain JSON, and its shape says what each part means:

* An object is a set of keys. Keys may be added; each key of the record must still be there.
* A list of texts is a set of names. Names may be added; each name of the record must still be there.
* Everything else is a value, and must be equal. Numbers may differ by a tolerance.

A difference is named by its path, the keys from the top joined by dots; a lost name ends its path. It is allowed if
``changes.md`` lists the path.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GONE = "gone"
"""Stands for what is not there any more, in a difference and in the table of changes."""

_SECTION = "## In force"
_CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was recorded.

    Attributes:
        path: Where it stands in the record.
        before: What the record has.
        after: What is there now; ``GONE`` if nothing is.
    """

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path}: {_shown(self.before)} -> {_shown(self.after)}"


@dataclass(frozen=True)
class Change:
    """One line of ``changes.md``.

    Attributes:
        pattern: The path that may differ, in which ``*`` stands for anything.
        after: What must be there now, as JSON text or ``GONE``; None if the table only describes it.
    """

    pattern: str
    after: str | None

    def allows(self, difference: Difference) -> bool:
        """Whether the difference is the one that this line announces."""
        if not fnmatch.fnmatchcase(difference.path, self.pattern):
            return False
        return self.after is None or self.after == _shown(difference.after)


def differences(recorded: Any, measured: Any, path: str = "", tolerance: float = 1e-6) -> Iterator[Difference]:
    """Yield what the record has and the measurement has not, or has otherwise.

    Args:
        recorded: A part of the record.
        measured: The same part as it is now.
        path: Where this part stands.
        tolerance: By how much two numbers may differ; half a unit of the record's last decimal comes on top.
    """
    if isinstance(recorded, dict) and isinstance(measured, dict):
        for key, value in recorded.items():
            below = f"{path}.{key}" if path else key
            if key in measured:
                yield from differences(value, measured[key], below, tolerance)
            else:
                yield Difference(below, value, GONE)
    elif _are_names(recorded) and isinstance(measured, list):
        for name in recorded:
            if name not in measured:
                yield Difference(f"{path}.{name}", name, GONE)
    elif not _equal(recorded, measured, tolerance):
        yield Difference(path, recorded, measured)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _equal(recorded: Any, measured: Any, tolerance: float) -> bool:
    if isinstance(recorded, float) and isinstance(measured, (int, float)) and not isinstance(measured, bool):
        return abs(recorded - measured) <= tolerance + 5e-7
    return type(recorded) is type(measured) and recorded == measured


def _shown(value: Any) -> str:
    return GONE if isinstance(value, str) and value == GONE else json.dumps(value, ensure_ascii=False)


def read_changes(path: Path) -> list[Change]:
    """Read the table under "In force" in ``changes.md``.

    Raises:
        ValueError: A line of the table has no path in backquotes, or not four cells.
    """
    _, found, rest = path.read_text(encoding="utf-8").partition(f"\n{_SECTION}\n")
    if not found:
        raise ValueError(f"{path.name} has no section {_SECTION!r}")
    table = [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [_change(path.name, line) for line in table[2:]]


def _change(name: str, line: str) -> Change:
    cells = [cell.strip().replace("\\|", "|") for cell in _CELL.split(line.strip().strip("|"))]
    if len(cells) != 4 or not re.fullmatch(r"`[^`]+`", cells[0]) or not cells[3]:
        raise ValueError(f"{name}: expected | `path` | before | after | why |, not: {line}")
    return Change(cells[0].strip("`"), _promised(cells[2]))


def _promised(cell: str) -> str | None:
    """Return what a cell in backquotes promises, in the form in which differences are shown."""
    if not re.fullmatch(r"`[^`]+`", cell):
        return None
    text = cell.strip("`")
    return GONE if text == GONE else _shown(json.loads(text))


def unexpected(found: Iterable[Difference], changes: Sequence[Change]) -> list[Difference]:
    """Return the differences that no change announces."""
    return [each for each in found if not any(change.allows(each) for change in changes)]


def stale(found: Sequence[Difference], changes: Sequence[Change], section: str) -> list[Change]:
    """Return the changes announced for a section, by a full path in it, of which nothing is to be seen."""
    literal = [change for change in changes if "*" not in change.pattern and change.pattern.startswith(f"{section}.")]
    return [change for change in literal if not any(change.allows(each) for each in found)]


def at(record: Any, section: str) -> Any:
    """Return the part of the record that stands at a path."""
    for key in section.split("."):
        record = record[key]
    return record
