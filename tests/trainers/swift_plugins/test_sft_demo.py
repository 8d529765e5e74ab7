"""A packed run on the demo set, on two ranks, killed and resumed, against a count of its own of every row and token."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet
import pytest
from needed import needs
from packed_runs import PackedRuns, trained
from PIL import Image

from data_recipes import demo
from vincicoder.data.reading import Split

pytestmark = [pytest.mark.swift, pytest.mark.slow]
needs("swift", "ms-swift is not installed")

HELD_OUT, LONGEST, PACKED, ACCUMULATION, EPOCHS, SAVED, ENDED = 0.2, 2048, 3072, 2, 2, 5, 6


@pytest.fixture(scope="module")
def runs(swift_environment, tmp_path_factory):
    """Built by the recipe, its generated sources only: the samples of the repository would take most of the time."""
    directory = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "sample_set", lambda: None)
        demo.main(["--out", str(directory / "sets"), "--rows", "60"])
    flags = f"--num_train_epochs {EPOCHS} --gradient_accumulation_steps {ACCUMULATION} --save_steps {SAVED} "
    flags += f"--eval_steps {SAVED} --max_length {LONGEST} --packing_length {PACKED}"
    return PackedRuns(directory, directory / "sets" / "sft", HELD_OUT, flags)


@dataclass
class Expected:
    """Tokens of the rows that a run should see by their digest, and how many rows are too long for it."""

    tokens: dict[str, int]
    too_long: int
    held_out: int


def counted(data: Path, model: Path) -> Expected:
    """Count what the files hold by the model's own processor, and nothing of ms-swift's or of the plugins."""
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(model)
    trains, found = Split(HELD_OUT), Expected({}, 0, 0)
    for path in sorted(data.rglob("*.parquet")):
        for row in pyarrow.parquet.read_table(path).to_pylist():
            if not trains.has(row["image"]):
                found.held_out += 1
                continue
            asked = {"type": "text", "text": row["user_content"].removeprefix("<image>")}
            messages = [{"role": "user", "content": [{"type": "image"}, asked]}]
            messages += [{"role": "assistant", "content": row["assistant_content"]}]
            text = processor.apply_chat_template(messages, tokenize=False)
            image = Image.open(io.BytesIO(row["image"])).convert("RGB")
            tokens = [int(token) for token in processor(text=[text], images=[image])["input_ids"][0]]
            if len(tokens) > LONGEST:
                found.too_long += 1
                continue
            digest = hashlib.blake2b(repr(tokens).encode(), digest_size=8).hexdigest()
            assert digest not in found.tokens, "two rows of the set are the same"
            found.tokens[digest] = len(tokens)
    return found


@pytest.mark.timeout(2000)
def test_updates_tokens_and_rows_of_the_demo_set_are_exact_over_a_resume(runs):
    output, codes = runs.start("first", nodes=1, SMOKE_PROCESSES="2", END_AT=str(ENDED))
    assert all(codes), output[-3000:]
    output, codes = runs.start("second", nodes=1, SMOKE_PROCESSES="2", RESUME="auto")
    assert codes == [0], output[-3000:]
    expected = counted(Path(runs.variables["VINCICODER_SFT_DATA"]), runs.out / "smoke-model-0")
    assert expected.held_out > 0, "rows are held out"
    assert expected.too_long > 0, "rows are too long"

    # What counts is what the checkpoint has seen, and what the second run adds to it.
    kept = [each for each in trained(runs.directory / "first") if each["updates"] < SAVED]
    second = trained(runs.directory / "second")
    assert min(each["updates"] for each in second) == SAVED
    batches = kept + second

    for each in batches:
        assert each["tokens"] == sum(expected.tokens[row] for row in each["rows"]) <= PACKED
    sequences = {tuple(each["rows"]) for each in batches}
    never = expected.tokens.keys() - {row for each in batches for row in each["rows"]}
    # Two ranks leave at most one sequence over; all others come once in each epoch.
    assert sum(expected.tokens[row] for row in never) <= PACKED
    updates = -(-len(sequences) // (2 * ACCUMULATION))
    for epoch in range(EPOCHS):
        seen = [tuple(each["rows"]) for each in batches if each["updates"] // updates == epoch]
        assert len(seen) == len(sequences)
        assert set(seen) == sequences
        assert Counter(row for rows in seen for row in rows) == Counter(expected.tokens.keys() - never)
    assert {each["updates"] for each in batches} == set(range(EPOCHS * updates))

    schedule = json.loads((runs.out / f"checkpoint-{SAVED}" / "vincicoder_sft.json").read_text())
    assert schedule["rows"] == len(expected.tokens)
    assert schedule["tokens"] == sum(expected.tokens.values())
    assert schedule["sequences"] == len(sequences) + bool(never)
    [said] = set(re.findall(r"vincicoder-sft: (an epoch has .*)", output))
    assert (
        f"{len(expected.tokens):,} rows in {schedule['sequences']:,} sequences, {schedule['tokens']:,} tokens" in said
    )
    assert f"{updates:,} updates an epoch, {EPOCHS * updates:,} in all" in said
    log = {int(each["global_step/max_steps"].split("/")[0]): each for each in runs.logged() if "rows" in each}
    assert sorted(log) == list(range(1, EPOCHS * updates + 1))
    for update, line in log.items():
        seen = [row for each in batches if each["updates"] < update for row in each["rows"]]
        assert line["rows"] == len(seen)
        assert line["tokens"] == sum(expected.tokens[row] for row in seen)
