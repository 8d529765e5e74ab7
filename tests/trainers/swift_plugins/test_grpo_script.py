"""The GRPO script: the plumbing runs without a GPU, ms-swift knows every flag, and what is missing is said."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from needed import needs
from repository import EXAMPLES

from vincicoder.runs import read_log

pytestmark = pytest.mark.swift
needs("swift", "ms-swift is not installed")

READ = {
    "reward": "reward",
    "execution": "vincicoder/execution",
    "length": "completions/mean_length",
    "cut": "completions/clipped_ratio",
    "clip": "clip_ratio/region_mean",
    "step_seconds": "train_speed(s/it)",
}
"""Measures of a log that ms-swift wrote, and its own names of them."""

SCRIPT = EXAMPLES / "qwen3vl_8b_grpo_swift.sh"


@pytest.fixture
def run(tmp_path):
    def run(*arguments, **environment):
        given = {name: value for name, value in os.environ.items() if not name.startswith("VINCICODER_")}
        given |= {"OUTPUT": str(tmp_path / "out"), "MODELSCOPE_CACHE": str(tmp_path / "cache")}
        given |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"} | environment
        return subprocess.run(["bash", str(SCRIPT), *arguments], env=given, capture_output=True, text=True)

    return run


def test_the_smoke_run_trains_and_logs_the_reward(run, tmp_path):
    gallery = {"VINCICODER_REWARD_GALLERY_DIR": str(tmp_path / "gallery"), "VINCICODER_REWARD_GALLERY_EVERY": "1"}
    done = run("--seed", "3", SMOKE="1", **gallery)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    [log] = (tmp_path / "out").rglob("logging.jsonl")
    steps = [row for line in log.read_text().splitlines() if "reward" in (row := json.loads(line))]
    assert len(steps) == 2
    for step in steps:
        assert 0 <= step["reward"] <= 1
        assert step["reward"] == pytest.approx(step["vincicoder/overall"])
        assert step["vincicoder/bad_target"] == 0, "the images of the rows reach the reward"
    [arguments] = (tmp_path / "out").rglob("args.json")
    assert json.loads(arguments.read_text())["seed"] == 3, "a flag of one's own arrives"
    read = read_log(tmp_path / "out")
    assert (read.trainer, read.path) == ("swift", log)
    assert len(list((tmp_path / "gallery" / "steps").iterdir())) == 2, "each step has its rows in the gallery"
    assert (tmp_path / "gallery" / "index.html").is_file()
    for name, key in READ.items():
        assert read.series(name) == [(number, step[key]) for number, step in enumerate(steps, 1)], name


@pytest.mark.parametrize("settings", [{}, {"VLLM": "server", "TRUNCATED": "soft"}, {"ROLE": "rollout"}], ids=str)
def test_every_flag_and_value_is_known_to_ms_swift(run, settings):
    from swift.arguments import RLHFArguments, RolloutArguments
    from transformers import HfArgumentParser

    done = run(DRY_RUN="1", **settings)
    assert done.returncode == 0, done.stderr
    _, command, *flags = shlex.split(done.stdout)
    kind = {"rlhf": RLHFArguments, "rollout": RolloutArguments}[command]
    known, unknown = argparse.ArgumentParser.parse_known_args(HfArgumentParser(kind), flags)
    assert unknown == []
    if command == "rlhf":
        assert known.callbacks == ["vincicoder"]
        assert known.reward_funcs == ["vincicoder", *(["soft_overlong"] if "TRUNCATED" in settings else [])]
        assert known.use_vllm
        assert known.vllm_mode == settings.get("VLLM", "colocate")
        batch = known.per_device_train_batch_size * known.gradient_accumulation_steps * 8
        assert (batch, known.num_generations) == (256 * 8, 8)
        assert (known.learning_rate, known.weight_decay, known.beta) == (1e-6, 1e-2, 0)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"VLLM": "sometimes"}, "VLLM is 'sometimes'; expected colocate or server"),
        ({"ROLE": "judge"}, "ROLE is 'judge'; expected train or rollout"),
        (
            {"SWIFT": "no-such-swift"},
            r"there is no command 'no-such-swift'; install it with: pip install '.*\[swift\]'",
        ),
        ({"BATCH": "3"}, "BATCH x GROUP is 24, which is no multiple of MICRO_BATCH x GPUs = 16"),
        ({"VINCICODER_RL_DATA": "/nowhere"}, "VINCICODER_RL_DATA is '/nowhere', which does not exist"),
        ({"GPUS_PER_NODE": "64"}, r"GPUS_PER_NODE is 64, but this machine has \d+ GPUs; SMOKE=1 needs none"),
    ],
)
def test_what_is_missing_or_wrong_is_one_sentence(run, environment, said):
    done = run(**environment)
    assert done.returncode == 2
    assert re.fullmatch(f"qwen3vl_8b_grpo_swift.sh: {said}", done.stderr.strip())


def test_a_smoke_model_that_cannot_be_made_says_why(run):
    done = run(SMOKE="1", MODEL_TYPE="qwen9_vl")
    assert done.returncode != 0
    assert "invalid choice: 'qwen9_vl'" in done.stderr


def test_help_lists_every_variable_that_the_script_reads(run):
    help_text = run("--help").stdout
    for name in re.findall(r'"\$\{([A-Z_]+):=', SCRIPT.read_text("utf-8")):
        assert re.search(rf"\b{name}\b", help_text), name


def test_benchmarks_become_validation_data_at_an_interval(run, tmp_path):
    missing = run(DRY_RUN="1", BENCHMARKS="unisvg,chartmimic", VALIDATION=str(tmp_path))
    assert missing.returncode == 2
    assert "run: vincicoder eval export unisvg --samples 50 --layout swift" in missing.stderr
    files = [tmp_path / f"{name}.parquet" for name in ("unisvg", "chartmimic")]
    for file in files:
        file.touch()
    done = run(DRY_RUN="1", BENCHMARKS="unisvg,chartmimic", VALIDATION=str(tmp_path), EVAL_STEPS="7")
    assert done.returncode == 0, done.stderr
    assert f" --val_dataset {files[0]} {files[1]} --eval_strategy steps --eval_steps 7 " in done.stdout
