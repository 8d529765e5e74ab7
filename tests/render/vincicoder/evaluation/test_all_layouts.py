"""References scored as predictions reach the top of every column that can be measured, in every official layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_benchmarks import LAYOUTS

from vincicoder.evaluation import evaluate
from vincicoder.evaluation.benchmarks import BENCHMARKS


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_references_reach_the_top(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    LAYOUTS[name](tmp_path / "data", 2)
    benchmark = BENCHMARKS.get(name)
    answers = {
        sample.id: f"```{sample.language}\n{sample.reference}\n```" for sample in benchmark.load(tmp_path / "data")
    }
    evaluation = evaluate(name, answers, tmp_path / "data", output=tmp_path / "scores.jsonl", workers=2)
    assert evaluation.statuses == {"ok": 2}
    # The target of Image2Latex is cropped by the benchmark, those of the sample set are not.
    measured = {column: value for column, value in evaluation.columns.items() if column != "ems"}
    assert measured["execution"] == 100.0
    assert measured == pytest.approx(dict.fromkeys(measured, 100.0), abs=0.1)
    again = evaluate(name, answers, tmp_path / "data", output=tmp_path / "scores.jsonl", workers=2)
    assert again.columns == evaluation.columns
    assert list((tmp_path / "scores.images").glob("render-*.jpg"))
