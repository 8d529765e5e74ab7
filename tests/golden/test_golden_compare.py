"""The rules of the comparison: what may be added, what must not be lost, and what ``changes.md`` allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import record
from golden_compare import Change, Difference, differences, read_changes, stale, unexpected
from golden_scores import quick, rest, row_differences


@pytest.mark.parametrize(
    ("recorded", "measured", "expected"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": 1, "b": 2}, {"a": 1}, ["b: 2 -> gone"]),
        ({"flags": ["--a", "--b"]}, {"flags": ["--c", "--b", "--a"]}, []),
        ({"flags": ["--a", "--b"]}, {"flags": ["--b"]}, ['flags.--a: "--a" -> gone']),
        ({"grid": [3, 2]}, {"grid": [2, 3]}, ["grid: [3, 2] -> [2, 3]"]),
        ({"grid": [3, 2]}, {"grid": [3, 2, 1]}, ["grid: [3, 2] -> [3, 2, 1]"]),
        ({"x": {"exit": 0}}, {"x": {"exit": 2}}, ["x.exit: 0 -> 2"]),
        ({"x": 0.5}, {"x": 0.500001}, []),
        ({"x": 0.5}, {"x": 0.5001}, ["x: 0.5 -> 0.5001"]),
        ({"x": 1.0}, {"x": 1}, []),
        ({"x": 1.0}, {"x": True}, ["x: 1.0 -> true"]),
        ({"x": True}, {"x": 1}, ["x: true -> 1"]),
        ({"x": None}, {"x": 0.0}, ["x: null -> 0.0"]),
        ({"x": {"a": 1}}, {"x": ["a"]}, ['x: {"a": 1} -> ["a"]']),
    ],
    ids=str,
)
def test_keys_and_names_may_be_added_but_not_lost_and_values_are_equal(
    recorded: Any, measured: Any, expected: list[str]
) -> None:
    assert [str(each) for each in differences(recorded, measured)] == expected


LOST = Difference("cli.flags.score.flags.--no-fence", "--no-fence", "gone")
CHANGED = Difference("cli.cases.file.exit", 0, 1)


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        (Change("cli.flags.score.flags.--no-fence", "gone"), [LOST]),
        (Change("cli.flags.score.flags.--no-fence", None), [LOST]),
        (Change("cli.flags.score.flags", None), []),
        (Change("cli.flags.*.--no-fence", None), [LOST]),
        (Change("cli.cases.file.exit", "1"), [CHANGED]),
        (Change("cli.cases.file.exit", "2"), []),
        (Change("cli.cases.file", None), []),
    ],
    ids=str,
)
def test_a_difference_is_allowed_if_its_path_is_listed_and_it_is_the_one(
    change: Change, allowed: list[Difference]
) -> None:
    found = [LOST, CHANGED]
    assert unexpected(found, [change]) == [each for each in found if each not in allowed]
    is_seen = bool(allowed) or "*" in change.pattern
    assert stale(found, [change], "cli") == ([] if is_seen else [change])
    assert stale(found, [change], "names") == []


TABLE = """# Title

| a | b | c | d |
|---|---|---|---|
| not | this | one | . |

## In force

| path | before | after | why |
|---|---|---|---|
| `cli.cases.pair, half.exit` | `2` | `0` | a reason |
| `names.public.align` | it was there | `gone` | another \\| reason |
| `scores.samples.*` | | higher | more |

## Contained in the record

| `x` | `1` | `2` | old |
"""


def test_the_table_of_changes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "changes.md"
    path.write_text(TABLE)
    assert read_changes(path) == [
        Change("cli.cases.pair, half.exit", "0"),
        Change("names.public.align", "gone"),
        Change("scores.samples.*", None),
    ]


@pytest.mark.parametrize("line", ["| x | 1 | 2 | why |", "| `x` | 1 | 2 |", "| `x` | 1 | 2 | |"])
def test_a_line_that_lacks_path_or_reason_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "changes.md"
    path.write_text(f"\n## In force\n\n| path | before | after | why |\n|---|---|---|---|\n{line}\n")
    with pytest.raises(ValueError, match="expected"):
        read_changes(path)


ROW = {"overall": 0.9, "status": "ok", "grid": [2, 1], "pixels": "aa"}


@pytest.mark.parametrize(
    ("now", "like_the_record", "expected"),
    [
        ({}, True, []),
        ({"overall": 0.9001}, True, ["overall"]),
        ({"overall": 0.9001}, False, ["overall"]),
        ({"overall": 0.9001, "pixels": "bb"}, True, ["pixels"]),
        ({"overall": 0.9001, "pixels": "bb"}, False, []),
        ({"overall": 0.91, "pixels": "bb"}, False, ["overall"]),
        ({"status": "blank", "pixels": "bb"}, False, ["status"]),
        ({"grid": [1, 1], "pixels": "bb"}, False, ["grid"]),
    ],
    ids=str,
)
def test_scores_are_held_as_tightly_as_the_pixels_are(
    now: dict[str, Any], like_the_record: bool, expected: list[str]
) -> None:
    found = row_differences({"a/b": ROW, "c/d": ROW}, {"a/b": ROW | now}, "scores.samples", like_the_record)
    assert [each.path for each in found] == [f"scores.samples.a/b.{name}" for name in expected]


def test_the_record_covers_the_sample_set_and_every_section() -> None:
    golden = record.read()
    assert set(golden["scores"]["samples"]) == {*quick(), *rest()}
    assert len(rest()) + len(quick()) > 403
    for section in record.SECTIONS:
        assert record.at(golden, section)


def test_the_record_can_be_read_by_people() -> None:
    text = record.RECORD.read_text(encoding="utf-8")
    assert text == record.shown(record.read()) + "\n"
    assert len(text) < 300_000
    assert max(map(len, text.splitlines())) < 250
