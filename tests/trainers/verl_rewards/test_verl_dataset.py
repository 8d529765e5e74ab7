"""verl's own data set class keeps every row of an export, with images in the rows and in files beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
from recipe_helpers import Numbered, png_of, record_of

from data_recipes import export
from data_recipes.engine.pipeline import run
from vincicoder.images import open_target
from vincicoder.trainers import answer_fields, request_from

pytestmark = pytest.mark.verl

rl_dataset = pytest.importorskip("verl.utils.dataset.rl_dataset", reason="verl >= 0.9 is not installed")

ROWS = 4


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    from tiny_vlm import make_tiny_vlm

    return make_tiny_vlm(tmp_path_factory.mktemp("model"), "qwen3_vl")


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("records") / "in"
    run(Numbered(ROWS), [], directory, {})
    return directory


@pytest.mark.parametrize("flags", [(), ("--pictures",)], ids=["in the rows", "in files"])
def test_no_row_is_dropped_and_model_and_reward_get_the_records_image(flags, model, records, tmp_path, monkeypatch):
    from omegaconf import OmegaConf
    from transformers import AutoProcessor

    monkeypatch.chdir(tmp_path)
    export.main([str(records), "--layout", "verl", "--out", "sets/verl", *flags])
    monkeypatch.chdir("/")  # a trainer runs where it likes
    processor = AutoProcessor.from_pretrained(model)
    config = OmegaConf.create(
        {
            "max_prompt_length": 128,
            "filter_overlong_prompts": True,
            "filter_overlong_prompts_workers": 1,
            "cache_dir": str(tmp_path / "cache"),
        }
    )
    files = sorted(map(str, (tmp_path / "sets" / "verl").glob("*.parquet")))
    dataset = rl_dataset.RLHFDataset(files, processor.tokenizer, config, processor)
    assert len(dataset) == ROWS
    for number in range(ROWS):
        row, record = dataset[number], record_of(number)
        images, _, _ = dataset._process_multi_modal_info(row["raw_prompt"], dataset.image_patch_size, config)
        assert [image.size for image in images] == [(96, 96)]
        request = request_from("", (row["extra_info"], answer_fields(row["reward_model"]["ground_truth"])))
        assert (request.language, request.reference) == ("svg", record.code)
        assert open_target(request.target).tobytes() == open_target(png_of(number)).tobytes()
