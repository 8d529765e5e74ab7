"""``swift sft`` trains on our data sets: two models, full and LoRA, streamed and not, with good rows and bad."""

from __future__ import annotations

import math
import re

import pytest
from needed import needs
from public_layout import BAD, parquet, svg_rows

pytestmark = pytest.mark.swift
needs("swift", "ms-swift is not installed")


def losses(run):
    assert run.status == 0, run.output[-3000:]
    return [float(row["loss"]) for row in run.log]


def summaries(run):
    return re.findall(r"vincicoder-sft: left out .*", run.output)


def test_a_model_learns_the_rows_it_is_shown(swift_sft, public):
    """Qwen2.5-VL, all parameters, a table, samples of two subsets, another subset to evaluate."""
    flags = ("--max_steps", 40, "--learning_rate", "1e-2", "--num_train_epochs", 100)
    evaluation = ("--eval_strategy", "steps", "--eval_steps", 40, "--val_dataset", "vincicoder-sft:chart-refine#3")
    run = swift_sft("qwen2_5_vl", "vincicoder-sft:svg/web#2", *flags, *evaluation, VINCICODER_SFT_DATA=public)
    found = losses(run)
    assert len(found) == 40
    assert all(map(math.isfinite, found))
    assert found[-1] < found[0] / 3
    assert "eval_loss" in run.output
    assert not summaries(run), "nothing was left out"


def expected_summary(times: int) -> set[str]:
    return {f"{reason} {times}" for reason in BAD}


@pytest.mark.parametrize(
    ("kind", "flags"),
    [
        pytest.param(
            "qwen3_vl",
            "--tuner_type full --dataset_num_proc 2 --dataloader_num_workers 2",
            marks=pytest.mark.slow,
        ),
        ("qwen2_5_vl", "--tuner_type lora --streaming true --dataloader_num_workers 1"),
    ],
)
def test_bad_rows_are_summed_up_in_one_line(swift_sft, messy, kind, flags):
    flags = (*flags.split(), "--max_steps", 6, "--num_train_epochs", 3)
    run = swift_sft(kind, "vincicoder-sft", *flags, VINCICODER_SFT_DATA=messy)
    assert all(map(math.isfinite, losses(run)))
    [summary] = summaries(run)
    counted = re.search(r"left out (\d+) rows \((.*)\); they are listed in (\S+)", summary)
    assert int(counted[1]) == 2 * len(BAD)
    assert set(counted[2].split(", ")) == expected_summary(2)
    with open(counted[3], encoding="utf-8") as lines:
        assert {line.split("\t")[0] for line in lines} == set(BAD)
    assert "Traceback" not in run.output
    assert run.output.count("tell no domain, so their rows are in the subsets default and others: surprise") == 1


def test_unusable_data_ends_the_run_with_one_sentence(swift_sft, tmp_path):
    [row] = svg_rows(1)
    parquet(tmp_path / "img2svg.parquet", [{"question": row.pop("user_content"), **row}])
    run = swift_sft("qwen2_5_vl", "vincicoder-sft", VINCICODER_SFT_DATA=tmp_path)
    assert run.status != 0
    last = run.output.strip().splitlines()[-1]
    assert last.startswith("vincicoder-sft: ")
    assert (
        "has no column user_content; its columns are: question, assistant_content, image; rename them, or say" in last
    )
    assert "Traceback" not in run.output
