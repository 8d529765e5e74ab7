"""The trainers' own data set classes read what ``export`` writes, row by row. verl's has a file of its own.

EasyR1 is read from the checkout that ``EASYR1_HOME`` names, LLaMA-Factory where it is installed or on the path.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest
from needed import needs
from recipe_helpers import Numbered, png_of, record_of
from repository import ROOT, SUPPORT

from data_recipes import export, report
from data_recipes.engine.pipeline import run
from vincicoder import CompletionReward
from vincicoder.images import open_target

ROWS = 4
TARGETS = [open_target(png_of(number)).tobytes() for number in range(ROWS)]
ANSWERS = [record_of(number).response for number in range(ROWS)]


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("records") / "in"
    run(Numbered(ROWS), [], directory, {})
    return directory


@pytest.mark.skipif("EASYR1_HOME" not in os.environ, reason="EASYR1_HOME names no checkout of EasyR1")
def test_easyr1_keeps_every_row_and_model_and_reward_get_the_records_image(records, tmp_path):
    from tiny_vlm import make_tiny_vlm

    model = make_tiny_vlm(tmp_path / "model", "qwen2_5_vl")
    for layout in ("rl", "easyr1"):
        export.main([str(records), "--layout", layout, "--out", str(tmp_path / layout)])
    environment = {
        **os.environ,
        "PYTHONPATH": f"{os.environ['EASYR1_HOME']}{os.pathsep}{ROOT}",
        "HF_HOME": str(tmp_path),
    }
    command = [
        sys.executable,
        str(SUPPORT / "easyr1_rows.py"),
        str(model),
        str(tmp_path / "rl"),
        str(tmp_path / "easyr1"),
    ]
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, timeout=300, check=False)
    rows = [json.loads(line.removeprefix("ROW ")) for line in done.stdout.splitlines() if line.startswith("ROW ")]
    assert [row["set"] for row in rows] == ["rl"] * ROWS + ["easyr1"] * ROWS, done.stderr
    for number, row in enumerate(rows):
        assert row["tokens"] > 9
        assert (row["language"], row["reference"]) == ("svg", record_of(number % ROWS).code)
        assert row["target"] == TARGETS[number % ROWS].hex()


@pytest.mark.parametrize("flags", [(), ("--val-share", "0.5")], ids=["one set", "two sets"])
def test_llama_factory_finds_the_set_by_its_list_and_reads_every_row(records, tmp_path, monkeypatch, flags):
    pytest.importorskip("llamafactory", reason="LLaMA-Factory is not installed, or is not on the path")
    monkeypatch.setenv("DISABLE_VERSION_CHECK", "1")  # of its own pins, which no environment with newer trainers meets
    from llamafactory.data.loader import _load_single_dataset
    from llamafactory.data.mm_plugin import get_mm_plugin
    from llamafactory.data.parser import get_dataset_list
    from llamafactory.hparams import DataArguments, ModelArguments

    export.main([str(records), "--layout", "llamafactory", "--out", str(tmp_path / "sets" / "icons"), *flags])
    directory = tmp_path / "sets" / "icons" if flags else tmp_path / "sets"
    names = ["train", "val"] if flags else ["icons"]
    assert json.loads((directory / "dataset_info.json").read_text()).keys() == set(names)
    plugin = get_mm_plugin("qwen2_vl", image_token="<|image_pad|>")
    found = []
    for attributes in get_dataset_list(names, str(directory)):
        data = DataArguments(dataset_dir=str(directory), media_dir=str(directory))
        training = types.SimpleNamespace(local_process_index=0)
        model = ModelArguments(model_name_or_path="none", cache_dir=str(tmp_path / "cache"))
        for row in _load_single_dataset(attributes, model, data, training):
            [image] = plugin._regularize_images(row["_images"], image_max_pixels=10**7, image_min_pixels=1)["images"]
            assert row["_prompt"] == [{"role": "user", "content": f"<image>{record_of(0).prompt}"}]
            found.append((row["_response"][0]["content"], open_target(image).tobytes()))
    assert sorted(found) == sorted(zip(ANSWERS, TARGETS, strict=True))


@pytest.mark.swift
@pytest.mark.parametrize("flags", [(), ("--pictures",)], ids=["images in rows", "images in files"])
def test_ms_swift_reads_every_row(records, tmp_path, monkeypatch, flags):
    swift = needs("swift.dataset", "ms-swift is not installed")
    export.main([str(records), "--layout", "swift", "--out", str(tmp_path / "set"), *flags])
    monkeypatch.chdir(tmp_path / "set")  # paths are relative to it
    [file] = (tmp_path / "set").glob("*.parquet")
    rows, _ = swift.load_dataset(str(file))
    found = []
    for row in rows:
        [image] = row["images"]
        found.append((row["messages"][-1]["content"], open_target(image).tobytes()))
        assert row["messages"][0]["content"].startswith("<image>")
    assert sorted(found) == sorted(zip(ANSWERS, TARGETS, strict=True))


def test_trl_reads_every_row_for_sft_and_the_reward_sees_the_image_for_grpo(records, tmp_path):
    needs("trl", "TRL is not installed")
    from datasets import load_dataset
    from tiny_vlm import make_tiny_vlm
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from trl import GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

    sets = tmp_path / "sets"
    export.main([str(records), "--layout", "trl", "--out", str(sets / "icons")])
    report.main([str(records), "--out", str(sets / "report"), "--sets", str(sets / "icons")])
    rows = load_dataset(str(sets), "icons", split="train", cache_dir=str(tmp_path / "cache"))
    directory = make_tiny_vlm(tmp_path / "model", "qwen2_5_vl")
    processor = AutoProcessor.from_pretrained(directory)
    model = AutoModelForImageTextToText.from_pretrained(directory)
    common = {"output_dir": str(tmp_path / "out"), "report_to": [], "use_cpu": True, "bf16": False}
    options = SFTConfig(**common, per_device_train_batch_size=ROWS, max_length=None)
    sft = SFTTrainer(model=model, args=options, train_dataset=rows, processing_class=processor)
    [batch] = sft.get_train_dataloader()
    assert len(batch["image_grid_thw"]) == ROWS
    texts = [processor.tokenizer.decode(tokens) for tokens in batch["input_ids"]]
    for text in texts:
        assert "<image>" not in text, "TRL puts the image there by itself"
        assert text.count("<|vision_start|>") == 1
    assert all(any(answer in text for text in texts) for answer in ANSWERS)
    reward = CompletionReward(encoder="embedded", workers=2)
    options = GRPOConfig(**common, per_device_train_batch_size=2, num_generations=2)
    grpo = GRPOTrainer(model=model, args=options, reward_funcs=[reward], train_dataset=rows, processing_class=processor)
    batch = next(iter(grpo.get_train_dataloader()))
    columns = {name: [row[name] for row in batch] for name in batch[0] if name not in ("prompt", "completion")}
    answers = [row["completion"] for row in batch]
    assert min(reward(answers, [row["prompt"] for row in batch], **columns)) > 0.95
