"""Cards: ``datasets.load_dataset`` finds the sets by them, their paths are relative, and they go to a hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from recipe_helpers import Numbered, png_of
from repository import ROOT
from tiny_hub import hub

from data_recipes import export, report
from data_recipes.engine.options import guarded
from data_recipes.engine.pipeline import run
from data_recipes.engine.units import Row
from vincicoder.data import BadRow, DataError, Reason
from vincicoder.data.layouts import LAYOUTS
from vincicoder.images import open_target

ROWS = 9


class WithFaults(Numbered):
    def read(self, unit):
        yield from super().read(unit)
        yield Row("bad", BadRow(Reason.BROKEN_IMAGE, "the image '/home/somebody/downloads/a.png' cannot be read"))


@pytest.fixture(scope="module")
def sets(tmp_path_factory) -> Path:
    """A directory with a set in every layout, one of them split, and a report with a card for all."""
    root = tmp_path_factory.mktemp("cards")
    run(WithFaults(ROWS, ROWS), [], root / "in", {})
    names = [name for name in LAYOUTS if name != "llamafactory"]  # has swift's columns
    for name in names:
        flags = ["--val-share", "0.5"] if name == "rl" else []
        export.main([str(root / "in"), "--layout", name, "--out", str(root / "sets" / name), *flags])
    offered = [str(root / "sets" / name) for name in names]
    report.main([str(root / "in"), "--out", str(root / "sets" / "report"), "--sets", *offered, "--name", "a: <Set>"])
    return root / "sets"


def about(sets):
    _, head, _ = (sets / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(head)


def test_the_card_is_yaml_whatever_the_name_and_names_the_files_of_each_split(sets):
    told = about(sets)
    assert (told["pretty_name"], told["license"]) == ("a: <Set>", "unknown")
    files = {each["config_name"]: each["data_files"] for each in told["configs"]}
    assert files["sft"] == [{"split": "train", "path": "sft/*.parquet"}]
    assert files["rl"] == [
        {"split": "train", "path": "rl/train/*.parquet"},
        {"split": "validation", "path": "rl/val/*.parquet"},
    ]


def test_paths_in_a_card_are_relative_and_those_of_the_machine_are_left_out(sets):
    text = (sets / "README.md").read_text()
    assert "/home/somebody" not in text
    assert "a.png" in text
    assert str(sets.parent) not in text
    linked = [line.partition("](")[2].rstrip(")") for line in text.splitlines() if line.startswith("![")]
    assert len(linked) > 3
    assert [path for path in linked if not (sets / path).is_file()] == []


def test_load_dataset_reads_every_set_by_the_card_and_decodes_its_images(sets, tmp_path):
    pytest.importorskip("datasets", reason="datasets is not installed")
    code = """
import json, sys
from datasets import get_dataset_config_names, load_dataset
from PIL import Image
for name in get_dataset_config_names(sys.argv[1]):
    found = {}
    for split, rows in load_dataset(sys.argv[1], name).items():
        cells = [row.get("images") or [row.get("image") or row.get("target")] for row in rows]
        found[split] = [each[0].convert("RGB").tobytes().hex() for each in cells if isinstance(each[0], Image.Image)]
        found[f"{split} rows"] = len(rows)
    print("SET", json.dumps([name, found]))
"""
    environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(sets)], env=environment, capture_output=True, text=True, check=False
    )
    found = dict(json.loads(line.removeprefix("SET ")) for line in done.stdout.splitlines() if line.startswith("SET "))
    assert set(found) == set(LAYOUTS) - {"llamafactory"}, done.stderr
    targets = sorted(open_target(png_of(number)).tobytes().hex() for number in range(ROWS))
    for name, splits in found.items():
        assert sum(splits.get(f"{each} rows", 0) for each in ("train", "validation")) == ROWS
        if name in ("sft", "rl", "easyr1", "swift", "trl", "records"):  # the others hold images in forms of their own
            assert sorted(splits["train"] + splits.get("validation", [])) == targets, name
    assert found["rl"]["validation rows"] > 0


def test_a_set_that_the_card_cannot_name_is_an_error(sets, tmp_path):
    with pytest.raises(DataError, match="does not lie beside the report"):
        report.main([str(sets.parent / "in"), "--out", str(tmp_path / "report"), "--sets", str(sets / "sft")])
    export.main([str(sets.parent / "in"), "--layout", "sft", "--out", str(tmp_path / "sft"), "--pictures"])
    with pytest.raises(DataError, match="has images in files"):
        report.main([str(sets.parent / "in"), "--out", str(tmp_path / "report"), "--sets", str(tmp_path / "sft")])


@pytest.fixture
def push(sets, monkeypatch):
    """A function that pushes to a hub and returns the exit code."""
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("HF_TOKEN", "hf_token")

    def pushed(url, *names, flags=()):
        monkeypatch.setenv("HF_ENDPOINT", url)
        offered = [str(sets / name) for name in names]
        arguments = [str(sets.parent / "in"), "--out", str(sets / "report"), "--push", "me/set", "--sets", *offered]
        return guarded(report.main, [*arguments, *flags])

    return pushed


def test_a_push_sends_sets_card_and_images_and_nothing_else_to_a_private_repository(sets, push, capsys):
    with hub() as server:
        assert push(server.url, "sft", "rl") == 0
        assert json.loads(capsys.readouterr().out)["hub"] == f"{server.url}/datasets/me/set"
        assert server.created == [("dataset", "set", "private")]
        assert server.tokens == {"Bearer hf_token"}
        kinds = {path.rpartition("/")[0] for path in server.files}
        assert kinds == {"", "sft", "rl/train", "rl/val", "report/plots", "report/gallery"}
        assert all(content == (sets / path).read_bytes() for path, content in server.files.items())
        assert "README.md" in server.files
        assert push(server.url, "sft", flags=["--public"]) == 0
        assert server.created[-1] == ("dataset", "set", "public")


def test_a_hub_that_refuses_or_is_not_there_is_named_with_what_to_do(sets, push, capsys):
    with hub(refuses=403) as server:
        codes = [push(server.url, "sft")]
    codes.append(push(server.url, "sft"))
    told = capsys.readouterr().err
    assert codes == [1, 1]
    assert told.count(f"me/set cannot be pushed to {server.url}") == 2
    assert told.count("Log in with `hf auth login`") == 2
    with pytest.raises(SystemExit):
        push(server.url)
    assert "--push needs --sets" in capsys.readouterr().err
