"""verl's own data set class keeps every row of an export, with images in the rows and in files beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from needed import needs_release
from recipe_helpers import Numbered, png_of, record_of
from repository import ROOT, SUPPORT

from data_recipes import export
from data_recipes.engine.pipeline import run
from vincicoder.images import open_target

pytestmark = pytest.mark.verl

needs_release("verl", 0, 9)

ROWS = 4


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    from tiny_vlm import make_tiny_vlm

    return make_tiny_vlm(tmp_path_factory.mktemp("model"), "qwen3_vl")


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("records") / "in"
    run(Numbered(ROWS), [], directory, {})
    return directory


def test_no_row_is_dropped_and_model_and_reward_get_the_records_image(model, records, tmp_path, monkeypatch):
    """Of images in the rows, and in files beside them."""
    monkeypatch.chdir(tmp_path)
    sets = {"in-the-rows": (), "in-files": ("--pictures",)}
    for name, flags in sets.items():
        export.main([str(records), "--layout", "verl", "--out", f"sets/{name}", *flags])
    directories = [str(tmp_path / "sets" / name) for name in sets]
    command = [sys.executable, str(SUPPORT / "verl_rows.py"), str(model), *directories]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    # From another directory: a trainer runs where it likes.
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, timeout=300, check=False)
    rows = [json.loads(line.removeprefix("ROW ")) for line in done.stdout.splitlines() if line.startswith("ROW ")]
    assert [row["set"] for row in rows] == ["in-the-rows"] * ROWS + ["in-files"] * ROWS, done.stderr
    for number, row in enumerate(rows):
        assert row["sizes"] == [[512, 512]], "of 96 x 96 pixels, raised to the release's fewest"
        assert (row["language"], row["reference"]) == ("svg", record_of(number % ROWS).code)
        assert row["target"] == open_target(png_of(number % ROWS)).tobytes().hex()
