"""``swift rlhf --rlhf_type grpo`` with our rewards: the real command line, on CPU."""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from repository import ROOT
from shown_gallery import assert_gallery_shows
from taught_turns import make_taught_turns, user_turns
from taught_vlm import ANSWERS, PROMPT, TARGET
from tiny_benchmarks import taught_unisvg

from vincicoder import RewardRequest, VisualReward, evaluate
from vincicoder.cli.requests_file import RequestsFile
from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.status import Fault
from vincicoder.trainers import drain_sums

pytestmark = [pytest.mark.swift, pytest.mark.long]


SWIFT = Path(sys.executable).with_name("swift")
REWARDS = {
    "vincicoder": ("VinciCoder", "overall"),
    "vincicoder_visual": ("VinciCoderVisual", "visual"),
    "vincicoder_alignment": ("VinciCoderAlignment", "alignment"),
    "vincicoder_execution": ("VinciCoderExecution", "execution"),
}


SHORT = """
    --check_model false --torch_dtype float32 --attn_impl eager --use_vllm false --num_generations 4
    --gradient_accumulation_steps 1 --max_completion_length 64 --max_length 512 --max_steps 2 --learning_rate 1e-4
    --logging_steps 1 --save_strategy no --report_to none --dataset_num_proc 1 --dataloader_num_workers 0
    --temperature 1.0 --log_completions true --add_version false
"""


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "target.png"
    TARGET.save(path)
    return path


@pytest.fixture(scope="module")
def rows(target) -> Path:
    messages = [{"role": "user", "content": f"<image>{PROMPT}"}]
    row = {"messages": messages, "images": [str(target)], "solution": ANSWERS[0], "language": "svg"}
    path = target.with_name("rows.jsonl")
    path.write_text(f"{json.dumps(row)}\n" * 8)
    return path


