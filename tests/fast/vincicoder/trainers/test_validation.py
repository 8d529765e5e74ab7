"""Rows of an exported benchmark are measured by its own metrics, whichever trainer brings them to the reward."""

from __future__ import annotations

import asyncio

import pyarrow.parquet
import pytest
from tiny_benchmarks import unisvg

from vincicoder import CompletionReward, RewardRequest, RewardResult, evaluate, trainers
from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.export import export
from vincicoder.status import Status
from vincicoder.trainers.metrics import sums_of, weight
from vincicoder.trainers.validation import benchmark_metrics

BENCHMARK = BENCHMARKS.get("unisvg")
PROSE = "I would rather not."
OPTIONS = {"encoder": "embedded", "workers": 1}


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    unisvg(tmp_path / "unisvg", 3)
    return tmp_path / "unisvg"


def rows_in(layout, source):
    path = source.with_name(f"{layout}.parquet")
    export(BENCHMARK, BENCHMARK.load(source), layout, path)
    return pyarrow.parquet.read_table(path).to_pylist()


def swapped(samples):
    """Return the first sample's own reference, the third's for the second, and no code for the third."""
    codes = [each.reference for each in samples]
    return [f"```svg\n{codes[0]}\n```", f"```svg\n{codes[2]}\n```", PROSE]


def test_the_log_has_the_numbers_that_evaluate_has_and_the_responses_are_kept(source, tmp_path):
    rows = rows_in("swift", source)
    answers = swapped(list(BENCHMARK.load(source)))
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    # A fourth row is of no benchmark, and its response is as good as can be.
    for name, values in columns.items():
        values.append(values[0] if name != "benchmark" else None)
    logged: dict[str, float] = {}
    state = type("State", (), {"global_step": 20})()
    reward = CompletionReward(benchmarks="unisvg", validation_dir=str(tmp_path / "kept"), **OPTIONS)
    columns.pop("record")
    scores = reward([*answers, answers[0]], log_metric=logged.__setitem__, trainer_state=state, **columns)
    assert scores[2] == 0
    assert scores[3] == scores[0] > scores[1]
    again = evaluate("unisvg", tmp_path / "kept" / "unisvg" / "step-20.jsonl", source, workers=1)
    assert again.model == "step-20"
    found = {name.rpartition("/")[2]: value for name, value in logged.items() if "/benchmark/unisvg/" in name}
    assert found == pytest.approx({**again.columns, "unjudged": 0.0})
    assert found["execution"] == pytest.approx(200 / 3)
    assert 100 / 3 < found["ssim"] < 200 / 3


def test_verl_gets_the_same_keys_for_every_sample(source):
    rows = rows_in("verl", source)
    score = trainers.sample_scorer("", benchmarks=["unisvg", "image2latex"], **OPTIONS)
    extra = dict(rows[0]["extra_info"])
    other = {name: value for name, value in extra.items() if name != "benchmark"}

    async def both():
        return await asyncio.gather(score(PROSE, [extra]), score(PROSE, [other]))

    measured, plain = asyncio.run(both())
    assert list(measured) == list(plain)
    assert measured["benchmark/unisvg/ssim"] == measured["benchmark/unisvg/unjudged"] == 0
    assert measured["benchmark/image2latex/ems"] is None
    assert all(plain[name] is None for name in benchmark_metrics(["unisvg", "image2latex"]))


def test_what_cannot_be_measured_is_counted_and_ends_nothing(source, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    [row, *_] = rows_in("swift", source)
    logged: dict[str, float] = {}
    columns = {name: [value] for name, value in row.items()}
    reward = CompletionReward(benchmarks=["unisvg"], **OPTIONS)
    assert reward([PROSE], log_metric=logged.__setitem__, **columns) == [0]
    assert {name: value for name, value in logged.items() if "benchmark" in name} == {
        "vincicoder/benchmark/unisvg/unjudged": 1
    }
    assert "responses to unisvg could not be measured" in caplog.text


def test_batches_count_by_the_samples_that_a_benchmark_has_in_them():
    plain = trainers.metrics_of(RewardResult.failed(RewardRequest("", b""), Status.TIMEOUT, ""))
    sums = sums_of([plain | {"benchmark/unisvg/ssim": 50.0}, plain | {"benchmark/unisvg/ssim": 100.0}, plain])
    assert trainers.means(sums)["benchmark/unisvg/ssim"] == 75
    assert (weight(sums, "benchmark/unisvg/ssim"), weight(sums, "overall")) == (2, 1)


def test_a_column_over_some_samples_leaves_the_others_out():
    chemdraw = BENCHMARKS.get("chemdraw")
    good, bad = ({"execution": 1.0, "tanimoto": 0.5 * valid, "valid": valid} for valid in (1.0, 0.0))
    assert chemdraw.sample_summary(good)["tanimoto_valid"] == 50
    assert "tanimoto_valid" not in chemdraw.sample_summary(bad)


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_columns_are_means_of_what_samples_contribute(name):
    """A trainer averages over samples, so no column may be anything else."""
    benchmark = BENCHMARKS.get(name)
    needs = sorted({need for column in benchmark.columns.values() for need in (*column.needs, column.only) if need})
    rows = [{need: float(number % (place + 2) > 0) for place, need in enumerate(needs)} for number in range(8)]
    contributed = [benchmark.sample_summary(row) for row in rows]
    for column, value in benchmark.summary(rows).items():
        values = [each[column] for each in contributed if column in each]
        assert value == pytest.approx(sum(values) / len(values))


def test_an_unknown_benchmark_is_an_error_before_the_first_rollout():
    with pytest.raises(ConfigError, match=r"there is no benchmark 'unisgv'.*Did you mean 'unisvg'"):
        CompletionReward(benchmarks=["unisgv"], **OPTIONS)
