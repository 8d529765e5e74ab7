"""A record written for any trainer and read back is the same record, also by way of a Parquet file."""

from __future__ import annotations

import dataclasses
import json

import pytest

from vincicoder.data import BadRow, Record
from vincicoder.data.domains import DOMAINS, classify, file_stem
from vincicoder.data.layouts import LAYOUTS, layout_of

CODE = "\n\nimport matplotlib.pyplot as plt\nplt.plot([1])  # é\n\n"
NUL_BYTES = b"\x89PNG\x00\xff\x00\x00"

RECORD = Record(
    id="r1",
    domain="chart",
    task="refine",
    language="python",
    prompt="Fix this. <image> stays.\n\n```python\nplt.plot([2])\n```",
    code=CODE,
    target=NUL_BYTES,
    defective_code="plt.plot([2])",
    source="mine",
    licence="CC-BY-4.0",
    checks={"similarity": 0.5, "defects": ["colour", None], "depth": {"a": 1}},
)
VARIANTS = [
    {},
    {"target": "pictures/ab/cd.png", "checks": {}},
    {"answer": f"Here:\n```py\n{CODE}```\nDone."},
    {"task": "generate", "defective_code": None, "domain": "others"},
    {"prompt": "<image><image>twice <image>"},
    {"language": "svg", "domain": "svg", "code": '<svg xmlns="http://www.w3.org/2000/svg">```</svg>'},
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("changes", VARIANTS)
def test_every_layout_gives_back_the_record_that_was_written(layout, changes, tmp_path):
    import pyarrow
    import pyarrow.parquet

    record = dataclasses.replace(RECORD, **changes)
    written_as = LAYOUTS.get(layout)
    row = written_as.write(record)
    assert set(written_as.columns) <= set(row)
    assert written_as.read(row, None) == record
    schema = written_as.schema(paths=isinstance(record.target, str))
    for columns in (None, schema):  # as Arrow guesses it, and as the layout says
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row], columns), tmp_path / "t.parquet")
        [stored] = pyarrow.parquet.read_table(tmp_path / "t.parquet").to_pylist()
        assert written_as.read(stored, None) == record
    assert schema.names == list(row)


def test_a_changed_column_wins_over_the_stored_record():
    row = LAYOUTS.get("sft").write(RECORD)
    row |= {"user_content": "Other words.", "assistant_content": "```python\nimport os\n```"}
    found = LAYOUTS.get("sft").read(row, None)
    assert (found.prompt, found.code, found.id) == ("Other words.", "import os", "r1")
    row = LAYOUTS.get("verl").write(RECORD)
    row["reward_model"] = {"style": "rule", "ground_truth": "import os"}
    assert LAYOUTS.get("verl").read(row, None).code == "import os"


def test_without_the_stored_record_the_rules_for_public_rows_apply():
    plain = dataclasses.replace(RECORD, task="generate", defective_code=None, prompt="Draw it in Python.")
    for name in ("sft", "rl", "easyr1", "verl", "swift", "slime", "trl"):
        row = LAYOUTS.get(name).write(plain)
        del row["record"]
        found = LAYOUTS.get(name).read(row, None)
        assert (found.code.strip(), found.language, found.target) == (CODE.strip(), "python", NUL_BYTES)


def test_stock_easyr1_finds_the_target_in_its_answer():
    answer = json.loads(LAYOUTS.get("easyr1").write(RECORD)["answer"])
    assert set(answer) == {"language", "code", "target"}


def test_a_damaged_record_is_a_bad_row():
    for name, column, value in (
        ("sft", "record", "[1]"),
        ("rl", "record", "{"),
        ("verl", "prompt", "text"),
        ("verl", "reward_model", None),
        ("swift", "messages", None),
        ("trl", "completion", None),
        ("slime", "images", None),
        ("slime", "images", ["data:image/png;base64,A"]),
    ):
        with pytest.raises(BadRow):
            LAYOUTS.get(name).read(LAYOUTS.get(name).write(RECORD) | {column: value}, None)


def test_a_table_is_recognised_by_its_columns():
    for name in LAYOUTS:
        assert layout_of(list(LAYOUTS.get(name).write(RECORD))) == {"easyr1": "rl", "llamafactory": "swift"}.get(
            name, name
        )
    assert layout_of(["a", "b"]) is None


def test_names_of_files_tell_domain_and_task():
    for domain in DOMAINS:
        for task in ("generate", "refine"):
            assert classify(file_stem(domain, task) + "-00000.parquet") == (domain, task)
