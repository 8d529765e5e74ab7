"""Reads rows as verl's own data set class does, in a process of its own, since that class forks: MODEL DIRECTORY ...

Every directory of Parquet files is a data set. Prints a JSON object for each row: the data set, the sizes of the images
that the model sees, and the request that the reward gets.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from transformers import AutoProcessor
from verl.utils.dataset.rl_dataset import RLHFDataset

from vincicoder.images import open_target
from vincicoder.trainers import answer_fields, request_from


def main(model: str, *directories: str) -> None:
    """Print the rows."""
    processor = AutoProcessor.from_pretrained(model)
    with tempfile.TemporaryDirectory() as cache:
        config = OmegaConf.create(
            {
                "max_prompt_length": 128,
                "filter_overlong_prompts": True,
                "filter_overlong_prompts_workers": 1,
                "cache_dir": cache,
            }
        )
        for directory in map(Path, directories):
            files = sorted(map(str, directory.glob("*.parquet")))
            show(RLHFDataset(files, processor.tokenizer, config, processor), config, directory.name)


def show(dataset: RLHFDataset, config: Any, name: str) -> None:
    """Print the rows of one data set."""
    for number in range(len(dataset)):
        row = dataset[number]
        images, _, _ = dataset._process_multi_modal_info(row["raw_prompt"], dataset.image_patch_size, config)
        request = request_from("", (row["extra_info"], answer_fields(row["reward_model"]["ground_truth"])))
        found = {
            "set": name,
            "sizes": [list(image.size) for image in images],
            "language": request.language,
            "reference": request.reference,
            "target": open_target(request.target).tobytes().hex(),
        }
        print("ROW", json.dumps(found), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
