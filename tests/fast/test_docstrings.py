"""The examples in the docstrings are true: every one that is not marked ``+SKIP`` is run."""

from __future__ import annotations

import doctest
import importlib

import pytest
from imports import modules

# Hooks are read as text: importing them would change matplotlib for all other tests of this process.
_OURS = sorted(
    name for name in modules() if name.split(".")[0] == "vincicoder" and not name.endswith(("__main__", "_hooks"))
)


@pytest.mark.parametrize("name", _OURS)
def test_every_example_gives_what_it_says(name, tmp_path, monkeypatch):
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "vincicoder":
            raise
        pytest.skip(f"{error.name} is not installed")
    monkeypatch.chdir(tmp_path)
    failed = doctest.testmod(module).failed
    assert failed == 0, f"{failed} examples fail; they are printed above"
