"""The sample set is complete and consistent. Nothing is rendered here."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections import Counter
from types import ModuleType
from typing import Any

import pytest
from PIL import Image
from repository import EXAMPLES

from vincicoder.alignment import align
from vincicoder.guards import is_blank, smuggled_raster
from vincicoder.status import Status

SAMPLES = EXAMPLES / "samples"
DECIDED_BY_THE_TEXT = ("no_code", "wrong_language", "truncated")
LEAST_REFERENCES = {"chart": 20, "web": 12, "svg": 14, "latex": 12, "molecule": 10}


def _load_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("samples_build", SAMPLES / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


build = _load_build()
ROWS: list[dict[str, Any]] = [json.loads(line) for line in (SAMPLES / "index.jsonl").read_text().splitlines()]


def test_every_domain_has_enough_references():
    counts = Counter(sample.domain for sample in build.samples())
    assert counts.keys() == LEAST_REFERENCES.keys()
    assert all(counts[domain] >= least for domain, least in LEAST_REFERENCES.items())


def test_check_finds_nothing_to_complain_about():
    assert build.problems() == []


def test_index_is_what_build_would_write():
    assert (SAMPLES / "index.jsonl").read_text(encoding="utf-8") == build.index_text()


def test_ids_are_unique():
    assert max(Counter(row["id"] for row in ROWS).values()) == 1


def test_every_kind_is_present_several_times():
    counts = Counter(row["kind"] for row in ROWS)
    assert counts.keys() == build.EXPECTED.keys()
    assert min(counts.values()) >= 3


def test_enough_samples_have_graded_responses():
    kinds: dict[str, set[str]] = {}
    for row in ROWS:
        kinds.setdefault(row["group"], set()).add(row["kind"])
    graded = [group for group, found in kinds.items() if {"perfect", "slight", "bad", "blank"} <= found]
    assert len(graded) >= 45


def test_all_paths_stay_inside_the_set():
    for row in ROWS:
        for key in ("target", "reference"):
            path = SAMPLES / row[key]
            assert path.is_file()
            assert path.resolve().is_relative_to(SAMPLES)


@pytest.mark.parametrize("sample", build.samples(), ids=lambda sample: sample.id)
def test_target_is_a_image_of_reasonable_size(sample):
    with Image.open(sample.target) as image:
        image.load()
    assert image.format == "PNG"
    assert image.mode == "RGB"
    assert max(image.size) <= build.LONGEST_SIDE[sample.domain]
    assert not is_blank(image)


def test_prompts_with_and_without_a_named_language_occur_in_every_domain():
    found = {(row["domain"], row["language"] is None) for row in ROWS}
    assert found == {(domain, unnamed) for domain in LEAST_REFERENCES for unnamed in (True, False)}


def test_some_prompts_ask_to_repair_code():
    assert len({row["group"] for row in ROWS if "```" in row["prompt"]}) >= 6


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_text_alone_gives_the_expected_outcome(row):
    alignment = align(row["response"], language=row["language"], prompt=row["prompt"])
    expected = row["expected_status"] if row["expected_status"] in DECIDED_BY_THE_TEXT else Status.OK
    assert alignment.language == build.LANGUAGE[row["domain"]]
    assert alignment.status == expected
    if alignment.code is not None:
        smuggled = smuggled_raster(alignment.code, alignment.language) is not None
        assert smuggled == (row["kind"] == "raster")


def test_perfect_responses_are_often_other_code_than_the_reference():
    perfect = [row for row in ROWS if row["kind"] == "perfect"]
    other = [row for row in perfect if (SAMPLES / row["reference"]).read_text().strip() not in row["response"]]
    assert 0.25 <= len(other) / len(perfect) <= 0.75


def test_the_whole_set_stays_small():
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 6_000_000


def test_check_tells_when_the_index_is_out_of_date(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(build, "INDEX", tmp_path / "index.jsonl")
    assert build.main(["--check"]) == 1
    assert "out of date" in capsys.readouterr().err


def test_unknown_sample_is_refused_by_name(capsys):
    with pytest.raises(SystemExit):
        build.main(["--render", "no-such-sample"])
    assert "no-such-sample" in capsys.readouterr().err
