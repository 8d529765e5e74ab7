"""Reads rows as EasyR1's own data set class does, in a process of its own, as its package is called verl: MODEL DIR ...

Prints a JSON object for each row: the data set, how many tokens the prompt has, and the request that the reward gets.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from transformers import AutoProcessor
from verl.utils.dataset import RLHFDataset

from vincicoder.images import open_target
from vincicoder.trainers import answer_fields, request_from


def main(model: str, *directories: str) -> None:
    """Print the rows."""
    processor = AutoProcessor.from_pretrained(model)
    for directory in directories:
        options = {"prompt_key": "problem", "max_prompt_length": 4096, "filter_overlong_prompts_workers": 1}
        for row in RLHFDataset(directory, processor.tokenizer, processor, **options):
            # What stock EasyR1's manager passes on is the answer; the rest is found in its batch.
            sources = (answer_fields(row["ground_truth"]), {"images": row["multi_modal_data"]["images"]})
            request = request_from("", sources)
            found = {
                "set": Path(directory).name,
                "tokens": len(row["raw_prompt_ids"]),
                "language": request.language,
                "reference": request.reference,
                "target": open_target(request.target).tobytes().hex(),
            }
            print("ROW", json.dumps(found), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
