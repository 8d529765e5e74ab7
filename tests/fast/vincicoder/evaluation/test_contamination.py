"""An audit finds what training data hold of a benchmark, in any layout, and nothing else."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from vincicoder.data import Record
from vincicoder.data.errors import DataError
from vincicoder.data.layouts import LAYOUTS
from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmark import Sample
from vincicoder.evaluation.contamination import Audit, audit


def png(seed, size=(200, 150), scale=1.0, kind="PNG"):
    random = np.random.default_rng(seed)
    image = Image.new("RGB", size, "white")
    for _ in range(12):
        left, top = random.integers(0, 150), random.integers(0, 110)
        box = (left, top, left + random.integers(8, 50), top + random.integers(8, 40))
        ImageDraw.Draw(image).rectangle(box, fill=tuple(random.integers(0, 256, 3).tolist()))
    buffer = io.BytesIO()
    image.resize((int(size[0] * scale), int(size[1] * scale))).save(buffer, kind)
    return buffer.getvalue()


def code(seed):
    return f"import matplotlib.pyplot as plt\nplt.plot([{seed}, 2, 3])\nplt.title('chart {seed}')\n"


SAMPLES = [Sample(f"s{seed}", png(seed), "prompt", code(seed), "python") for seed in range(6)]


def record(seed, image=None, text=None):
    return Record.from_dict({"target": image or png(100 + seed), "code": text or code(100 + seed), "prompt": "p"})


def write(directory, layout, records):
    import pyarrow
    import pyarrow.parquet

    directory.mkdir()
    kind = LAYOUTS.get(layout)
    table = pyarrow.Table.from_pylist([kind.write(each) for each in records], kind.schema())
    pyarrow.parquet.write_table(table, directory / "chart2code.parquet")
    return directory


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_copies_are_found_in_every_layout(tmp_path, layout):
    same_code = code(3).replace("\n", "  # a comment\n")
    rows = [
        *(record(seed) for seed in range(10)),
        record(10, image=png(1)),
        record(11, image=png(2, scale=0.7, kind="JPEG")),
        record(12, text=same_code),
    ]
    found = audit([write(tmp_path / "data", layout, rows)], {"b": SAMPLES, "other": []})
    assert (found.rows, found.unreadable, found.samples) == (13, 0, {"b": 6})
    assert found.image["b"] == {"s1": ["chart2code.parquet:10"], "s2": ["chart2code.parquet:11"]}
    assert found.code["b"] == {"s3": ["chart2code.parquet:12"]}
    assert found.held("b") == {"s1", "s2", "s3"}
    assert "b                     6         2        1      3" in found.table()


def test_a_blank_image_is_no_copy_of_another():
    buffer = io.BytesIO()
    Image.new("RGB", (50, 50), "white").save(buffer, "PNG")
    blank = Sample("blank", buffer.getvalue(), "prompt", None, "python")
    found = audit([], {"b": [blank]})
    assert found.held("b") == set()


def test_a_row_that_cannot_be_read_is_counted(tmp_path):
    path = tmp_path / "rows.jsonl"
    good = json.loads(record(1).to_json())
    path.write_text("\n".join(map(json.dumps, (good, {**good, "target": "missing.png"}, {**good, "code": 7}))) + "\n")
    found = audit([path], {"b": SAMPLES})
    assert (found.rows, found.unreadable) == (1, 2)


def test_data_of_no_layout_and_files_that_are_no_audit_are_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "x"}\n')
    with pytest.raises(DataError, match="has the columns text, which are of no layout"):
        audit([path], {"b": SAMPLES})
    with pytest.raises(ConfigError, match="is no audit"):
        Audit.read(path)


def test_an_audit_is_read_as_it_was_written(tmp_path):
    found = Audit(3, 1, 5, {"b": 6}, {"b": {"s1": ["x:1"]}}, {"b": {}})
    found.write(tmp_path / "audit.json")
    assert Audit.read(tmp_path / "audit.json") == found
