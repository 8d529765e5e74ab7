"""EasyR1's own trainer, data, reward managers and loggers with our reward, on CPUs; its policy does not learn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from statistics import fmean

import pytest
from repository import ROOT, SUPPORT
from shown_gallery import assert_gallery_shows
from taught_vlm import COLOURS, PROMPT, TARGETS, target_png

from vincicoder import RewardRequest, VisualReward
from vincicoder.runs import read_log

pytestmark = [
    pytest.mark.skipif("EASYR1_HOME" not in os.environ, reason="EASYR1_HOME names no checkout of EasyR1"),
    pytest.mark.timeout(1200),
]

TERM = "def short(request, result):\n    return max(0.0, 1 - len(result.code) / 200)\n"


def settings(directory, policy):
    """Return EasyR1's settings for two steps with a validation before and after."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {"problem": f"<image>{PROMPT}", "answer": colour, "images": [{"bytes": target_png(target)}]}
        for colour, target in zip(COLOURS, TARGETS, strict=True)
    ]
    pq.write_table(pa.Table.from_pylist(rows * 2), directory / "rows.parquet")
    (directory / "my_terms.py").write_text(TERM)
    found = {
        "data.train_files": directory / "rows.parquet",
        "data.val_files": directory / "rows.parquet",
        "data.prompt_key": "problem",
        "data.answer_key": "answer",
        "data.image_key": "images",
        "data.max_prompt_length": 400,
        "data.max_response_length": 64,
        "data.rollout_batch_size": 2,
        "data.mini_rollout_batch_size": 2,
        "data.val_batch_size": 4,
        "data.min_pixels": 4096,
        "data.max_pixels": 4194304,
        "data.filter_overlong_prompts": "false",
        "algorithm.disable_kl": "true",
        "worker.actor.model.model_path": policy,
        "worker.actor.global_batch_size": 2,
        "worker.actor.micro_batch_size_per_device_for_update": 1,
        "worker.actor.micro_batch_size_per_device_for_experience": 1,
        "worker.rollout.n": 4,
        "worker.rollout.val_override_config.n": 1,
        "worker.reward.reward_function": f"{ROOT / 'verl_rewards' / 'vincicoder_easyr1.py'}:compute_score",
        "trainer.max_steps": 2,
        "trainer.val_freq": -1,
        "trainer.save_freq": -1,
        "trainer.n_gpus_per_node": 1,
        "trainer.logger": '["file"]',
        "trainer.save_checkpoint_path": directory / "checkpoints",
    }
    reward = {
        "encoder": "embedded",
        "workers": 1,
        "wall_seconds": 240,
        "extra": f"{directory / 'my_terms.py'}:short",
        "components.short": 0.2,
        "gallery_dir": directory / "gallery",
        "gallery_every": 1,
    }
    return found | {f"worker.reward.reward_function_kwargs.{name}": value for name, value in reward.items()}


@pytest.fixture
def samples(tmp_path, taught_policy):
    """What the policy wrote in a run, by call of it."""
    given = [f"{name}={value}" for name, value in settings(tmp_path, taught_policy("qwen2_5_vl")).items()]
    command = [sys.executable, SUPPORT / "easyr1_on_cpu.py", *given]
    paths = os.pathsep.join([os.environ["EASYR1_HOME"], str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": paths, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    lines = [line.partition("SAMPLES ")[2] for line in done.stdout.splitlines() if "SAMPLES " in line]
    return [json.loads(line) for line in lines]


def test_the_log_and_the_gallery_have_what_the_samples_earn_with_a_term_of_ones_own(tmp_path, samples, monkeypatch):
    monkeypatch.chdir(tmp_path)
    targets = {target.getpixel((0, 0)): target for target in TARGETS}
    with VisualReward("embedded", workers=1, extra="my_terms.py:short", components={"short": 0.2}) as reward:
        earned = [
            reward.score([RewardRequest(text, targets[tuple(colour)], PROMPT) for text, colour in call])
            for call in samples
        ]
    assert [len(call) for call in earned] == [4, 8, 8, 4], "two steps between two validations"
    overall = [fmean(result.overall for result in call) for call in earned]
    [path] = (tmp_path / "checkpoints").rglob("experiment_log.jsonl")
    logged = [json.loads(line) for line in path.read_text().splitlines()]
    trained = [each["reward"] for each in logged if "reward" in each]
    assert [each["overall"] for each in trained] == pytest.approx(overall[1:-1], abs=1e-6)
    short = [fmean(result.scores["short"] for result in call) for call in earned[1:-1]]
    assert [each["short"] for each in trained] == pytest.approx(short, abs=1e-6)
    assert min(short) > 0
    validated = [each["val"]["reward_score"] for each in logged if "val" in each]
    assert validated == pytest.approx([overall[0], overall[-1]], abs=1e-6)
    assert read_log(path).series("reward") == [(step, pytest.approx(overall[step], abs=1e-6)) for step in range(3)]
    steps = assert_gallery_shows(tmp_path / "gallery", [each.overall for call in earned for each in call], 3)
    assert list(steps) == [0, 1, 2], "a validation is shown at the step of training"
