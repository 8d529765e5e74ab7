"""``main_ppo`` of verl with our manager: whole GRPO steps on CPUs, images from Parquet, rewards as earned."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from needed import needs_release
from repository import EXAMPLES, ROOT, SUPPORT
from taught_vlm import PROMPT, target_png
from tiny_benchmarks import taught_unisvg

from vincicoder import RewardRequest, VisualReward, evaluate
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.predictions import read_predictions
from vincicoder.runs import read_log

pytestmark = [pytest.mark.verl, pytest.mark.slow, pytest.mark.timeout(600)]


needs_release("verl", 0, 9)

SCRIPT = EXAMPLES / "qwen3vl_8b_vincicoder_verl.sh"


@pytest.fixture(scope="module")
def parquet(tmp_path_factory) -> Path:
    """A set as ``vincicoder data export --layout verl`` writes it: the image is in the column ``images`` only."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from vincicoder.data import Record
    from vincicoder.data.layouts import LAYOUTS

    records = [Record(f"{n}", "svg", "generate", "svg", PROMPT, "<svg/>", target_png()) for n in range(4)]
    path = tmp_path_factory.mktemp("verl") / "train.parquet"
    pq.write_table(pa.Table.from_pylist([LAYOUTS.get("verl").write(record) for record in records]), path)
    return path


def train(directory: Path, policy: Path, parquet: Path, *settings: str) -> str:
    """Run the example script's command with a tiny model on CPUs and return what it printed."""
    import verl_on_cpu

    script = {"MODEL": policy, "TRAIN_FILES": parquet, "BATCH": 2, "GROUP": 4, "MAX_PROMPT": 256, "MAX_RESPONSE": 64}
    script |= {"REWARD_ENCODER": "embedded", "REWARD_WORKERS": 1, "CHECKPOINT_DIR": directory / "checkpoints"}
    variables = {**os.environ, "PYTHON": sys.executable, "DRY_RUN": "1", **{k: str(v) for k, v in script.items()}}
    shown = subprocess.run(["bash", SCRIPT], env=variables, capture_output=True, text=True, check=True)
    command = [*shlex.split(shown.stdout), *verl_on_cpu.settings(), *settings]
    paths = os.pathsep.join([str(SUPPORT), str(ROOT)])
    environment = {**os.environ, **verl_on_cpu.environment(), "PYTHONPATH": paths}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout


def dumped(directory: Path) -> list[dict]:
    """Return the samples that verl wrote down, of all steps."""
    files = sorted(directory.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def shown_rows(directory: Path) -> dict[int, list[dict]]:
    """Return the rows that a gallery shows, by step, having made sure that their images are there."""
    steps = {int(file.stem): json.loads(file.read_text("utf-8")) for file in (directory / "steps").glob("*.json")}
    sources = [
        row[name]["src"] for rows in steps.values() for row in rows for name in ("target", "render") if row[name]
    ]
    assert all((directory / source).is_file() for source in sources)
    assert (directory / "index.html").is_file()
    return steps


def test_grpo_steps_learn_from_the_rewards_that_the_samples_earn(tmp_path, taught_policy, parquet):
    rollouts, checks = tmp_path / "rollouts", tmp_path / "validation"
    log = train(
        *(tmp_path, taught_policy("qwen3_vl"), parquet, "trainer.total_training_steps=2", "trainer.test_freq=2"),
        *(f"trainer.rollout_data_dir={rollouts}", f"trainer.validation_data_dir={checks}"),
        *(f"+reward.reward_kwargs.gallery_dir={tmp_path / 'gallery'}", "+reward.reward_kwargs.gallery_every=1"),
    )
    trained, validated = dumped(rollouts), dumped(checks)
    assert (len(trained), len(validated)) == (2 * 2 * 4, 4)
    with VisualReward("embedded", workers=1) as reward:
        drawn, checked = (
            reward.score([RewardRequest(each["output"], target_png(), PROMPT) for each in samples])
            for samples in (trained, validated)
        )
    assert [each["score"] for each in trained] == pytest.approx([result.overall for result in drawn], abs=1e-6)
    assert len({each["score"] for each in trained}) > 1, "there is something to learn from"
    for name in ("overall", "visual", "coarse", "fine", "alignment", "execution"):
        earned = [getattr(result, name) for result in checked]
        assert [each[name] for each in validated] == pytest.approx(earned, abs=1e-6)
    assert all(each["bad_target"] == each["infrastructure"] == 0 for each in validated)
    means = [float(value) for value in re.findall(r"critic/score/mean:([-\d.e]+)", log)]
    steps = [[each["score"] for each in trained if each["step"] == step] for step in (1, 2)]
    assert means == pytest.approx([sum(step) / len(step) for step in steps], abs=1e-4)
    printed = tmp_path / "printed.log"
    printed.write_text(log)
    read = read_log(printed)
    assert [value for _, value in read.series("reward")] == pytest.approx(means)
    pairs = list(zip(trained, drawn, strict=True))
    executed = [[result.execution for each, result in pairs if each["step"] == step] for step in (1, 2)]
    expected = [(1 + number, sum(step) / len(step)) for number, step in enumerate(executed)]
    assert read.series("execution") == read.series("language/svg/execution") == expected
    logged = [float(value) for value in re.findall(r"vincicoder/overall:([-\d.e]+)", log)]
    assert logged == pytest.approx(means, abs=1e-4)
    assert len(re.findall(r"vincicoder/group/svg/std:", log)) == 2
    gallery = shown_rows(tmp_path / "gallery")
    assert len(gallery) >= 2, "the gallery has both steps"
    earned = {round(each["score"], 4) for each in trained + validated}
    assert all(row["overall"] in earned for rows in gallery.values() for row in rows)
    assert all(row["render"] for rows in gallery.values() for row in rows if row["status"] == "ok")


def test_a_validation_logs_the_numbers_of_the_benchmark(tmp_path, taught_policy, parquet):
    from vincicoder.evaluation.export import export

    benchmark = BENCHMARKS.get("unisvg")
    taught_unisvg(tmp_path / "unisvg")
    export(benchmark, benchmark.load(tmp_path / "unisvg"), "verl", tmp_path / "validation" / "unisvg.parquet")
    checks = tmp_path / "checks"
    log = train(
        *(tmp_path, taught_policy("qwen3_vl"), parquet, "trainer.total_training_steps=1"),
        *(f"trainer.validation_data_dir={checks}", "data.val_files=" + str(tmp_path / "validation" / "unisvg.parquet")),
        *("trainer.test_freq=1", "+reward.reward_kwargs.benchmarks=[unisvg]"),
    )
    columns = {"output": "response", "gts": "reference"}
    [answers] = [read_predictions(path, columns) for path in checks.glob("*.jsonl")]
    expected = evaluate("unisvg", answers, tmp_path / "unisvg", workers=1).columns
    assert expected["execution"] > 0
    logged = re.findall(r"/vincicoder/unisvg/benchmark/unisvg/(\w+)/mean@1:(?:np.float64\()?([-\d.e]+)", log)
    assert {name: float(value) for name, value in logged} == pytest.approx({**expected, "unjudged": 0}, abs=1e-3)
