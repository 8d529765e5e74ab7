from __future__ import annotations

import json
import subprocess
import sys

import pytest
from needed import needs
from repository import EXAMPLES

from vincicoder.runs.log import read_log

pytestmark = pytest.mark.long

needs("trl")
needs("cv2")


def miniature(out, *arguments):
    command = [sys.executable, str(EXAMPLES / "paper_in_miniature.py"), "--quick", "--workers", "1", "--out", str(out)]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def processor():
    from miniature.model import make_processor
    from miniature.settings import QUICK
    from miniature.stages import split
    from miniature.supervised import direct_rows

    _, lessons, _ = split(QUICK)
    return make_processor(text for row in direct_rows(lessons) for text in (row.prompt, row.response))


def test_the_tokenizer_can_write_any_text(processor):
    for text in (
        "<svg>\n  <ellipse rx='3.5'/></svg>",
        "Grüße, 你好 ☂",
        "```python\nprint(1)\n```",
        "  two  spaces\n\n",
    ):
        assert processor.tokenizer.decode(processor.tokenizer(text)["input_ids"]) == text


def test_an_answer_takes_30_to_60_tokens_and_the_model_has_5_to_10_million_weights(processor):
    from miniature.model import make_model
    from miniature.scenes import answer, code_of
    from miniature.settings import Settings
    from miniature.stages import split

    settings = Settings()
    held_out, _, _ = split(settings)
    lengths = [len(processor.tokenizer(answer(code_of(scene)))["input_ids"]) for scene in held_out]
    assert min(lengths) >= 30 and max(lengths) < min(60, settings.limit)
    model = make_model(processor, 0, settings.width, settings.layers)
    assert 5e6 < sum(each.numel() for each in model.parameters()) < 10e6


def test_rows_teach_the_answer_alone(processor):
    from miniature.judging import images_of
    from miniature.scenes import scenes
    from miniature.supervised import _batch, _Tokens, direct_rows, refinement_rows

    found = scenes(8, seed=0)
    rows = [direct_rows(found)[0], *refinement_rows(found, 0.125, seed=0)]
    pixels = processor.image_processor(images=images_of(found), return_tensors="pt")["pixel_values"]
    tokens = _Tokens(rows, pixels, processor)
    batch = _batch([tokens[0], tokens[1]], processor.tokenizer.pad_token_id)
    for row, ids, labels, mask in zip(rows, batch["input_ids"], batch["labels"], batch["attention_mask"], strict=True):
        assert processor.tokenizer.decode(labels[labels >= 0]) == f"{row.response}<end>"
        said = processor.tokenizer.decode(ids[mask.bool()])
        assert said == f"{'<image>' * 9}{row.prompt}<answer>{row.response}<end>"


@pytest.mark.slow
def test_a_quick_run_has_every_stage_once_with_a_log_that_watch_reads(tmp_path):
    done = miniature(tmp_path, "--arms", "robust", "sft")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == ["stage", "sft", "robust"]
    log = read_log(tmp_path / "robust-seed0")
    assert log.trainer == "trl"
    assert [step for step, _ in log.series("execution")] == [1, 2, 3]
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").iterdir()}
    assert {path.stem for path in made} == {"sft-seed0", "robust-seed0"}
    (tmp_path / "results" / "robust-seed0.json").unlink()
    assert miniature(tmp_path, "--arms", "robust").returncode == 0
    first = tmp_path / "results" / "sft-seed0.json"
    assert first.stat().st_mtime_ns == made[first], "a finished stage is not run again"
    kept = json.loads(first.read_text())
    first.write_text(json.dumps({**kept, "settings": {**kept["settings"], "epochs": 9}}))
    refused = miniature(tmp_path, "--arms", "sft")
    assert refused.returncode == 1
    assert "give another --out" in refused.stderr
