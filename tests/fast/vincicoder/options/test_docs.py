"""The page of options in the docs is the one that the code makes."""

from __future__ import annotations

import importlib.util

import repository


def test_docs_options_is_what_the_code_says() -> None:
    path = repository.ROOT / "docs" / "make_options.py"
    spec = importlib.util.spec_from_file_location("make_options", path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert made.PAGE.read_text("utf-8") == made.page(), "run: python docs/make_options.py"
