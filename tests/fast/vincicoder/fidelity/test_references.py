"""References are read from records, from requests that have one, and from the package; the split never changes."""

from __future__ import annotations

import hashlib
import json

import pytest
from repository import EXAMPLES

from vincicoder.errors import ConfigError
from vincicoder.fidelity.references import read_references, snippets, split_of

_INDEX = EXAMPLES / "samples" / "index.jsonl"


def test_every_sample_is_one_reference():
    found = read_references([_INDEX])
    assert {each.name for each in found} == {path.parent.name for path in (EXAMPLES / "samples").glob("*/*/prompt.md")}
    assert {each.domain for each in found} == {"chart", "web", "svg", "latex", "chemistry"}


def test_the_split_of_the_samples_is_frozen():
    # Weights may have been chosen on one half: a reference must not move to the other.
    names = sorted(each.name for each in read_references([_INDEX], "held-out"))
    assert len(names) == 45
    assert hashlib.blake2b("\n".join(names).encode(), digest_size=8).hexdigest() == "2420b9c7ea605036"


def test_the_held_out_snippets_are_frozen():
    found = list(snippets())
    code = "\n".join(f"{each.name}\n{each.code}" for each in found)
    assert {each.split for each in found} == {"held-out"}
    assert len(found) >= 12
    assert hashlib.blake2b(code.encode(), digest_size=8).hexdigest() == "d66b550a3191350e"


def test_the_halves_are_the_whole():
    halves = [{each.name for each in read_references([_INDEX], split)} for split in ("training", "held-out")]
    assert not halves[0] & halves[1]
    assert halves[0] | halves[1] == {each.name for each in read_references([_INDEX])}
    assert all(split_of(name) == "training" for name in halves[0])


def test_records_are_references(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text(json.dumps({"id": "one", "target": "one.png", "code": "<svg></svg>"}) + "\n")
    (tmp_path / "one.png").write_bytes(b"")
    [found] = read_references([path])
    assert (found.name, found.language, found.code) == ("one", "svg", "<svg></svg>")


def test_a_row_that_cannot_be_used_is_told_and_left_out(tmp_path):
    path, told = tmp_path / "records.jsonl", []
    rows = [{"target": "a.png"}, {"target": "a.png", "code": "<svg></svg>"}]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert len(read_references([path], complain=told.append)) == 1
    assert "row 1: code is missing" in told[0]


@pytest.mark.parametrize(
    ("content", "said"), [("{}", "has no references"), ("[1]", "not an object"), ("{", "line 1 is not JSON")]
)
def test_a_file_without_references_is_refused(tmp_path, content, said):
    path = tmp_path / "records.jsonl"
    path.write_text(content)
    with pytest.raises(ConfigError, match=said):
        read_references([path])


def test_a_missing_file_and_an_unknown_split_are_refused():
    with pytest.raises(ConfigError, match="does not exist"):
        read_references(["nowhere.jsonl"])
    with pytest.raises(ConfigError, match="expected one of: training, held-out, all"):
        read_references(["snippets"], "test")
    with pytest.raises(ConfigError, match="no reference is left"):
        read_references(["snippets"], "training")
