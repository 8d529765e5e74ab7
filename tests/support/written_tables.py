"""Fixtures that write tables for recipes to read."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def write_parquet(tmp_path):
    """A function that writes rows into a Parquet file of a new directory and returns the directory."""
    import pyarrow
    import pyarrow.parquet

    def write(rows, name="part-0.parquet", directory="data"):
        path = tmp_path / directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
        return path.parent

    return write


@pytest.fixture
def write_json(tmp_path):
    """A function that writes rows as a JSON list and returns its directory."""

    def write(rows, name="data.json", directory="data"):
        path = tmp_path / directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows), encoding="utf-8")
        return path.parent

    return write
