"""Two reports in one: each response of the second beside the same one of the first."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vincicoder.errors import ConfigError
from vincicoder.reporting.page import write_page
from vincicoder.reporting.report import PARTS, TEMPLATE
from vincicoder.reporting.summary import is_judged

_DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)
_IMAGE = re.compile(r"images/([\w-]+\.(?:webp|svg))", re.ASCII)
_PAIRED = ("overall", "status", "render")  # what a row of a report has, among other things


def compare_reports(before: str | Path, now: str | Path, directory: str | Path) -> Path:
    """Write a report of two, and return its page.

    Responses belong together by their id, if ids are there and no two are equal; otherwise by their prompt, the best of
    one report with the best of the other, the second best with the second best, and so on.

    Args:
        before: Directory of a report, such as of an earlier step or another run.
        now: Directory of the report that it is compared with.
        directory: Where to write; made if need be.

    Raises:
        ConfigError: A directory holds no report, or cannot be written.

    Example:
        >>> compare_reports("step-100/", "step-200/", "compared/")  # doctest: +SKIP
        PosixPath('compared/index.html')
    """
    first, second = _read(Path(before)), _read(Path(now))
    pairs = list(_pairs(first["rows"], second["rows"]))
    path = Path(directory)
    try:
        (path / "images").mkdir(parents=True, exist_ok=True)
        rows = [_row(row, other, (Path(before), Path(now), path)) for other, row in pairs]
    except OSError as error:
        raise ConfigError(f"the report directory {str(directory)!r} cannot be written: {error.strerror}") from error
    data = {
        **second,
        "title": f"{second['title']} against {first['title']}",
        "before": {
            "title": first["title"],
            "summary": first["summary"],
            "unmatched": len(first["rows"]) - sum(other is not None for other, _ in pairs),
        },
        "plots": [],
        "rows": rows,
    }
    write_page(path / "index.html", TEMPLATE, data["title"], data, PARTS)
    return path / "index.html"


def _read(directory: Path) -> dict[str, Any]:
    """Return the data of a report.

    Raises:
        ConfigError: There is none.
    """
    page = directory / "index.html"
    try:
        found = _DATA.search(page.read_text(encoding="utf-8"))
        data: dict[str, Any] = json.loads(found[1]) if found else {}
        fine = all(name in row for row in data["rows"] for name in _PAIRED) and "components" in data["summary"]
    except (OSError, ValueError, KeyError, TypeError):
        fine = False
    if not fine:
        raise ConfigError(f"{str(directory)!r} holds no report that `vincicoder score --report` wrote")
    return data


def _pairs(
    before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Mapping[str, Any] | None, Mapping[str, Any]]]:
    """Yield each row of the second report with its like in the first, if there is one."""
    by_id = all(_are_unique(rows) for rows in (before, now))
    if by_id:
        known = {row["id"]: row for row in before}
        for row in now:
            yield known.get(row["id"]), row
        return
    groups = defaultdict(list)
    for row in sorted(before, key=_goodness):
        groups[row.get("group", "")].append(row)  # the best is the last
    paired = {}
    for row in sorted(now, key=_goodness, reverse=True):
        group = groups[row.get("group", "")]
        paired[row["number"]] = group.pop() if group else None
    for row in now:
        yield paired[row["number"]], row


def _are_unique(rows: Sequence[Mapping[str, Any]]) -> bool:
    ids = Counter(row.get("id") for row in rows)
    return bool(ids) and "" not in ids and max(ids.values()) == 1


def _goodness(row: Mapping[str, Any]) -> tuple[bool, float, int]:
    return is_judged(row["status"]), row["overall"], -row["number"]


def _row(row: Mapping[str, Any], other: Mapping[str, Any] | None, places: tuple[Path, Path, Path]) -> dict[str, Any]:
    """Return a row of both, after copying its images."""
    before, now, directory = places
    found = {**row, **{name: _copied(row[name], now, directory, "now") for name in ("target", "render")}}
    if other is None:
        return found
    shown = {name: other[name] for name in other if name not in ("response", "target", "tiles", "labels")}
    found["before"] = {
        **shown,
        "labels": other["labels"],
        "render": _copied(other["render"], before, directory, "before"),
    }
    if is_judged(row["status"]) and is_judged(other["status"]):
        found["change"] = round(row["overall"] - other["overall"], 4)
    return found


def _copied(stored: Mapping[str, Any] | None, source: Path, directory: Path, name: str) -> dict[str, Any] | None:
    """Copy an image of a report; None if it is not there, or not where a report keeps its images."""
    found = _IMAGE.fullmatch(stored["src"]) if stored else None
    if stored is None or found is None:
        return None
    path = source / "images" / found[1]
    if path.is_symlink() or not path.is_file():
        return None
    copied = f"images/{name}-{found[1]}"
    shutil.copyfile(path, directory / copied)
    return {**stored, "src": copied}
