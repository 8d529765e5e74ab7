"""What a layout writes, the reward finds again in what the layout's trainer hands over: target, language, reference."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from vincicoder.data import Record
from vincicoder.data.layouts import LAYOUTS
from vincicoder.images import open_target
from vincicoder.trainers import answer_fields, request_from

CODE = '<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>'

HANDED_OVER = {
    "records": lambda row: (row,),
    "sft": lambda row: (row,),
    "rl": lambda row: (answer_fields(row["answer"]), {"multi_modal_data": {"images": row["images"]}}, row),
    "easyr1": lambda row: (answer_fields(row["answer"]), {"problem": row["problem"]}),
    "verl": lambda row: (row["extra_info"], answer_fields(row["reward_model"]["ground_truth"])),
    "slime": lambda row: (answer_fields(row["label"]), {"images": row["images"], "prompt": row["prompt"]}),
    "llamafactory": lambda row: (row, answer_fields(row["solution"]), {"prompt": row["messages"][0]["content"]}),
    "trl": lambda row: (row, answer_fields(row["solution"]), {"prompt": row["prompt"][0]["content"]}),
    "swift": lambda row: (row, answer_fields(row["solution"]), {"prompt": row["messages"][0]["content"]}),
}
"""Where the trainers of a layout let the reward look, as their adapters do."""


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("in_file", [False, True], ids=["image in the row", "image in a file"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_target_language_and_reference_of_every_layout_reach_the_reward(name, in_file, tmp_path):
    (tmp_path / "a.png").write_bytes(png())
    layout = LAYOUTS.get(name)
    path = str(tmp_path / "a.png") if layout.absolute_paths else "a.png"
    record = Record("r1", "svg", "generate", "svg", "As SVG, please.", CODE, path if in_file else png())
    request = request_from("", HANDED_OVER[name](layout.write(record)), image_dir=tmp_path)
    assert open_target(request.target).tobytes() == open_target(png()).tobytes()
    assert request.language == "svg"
    assert request.reference == CODE


def test_what_else_a_row_for_verl_says_arrives_as_metadata():
    row = LAYOUTS.get("verl").write(Record("r1", "svg", "generate", "svg", "As SVG, please.", CODE, png()))
    row["extra_info"] |= {"split": "train", "difficulty": 3}
    assert request_from("", HANDED_OVER["verl"](row)).metadata == {"id": "r1", "split": "train", "difficulty": 3}