def train(directory: Path, kind: str, model: Path, rows: Path, *flags: str, **environment: str) -> Path:
    command = [SWIFT, "rlhf", "--rlhf_type", "grpo", "--model", model, "--model_type", kind, "--template", kind]
    command += ["--external_plugins", ROOT / "swift_plugins/vincicoder_grpo.py", ROOT / "examples/smoke_tokens.py"]
    command += ["--dataset", rows, "--output_dir", directory / "out", "--callbacks", "vincicoder", *flags]
    command += SHORT.split()
    environment |= {"HF_HUB_OFFLINE": "1", "MODELSCOPE_CACHE": str(directory / "cache"), "OMP_NUM_THREADS": "1"}
    environment |= {"VINCICODER_REWARD_ENCODER": "embedded", "VINCICODER_REWARD_WORKERS": "1"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=directory,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return directory / "out"


def assert_logged_is_earned(out: Path, target: Path, names: list[str]) -> None:
    """Compare what ms-swift logged with the reward recomputed from the completions that it logged."""
    steps = {}
    for line in (out / "completions.jsonl").read_text().splitlines():
        table = json.loads(line)
        steps[table["step"][0]] = table
    assert sorted(steps) == ["1", "2"]
    logged = [json.loads(line) for line in (out / "logging.jsonl").read_text().splitlines()]
    logs = [line for line in logged if "reward" in line]
    with VisualReward("embedded", workers=1) as reward:
        for log, table in zip(logs, steps.values(), strict=True):
            requests = [RewardRequest(text, str(target), language="svg") for text in table["completion"]]
            results = reward.score(requests)
            assert any(result.execution for result in results)
            for name in names:
                logged_name, component = REWARDS[name]
                again = [getattr(result, component) for result in results]
                assert table[logged_name] == pytest.approx(again, abs=1e-5)
                assert log[f"rewards/{logged_name}/mean"] == pytest.approx(sum(again) / len(again), abs=1e-5)
                assert log[f"vincicoder/{component}"] == pytest.approx(sum(again) / len(again), abs=1e-5)
            assert abs(log["loss"]) < 1
            assert log["vincicoder/bad_target"] == log["vincicoder/infrastructure"] == 0


def assert_scored_again(out: Path, rows: Path) -> None:
    """Read ms-swift's own table of completions as `vincicoder score` does, and compare with what was earned."""
    read = list(RequestsFile(out / "completions.jsonl", data=[str(rows)]))
    assert [row.problem for row in read] == [""] * 16
    assert {row.labels["kind"] for row in read} == {"step 1", "step 2"}
    with VisualReward("embedded", workers=1) as reward:
        results = reward.score([row.request for row in read])
    earned = [row.request.metadata["VinciCoder"] for row in read]
    assert [result.overall for result in results] == pytest.approx(earned, abs=1e-5)


def test_all_four_rewards_are_what_the_completions_earn(tmp_path, taught_policy, target, rows):
    out = train(
        *(
            tmp_path,
            "qwen2_5_vl",
            taught_policy("qwen2_5_vl"),
            rows,
            "--per_device_train_batch_size",
            "8",
            "--tuner_type",
            "full",
        ),
        *("--reward_funcs", *REWARDS, "--reward_weights", "0.7", "0.1", "0.1", "0.1"),
        VINCICODER_REWARD_GALLERY_DIR="gallery",
        VINCICODER_REWARD_GALLERY_EVERY="1",
    )
    assert_logged_is_earned(out, target, list(REWARDS))
    assert_scored_again(out, rows)
    tables = [json.loads(line) for line in (out / "completions.jsonl").read_text().splitlines()]
    assert_gallery_shows(tmp_path / "gallery", [each for table in tables for each in table["VinciCoder"]], 2)


@pytest.mark.slow
def test_two_ranks_share_one_reward_and_log_the_mean_over_both(tmp_path, taught_policy, target, rows):
    out = train(
        *(
            tmp_path,
            "qwen3_vl",
            taught_policy("qwen3_vl"),
            rows,
            "--per_device_train_batch_size",
            "4",
            "--tuner_type",
            "lora",
        ),
        *("--use_cpu", "true", "--ddp_backend", "gloo", "--reward_funcs", "vincicoder"),
        NPROC_PER_NODE="2",
        MASTER_PORT="29583",
    )
    assert_logged_is_earned(out, target, ["vincicoder"])


@pytest.mark.slow
def test_a_validation_logs_the_numbers_of_the_benchmark(tmp_path, taught_policy, rows):
    from vincicoder.evaluation.export import export

    benchmark = BENCHMARKS.get("unisvg")
    taught_unisvg(tmp_path / "unisvg")
    export(benchmark, benchmark.load(tmp_path / "unisvg"), "swift", tmp_path / "unisvg.parquet")
    out = train(
        *(tmp_path, "qwen2_5_vl", taught_policy("qwen2_5_vl"), rows, "--reward_funcs", "vincicoder"),
        *("--per_device_train_batch_size", "4", "--per_device_eval_batch_size", "4", "--tuner_type", "full"),
        *("--val_dataset", tmp_path / "unisvg.parquet", "--eval_strategy", "steps", "--eval_steps", "2"),
        VINCICODER_REWARD_BENCHMARKS="unisvg",
        VINCICODER_REWARD_VALIDATION_DIR=str(tmp_path / "validation"),
    )
    logged = [json.loads(line) for line in (out / "logging.jsonl").read_text().splitlines()]
    [log] = [line for line in logged if "eval_reward" in line]
    answers = tmp_path / "validation" / "unisvg" / "step-2.jsonl"
    columns = evaluate("unisvg", answers, tmp_path / "unisvg", workers=1).columns
    assert columns["execution"] > 0
    found = {name: log[f"eval_vincicoder/benchmark/unisvg/{name}"] for name in columns}
    assert found == pytest.approx(columns)
    assert log["eval_vincicoder/benchmark/unisvg/unjudged"] == 0


@pytest.fixture
def plugin(monkeypatch) -> dict[str, Any]:
    """The plugin, loaded from its path as ms-swift does."""
    monkeypatch.delenv("VINCICODER_REWARD_CONFIG", raising=False)
    return runpy.run_path(str(ROOT / "swift_plugins" / "vincicoder_grpo.py"))


def test_options_come_from_a_file_and_from_variables_which_win(plugin, tmp_path, monkeypatch):
    file = tmp_path / "reward.yaml"
    file.write_text("encoder: some/encoder\nworkers: 3\nguards: [blank]\n")
    monkeypatch.setenv("VINCICODER_REWARD_CONFIG", str(file))
    monkeypatch.setenv("VINCICODER_REWARD_ENCODER", "embedded")
    monkeypatch.setenv("VINCICODER_REWARD_NAMESPACES", "false")
    expected = {"encoder": "embedded", "workers": 3, "guards": ["blank"], "namespaces": False}
    assert plugin["reward_options"]() == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "which cannot be read"),
        ("encoder: [", "which cannot be read"),
        ("embedded", "holds no options; expected lines such as"),
        ("encodr: embedded", "no option 'encodr'; did you mean 'encoder'"),
    ],
)
def test_a_wrong_file_of_options_is_an_error_that_names_it(plugin, tmp_path, monkeypatch, text, said):
    file = tmp_path / "reward.yaml"
    if text is not None:
        file.write_text(text)
    monkeypatch.setenv("VINCICODER_REWARD_CONFIG", str(file))
    with pytest.raises(ConfigError, match=said):
        plugin["VinciCoder"]()


