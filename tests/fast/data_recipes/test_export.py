"""``export``: two sets that share no image, and the list of sets that LLaMA-Factory reads."""

from __future__ import annotations

import json

import pytest
from recipe_helpers import Numbered, png_of, record_of
from sampled_records import kept

from data_recipes import export
from data_recipes.engine.pipeline import run
from data_recipes.engine.units import Row, Unit
from vincicoder.data import DataError

ROWS = 60


class Shown:
    """Records of direct generation and of refinement that show the same images, perhaps without measures."""

    def units(self):
        return [Unit(0, 2 * ROWS, "shown")]

    def read(self, unit):
        for number in range(ROWS):
            target = png_of(number % 60, f"#{number:02d}4080", (96 + number, 96))
            yield Row(f"r{number}", record_of(number, target=target))
            refined = {"id": f"f{number}", "task": "refine", "defective_code": "<svg/>"}
            yield Row(f"f{number}", record_of(number, target=target, **refined))


@pytest.fixture
def records(tmp_path):
    run(Shown(), [], tmp_path / "in", {})
    return tmp_path / "in"


def split(records, out, *flags):
    assert export.main([str(records), "--layout", "records", "--out", str(out), *flags]) == 0
    return [{record.id: record.target for record in kept(out / name)} for name in ("train", "val")]


def test_a_share_of_the_images_is_set_aside_with_all_that_shows_them(records, tmp_path):
    train, val = split(records, tmp_path / "out", "--val-share", "0.25")
    assert len(train) + len(val) == 2 * ROWS
    assert not set(train.values()) & set(val.values())
    assert 0.1 < len(val) / (2 * ROWS) < 0.4
    assert all(f"{'f' if name[0] == 'r' else 'r'}{name[1:]}" in val for name in val), (
        "refinements stay with their image"
    )


def test_the_same_images_are_set_aside_whatever_else_there_is_and_more_with_a_larger_share(records, tmp_path):
    _, val = split(records, tmp_path / "out", "--val-share", "0.25")
    _, again = split(records, tmp_path / "again", "--val-share", "0.25", "--rows", "7")
    _, more = split(records, tmp_path / "more", "--val-share", "0.5")
    assert val == again
    assert set(val) < set(more)


def test_a_set_that_was_split_is_not_continued_with_another_share(records, tmp_path):
    split(records, tmp_path / "out", "--val-share", "0.25")
    with pytest.raises(DataError, match="begun with other settings"):
        split(records, tmp_path / "out", "--val-share", "0.5")


def test_llama_factorys_list_keeps_other_sets_and_a_file_that_is_none_is_left_alone(tmp_path, capsys):
    run(Numbered(3), [], tmp_path / "in", {})
    info = tmp_path / "sets" / "dataset_info.json"
    info.parent.mkdir()
    info.write_text('{"other": {"file_name": "other.json"}}')
    command = [str(tmp_path / "in"), "--layout", "llamafactory", "--out", str(tmp_path / "sets" / "mine")]
    export.main(command)
    listed = json.loads(info.read_text())
    assert list(listed) == ["other", "mine"]
    assert listed["mine"]["file_name"] == "mine"
    with pytest.raises(DataError, match="--pictures cannot be used with --layout llamafactory"):
        export.main([*command, "--pictures"])
    info.write_text("[]")
    with pytest.raises(DataError, match="is no list of data sets"):
        export.main(command)
    assert info.read_text() == "[]"
