"""The lengths of encoded rows are counted by subset, tokens of images by their sizes."""

from __future__ import annotations

import json

import pyarrow
import pyarrow.ipc
import pytest
from public_layout import image_bytes

from data_recipes import lengths
from vincicoder.data import DataError
from vincicoder.data.measure import image_tokens


def encoded(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pyarrow.Table.from_pylist(rows)
    with pyarrow.OSFile(str(path), "wb") as file, pyarrow.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table, max_chunksize=2)


def row(subset, tokens, size, path=None):
    content = None if path else image_bytes(1, size)
    return {"channel": subset, "lengths": [tokens], "images": [{"bytes": content, "path": path}]}


def test_rows_tokens_and_image_tokens_are_summed_up_by_subset(tmp_path, capsys):
    (tmp_path / "large.png").write_bytes(image_bytes(2, (640, 640)))
    rows = [
        row("chart-direct", 600, (512, 512)),
        row("chart-direct", 1024, (640, 640)),
        row("svg-refine", 500, (64, 64)),
    ]
    encoded(tmp_path / "part-1-of-2" / "train" / "data-00000-of-00001.arrow", rows)
    last = row("svg-refine", 5000, None, str(tmp_path / "large.png"))
    encoded(tmp_path / "part-2-of-2" / "train" / "data-00000-of-00001.arrow", [last])
    encoded(tmp_path / "part-2-of-2" / "val" / "data-00000-of-00001.arrow", [row("svg-refine", 9, (64, 64))])
    assert lengths.main([str(tmp_path), "--out", str(tmp_path / "lengths.json")]) == 0
    told = capsys.readouterr().out
    assert told.splitlines()[-1] == "vincicoder plan --stage sft --rows 4 --row-tokens 1781 --image-tokens 328"
    found = json.loads((tmp_path / "lengths.json").read_text())
    assert (found["rows"], found["tokens"], found["image_tokens"]) == (4, 7124, 256 + 400 + 256 + 400)
    charts, icons = found["subsets"]["chart-direct"], found["subsets"]["svg-refine"]
    assert charts["rows"] == icons["rows"] == 2
    assert charts["tokens"]["mean"] == 812.0
    assert charts["tokens"]["most"] == 1024
    bins = [f"{low}-{high}" for low, high in zip(found["edges"], [*found["edges"][1:], "more"], strict=True)]
    counted = {name: count for name, count in zip(bins, charts["tokens"]["histogram"], strict=True) if count}
    assert counted == {"512-1024": 2}, "a bin ends with its upper edge"
    assert dict(zip(bins, icons["tokens"]["histogram"], strict=True))["4096-8192"] == 1
    assert dict(zip(bins, icons["image_tokens"]["histogram"], strict=True))["128-256"] == 1


def test_rows_of_other_sets_have_no_subset_and_perhaps_no_image(tmp_path):
    encoded(tmp_path / "a.arrow", [{"lengths": 7}, {"lengths": 9}])
    found = lengths.summed_up(lengths.read_lengths([tmp_path], 32, 256, 4096))
    assert found["subsets"]["others"]["tokens"]["sum"] == 16
    assert found["image_tokens"] == 0


def test_what_is_not_encoded_is_refused(tmp_path):
    with pytest.raises(
        DataError, match=r"has no \.arrow files; expected what `swift export --to_cached_dataset` wrote"
    ):
        lengths.main([str(tmp_path)])
    encoded(tmp_path / "a.arrow", [{"messages": "a"}])
    with pytest.raises(DataError, match=r"a\.arrow has no column lengths; its columns are: messages"):
        lengths.main([str(tmp_path)])


@pytest.mark.parametrize(
    ("size", "tokens"), [((1024, 1024), 1024), ((16, 16), 256), ((4000, 3000), 4015), ((5000, 50), 312), ((1, 1), 256)]
)
def test_an_image_has_tokens_within_the_limits(size, tokens):
    assert image_tokens(*size, 32, 256, 4096) == tokens