def test_rewards_of_one_batch_overlap_and_share_one_pass(plugin, target, monkeypatch):
    monkeypatch.setenv("VINCICODER_REWARD_ENCODER", "embedded")
    drain_sums()

    async def score() -> list[list[float | None]]:
        rewards = [plugin["orms"][name]() for name in REWARDS]
        images = [[{"bytes": target.read_bytes(), "path": None}]] * len(ANSWERS)
        columns = {"images": images, "language": ["svg"] * len(ANSWERS)}
        return await asyncio.gather(*(reward(ANSWERS, **columns) for reward in rewards))

    overall, visual, alignment, execution = asyncio.run(score())
    assert alignment == execution == [1.0, 1.0, 0.0, 1.0]
    assert overall == pytest.approx(
        [0.9 * each + 0.1 * aligned for each, aligned in zip(visual, alignment, strict=True)]
    )
    assert drain_sums()["count"] == len(ANSWERS)


def turns_of(prompt: str, completion: str) -> list[str]:
    """Return what the policy wrote in each turn, from the texts that ms-swift logged."""
    begins, ends = "<|im_start|>assistant\n", "<|im_end|>"
    return [part.partition(ends)[0] for part in prompt.split(begins)[1:-1]] + [completion]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_turns_earn_what_the_logged_turns_do(tmp_path, target, rows):
    policy = make_taught_turns(tmp_path / "policy", "qwen2_5_vl", user_turns)
    out = train(
        *(tmp_path, "qwen2_5_vl", policy, rows, "--reward_funcs", "vincicoder", "--tuner_type", "full"),
        *("--per_device_train_batch_size", "8", "--multi_turn_scheduler", "vincicoder", "--max_turns", "2"),
        VINCICODER_REWARD_WALL_SECONDS="240",
    )
    tables = [json.loads(line) for line in (out / "completions.jsonl").read_text().splitlines()]
    logs = [json.loads(line) for line in (out / "logging.jsonl").read_text().splitlines()]
    logs = [log for log in logs if "reward" in log]
    assert len(logs) == 2
    seen: list[float] = []
    taken = 0
    with VisualReward("embedded", workers=1, wall_seconds=240) as reward:
        for log, table in zip(logs, {table["step"][0]: table for table in tables}.values(), strict=True):
            turns = [turns_of(*texts) for texts in zip(table["prompt"], table["completion"], strict=True)]
            assert [len(each) for each in turns] == table["num_turns"]
            flat = [RewardRequest(text, TARGET, PROMPT) for each in turns for text in each]
            results = iter(reward.score(flat))
            judged = [[next(results) for _ in each] for each in turns]
            assert not [each.message for pair in judged for each in pair if each.status.fault is Fault.MACHINE]
            first, last = ([pair[place].overall for pair in judged] for place in (0, -1))
            gains = [after - before for before, after in zip(first, last, strict=True)]
            earned = [after if gain >= -0.005 else 0.0 for after, gain in zip(last, gains, strict=True)]
            said = [(each[-1].status, each[-1].message) for each in judged]
            assert table["VinciCoder"] == pytest.approx(earned, abs=1e-5), said
            expected = {"overall": earned, "turn/first": first, "turn/last": last, "turn/2/gain": gains}
            expected |= {"turn/2/worse": [gain < -0.005 for gain in gains]}
            expected |= {"turn/2/share": [len(each) - 1 for each in turns]}
            for name, values in expected.items():
                assert log[f"vincicoder/{name}"] == pytest.approx(fmean(values), abs=1e-5)
            # All eight rows have the same target and prompt, so our reward takes them for one group.
            poor = [gain > 0.005 and after <= fmean(first) for gain, after in zip(gains, last, strict=True)]
            assert log["vincicoder/turn/sabotage"] == pytest.approx(fmean(poor), abs=1e-5)
            taken += sum(len(each) - 1 for each in turns)
            assert all("<|vision" not in shown and shown.count("<image>") <= 2 for shown in table["prompt"])
            seen += earned
    assert taken > 8
    assert 0.0 in seen, "a turn that was worse"
    assert max(seen) > 0.5
