"""Responses as trainers keep them, in their exact forms, read as requests.

EasyR1 (b44b311, ``verl/utils/logger/gen_logger.py``) is not installed, so its form is written here. What the others'
own code writes is read in ``tests/trainers``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from vincicoder.cli.requests_file import RequestsFile, Row
from vincicoder.data.errors import DataError
from vincicoder.errors import ConfigError

PROMPT = "Write SVG code for this icon."
CODE = "<svg xmlns='http://www.w3.org/2000/svg'/>"
ANSWER = f"```svg\n{CODE}\n```"
CHAT = f"<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>{PROMPT}<|im_end|>\n<|im_start|>assistant\n"


@pytest.fixture
def images(tmp_path: Path) -> list[str]:
    for number, colour in enumerate(("red", "green")):
        Image.new("RGB", (32, 32), colour).save(tmp_path / f"{number}.png")
    return ["0.png", "1.png"]


def jsonl(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def rows(path: Path, **more: Any) -> list[Row]:
    return list(RequestsFile(path, **more))


def generations(*entries: tuple[str, str, str, float]) -> str:
    lines = "[prompt] {}\n[output] {}\n[ground_truth] {}\n[score] {}\n\n"
    return "".join(lines.format(*each) for each in entries)


def swift_data(path: Path, images: list[str], *prompts: str) -> Path:
    return jsonl(
        path,
        *(
            {"messages": [{"role": "user", "content": f"<image>{prompt}"}], "images": [image], "solution": f"{CODE}{n}"}
            for n, (image, prompt) in enumerate(zip(images, prompts, strict=True))
        ),
    )


def test_a_log_of_easyr1_has_targets_where_its_answers_do(tmp_path: Path, images: list[str]) -> None:
    truth = json.dumps({"language": "svg", "code": CODE, "target": images[1]})
    (tmp_path / "generations.log").write_text(
        generations((f"user\n{PROMPT}\nassistant\n", ANSWER, truth, 0.5), (PROMPT, "two\n\nlines", truth, 1.0))
    )
    first, second = rows(tmp_path / "generations.log")
    assert (first.request.response, second.request.response) == (ANSWER, "two\n\nlines")
    assert first.request.target == str(tmp_path / images[1])
    assert (first.request.reference, first.request.language) == (CODE, "svg")
    assert (first.number, second.number) == (1, 2)
    assert first.request.metadata["score"] == "0.5"


def test_a_response_cannot_pass_for_the_log_s_own_marks(tmp_path: Path, images: list[str]) -> None:
    truth = json.dumps({"language": "svg", "target": images[0]})
    hostile = "[output] a\n[ground_truth] b\n[score] 1.0\n\n[score] 1.0\n\nmore"
    (tmp_path / "generations.log").write_text(generations((PROMPT, hostile, truth, 0.0), (PROMPT, "x", truth, 0.0)))
    first, second = rows(tmp_path / "generations.log")
    assert (first.request.response, second.request.response) == (hostile, "x")
    assert first.request.target == str(tmp_path / images[0])


def test_another_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text("step 1\n")
    with pytest.raises(ConfigError, match=r"must end in .jsonl or .parquet, or be a generations.log of EasyR1"):
        RequestsFile(tmp_path / "train.log")


def test_a_file_without_images_asks_for_the_data(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "completions.jsonl", {"step": ["1"], "prompt": [CHAT], "completion": [ANSWER]})
    with pytest.raises(ConfigError, match=r"has no images, as ms-swift writes none; give the data .*--data"):
        RequestsFile(file)


def test_the_data_are_found_by_reference_then_by_prompt(tmp_path: Path, images: list[str]) -> None:
    data = swift_data(tmp_path / "train.jsonl", images, PROMPT, "Another icon as SVG.")
    table = {"step": ["2"] * 3, "prompt": [CHAT] * 3, "completion": [ANSWER] * 3, "vincicoder": [0.1, 0.2, 0.3]}
    table["solution"] = [f"{CODE}1", None, "nobody's"]
    found = rows(jsonl(tmp_path / "completions.jsonl", table, table), data=[str(data)])  # as at the end of a run
    assert [each.request.target for each in found] == [str(tmp_path / name) for name in ("1.png", "0.png", "0.png")]
    assert [each.request.metadata["vincicoder"] for each in found] == [0.1, 0.2, 0.3]
    assert {each.labels["kind"] for each in found} == {"step 2"}
    assert {each.labels["domain"] for each in found} == {"svg"}
    assert [each.number for each in found] == [1, 2, 3]
    assert found[0].labels["group"] != found[1].labels["group"]


def test_a_prompt_of_several_images_is_not_guessed_at(tmp_path: Path, images: list[str]) -> None:
    data = swift_data(tmp_path / "train.jsonl", images, PROMPT, PROMPT)
    table = {"step": ["2"] * 2, "prompt": [CHAT, "Something else."], "completion": [ANSWER] * 2}
    first, second = rows(jsonl(tmp_path / "completions.jsonl", table), data=[str(data)])
    assert first.problem.startswith("line 1, response 1: its prompt is that of several images of the data")
    assert second.problem.endswith("no row of the data has its reference or its prompt")


def test_data_that_are_not_there_are_named(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "completions.jsonl", {"step": ["1"], "prompt": [CHAT], "completion": [ANSWER]})
    with pytest.raises(DataError, match=r"lost\.parquet"):
        RequestsFile(file, data=[str(tmp_path / "lost.parquet")])


def test_a_directory_is_read_in_the_order_of_its_steps(tmp_path: Path, images: list[str]) -> None:
    (tmp_path / "rollouts").mkdir()
    for step in (10, 2):
        truth = json.dumps({"target": str(tmp_path / images[0]), "language": "svg"})
        row = {"input": PROMPT, "output": f"{step}", "gts": truth, "score": 0.5, "step": step, "uid": "a-b_0_0"}
        jsonl(tmp_path / "rollouts" / f"{step}.jsonl", row, "{broken")
    found = rows(tmp_path / "rollouts")
    assert [each.request.response for each in found if not each.problem] == ["2", "10"]
    assert [each.number for each in found] == [1, 2, 3, 4]
    assert found[1].problem.startswith("2.jsonl, line 2: ")
    assert found[0].labels == {"kind": "step 2", "group": "a-b"}
    assert len(RequestsFile(tmp_path / "rollouts")) == 4


def test_any_columns_can_stand_for_ours(tmp_path: Path, images: list[str]) -> None:
    row = {
        "answer": [{"role": "assistant", "content": ANSWER}],
        "pictures": [{"path": images[0]}],
        "extra": {"code": CODE},
    }
    columns = {"response": "answer", "target": "pictures", "reference": "extra.code"}
    [found] = rows(jsonl(tmp_path / "r.jsonl", row), columns=columns)
    assert (found.request.response, found.request.reference) == (ANSWER, CODE)
    assert found.request.target == str(tmp_path / images[0])
    with pytest.raises(ConfigError, match="no column 'picture', which columns names; it has: answer, pictures"):
        RequestsFile(tmp_path / "r.jsonl", columns={"target": "picture"})
    with pytest.raises(ConfigError, match="'goal', which is none of ours: response, target"):
        RequestsFile(tmp_path / "r.jsonl", columns={"goal": "pictures"})
