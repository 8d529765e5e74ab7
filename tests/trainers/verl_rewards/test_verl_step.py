"""``main_ppo`` of verl with our manager: whole GRPO steps on CPUs, images from Parquet, rewards as earned."""

from __future__ import annotations

import re

import pytest
from needed import needs_release
from shown_gallery import assert_gallery_shows
from tiny_benchmarks import taught_unisvg
from verl_runs import dumped, logged, requests_of, scored, train

from vincicoder import evaluate
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.predictions import read_predictions
from vincicoder.runs import read_log
from vincicoder.trainers.panels import TAG

pytestmark = [pytest.mark.verl, pytest.mark.slow, pytest.mark.timeout(1200)]

needs_release("verl", 0, 9)

STEPS = (1, 2, 3)


def test_grpo_steps_learn_from_the_rewards_that_the_samples_earn(tmp_path, taught_policy, monkeypatch):
    rollouts, checks, gallery = tmp_path / "rollouts", tmp_path / "validation", tmp_path / "gallery"
    monkeypatch.setenv("TENSORBOARD_DIR", str(tmp_path / "tensorboard"))
    log = train(
        *(tmp_path, taught_policy("qwen3_vl"), "trainer.total_training_steps=3", "trainer.total_epochs=2"),
        *("trainer.test_freq=3", "trainer.logger=[console,tensorboard]"),
        *(f"trainer.rollout_data_dir={rollouts}", f"trainer.validation_data_dir={checks}"),
        f"+trainer.v1.sampler.sampler_kwargs.gallery_dir={gallery}",
        gallery_dir=gallery,
        gallery_every=1,
    )
    trained, validated = dumped(rollouts), dumped(checks)
    assert (len(trained), len(validated)) == (len(STEPS) * 2 * 4, 4)
    drawn, checked = (scored(requests_of(samples)) for samples in (trained, validated))
    assert [each["score"] for each in trained] == pytest.approx([result.overall for result in drawn], abs=1e-6)
    assert len({each["score"] for each in trained}) > 2, "there is something to learn from"
    for name in ("overall", "visual", "coarse", "fine", "alignment", "execution"):
        earned = [getattr(result, name) for result in checked]
        assert [each[name] for each in validated] == pytest.approx(earned, abs=1e-6)
    assert all(each["bad_target"] == each["infrastructure"] == 0 for each in validated)
    means = logged(log, "critic/score/mean")
    steps = [[each["score"] for each in trained if each["step"] == step] for step in STEPS]
    assert means == pytest.approx([sum(step) / len(step) for step in steps], abs=1e-4)
    assert logged(log, "vincicoder/overall") == pytest.approx(means, abs=1e-4)
    assert len(logged(log, "vincicoder/group/svg/std")) == len(STEPS)
    printed = tmp_path / "printed.log"
    printed.write_text(log)
    read = read_log(printed)
    assert [value for _, value in read.series("reward")] == pytest.approx(means)
    pairs = list(zip(trained, drawn, strict=True))
    executed = [[result.execution for each, result in pairs if each["step"] == step] for step in STEPS]
    expected = [(number, sum(step) / len(step)) for number, step in zip(STEPS, executed, strict=True)]
    assert read.series("execution") == read.series("language/svg/execution") == expected
    shown = assert_gallery_shows(gallery, {each["score"] for each in trained + validated}, len(STEPS))
    assert all(row["render"] for rows in shown.values() for row in rows if row["status"] == "ok")
    assert_tensorboard_has(tmp_path / "tensorboard", set(shown))


def assert_tensorboard_has(directory, steps):
    """The sampler shows steps that are over where verl logs; the last one is never over."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(directory))
    read.Reload()
    assert f"{TAG}best" in read.Tags()["images"]
    images = read.Images(f"{TAG}best")
    assert {each.step for each in images} <= steps - {max(steps)}
    assert all(each.width > 200 and each.height > 64 for each in images)


def test_a_validation_logs_the_numbers_of_the_benchmark(tmp_path, taught_policy):
    from vincicoder.evaluation.export import export

    benchmark = BENCHMARKS.get("unisvg")
    taught_unisvg(tmp_path / "unisvg")
    export(benchmark, benchmark.load(tmp_path / "unisvg"), "verl", tmp_path / "validation" / "unisvg.parquet")
    checks = tmp_path / "checks"
    log = train(
        *(tmp_path, taught_policy("qwen3_vl"), "trainer.total_training_steps=1", "trainer.test_freq=1"),
        *(f"trainer.validation_data_dir={checks}", f"data.val_files={tmp_path / 'validation' / 'unisvg.parquet'}"),
        benchmarks="[unisvg]",
    )
    columns = {"output": "response", "gts": "reference"}
    [answers] = [read_predictions(path, columns) for path in checks.glob("*.jsonl")]
    expected = evaluate("unisvg", answers, tmp_path / "unisvg", workers=1).columns
    assert expected["execution"] > 0
    found = re.findall(r"/vincicoder/unisvg/benchmark/unisvg/(\w+)/mean@1:(?:np.float64\()?([-\d.e]+)", log)
    assert {name: float(value) for name, value in found} == pytest.approx({**expected, "unjudged": 0}, abs=1e-3)
