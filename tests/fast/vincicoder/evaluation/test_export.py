"""Benchmarks become validation data of every trainer, and what verl writes of a validation is scored exactly."""

from __future__ import annotations

import json

import pyarrow.parquet
import pytest
from tiny_benchmarks import unisvg

from vincicoder.data.layouts import LAYOUTS
from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.export import export
from vincicoder.evaluation.predictions import read_predictions
from vincicoder.evaluation.scoring import choose_metrics, score
from vincicoder.rendering.config import RenderingConfig

BENCHMARK = BENCHMARKS.get("unisvg")


@pytest.fixture
def data(tmp_path):
    unisvg(tmp_path / "unisvg", 3)
    return tmp_path / "unisvg"


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_samples_come_back_from_every_layout(tmp_path, data, layout):
    samples = list(BENCHMARK.load(data))
    assert export(BENCHMARK, samples, layout, tmp_path / "out" / "unisvg.parquet") == 3
    rows = pyarrow.parquet.read_table(tmp_path / "out" / "unisvg.parquet").to_pylist()
    records = [LAYOUTS.get(layout).read(row) for row in rows]
    assert [(each.id, each.prompt, each.code) for each in records] == [
        (each.id, each.prompt, each.reference) for each in samples
    ]
    if layout == "verl":
        assert {row["data_source"] for row in rows} == {"vincicoder/unisvg"}


def test_a_validation_that_verl_has_dumped_is_scored(tmp_path, data, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    samples = list(BENCHMARK.load(data))
    dump = tmp_path / "100.jsonl"
    lines = [
        {"input": "asked", "output": f"```svg\n{each.reference}\n```", "gts": each.reference, "score": 0.5, "step": 100}
        for each in (*samples[:2], samples[0])
    ]
    lines.append({**lines[0], "output": "x", "gts": "the reference of another benchmark"})
    dump.write_text("".join(json.dumps(line) + "\n" for line in lines))
    read = read_predictions(dump, {"output": "response", "gts": "reference"})
    told: list[str] = []
    metrics = choose_metrics(BENCHMARK, without=["lpips", "clip"])
    rows = list(score(BENCHMARK, samples, read, metrics, RenderingConfig(workers=1), complain=told.append))
    assert sorted((row["id"], row["number"], row["values"]["ssim"]) for row in rows) == [
        (samples[0].id, 0, 1.0), (samples[0].id, 1, 1.0), (samples[1].id, 0, 1.0),
    ]  # fmt: skip
    assert len(told) == 1
    assert "1 of 3 predicted samples are none of this benchmark" in told[0]


def test_an_unknown_layout_is_named(tmp_path):
    with pytest.raises(ConfigError, match="there is no layout 'papyrus'"):
        export(BENCHMARK, [], "papyrus", tmp_path / "x.parquet")
