"""When nobody asks for a language: which one a response answers in, and that nobody is said to have asked."""

from __future__ import annotations

import pytest

from vincicoder.alignment import align, language_of_response

SVG = "```svg\n<svg/>\n```"
PYTHON = "```py\nprint(1)\n```"


@pytest.mark.parametrize(
    ("response", "name"),
    [
        (SVG, "svg"),
        ("```xml\n<svg/>\n```", "svg"),
        (f"{SVG}\nor rather\n{PYTHON}", "python"),
        (f"<think>\n{PYTHON}\n</think>\n{SVG}", "svg"),
        (f"{SVG}\n```cobol\nSTOP RUN.\n```", "svg"),
        (f"{SVG}\n{PYTHON.removesuffix('```')}", "svg"),
        (PYTHON.removesuffix("```"), "python"),
        ("<!DOCTYPE html><html></html>", "html"),
        ("\\documentclass{article}\\begin{document}", "latex"),
        ("```cobol\nSTOP RUN.\n```", None),
        ("I cannot do that.", None),
        ("", None),
    ],
)
def test_the_last_known_block_tells_the_language_else_what_begins(response: str, name: str | None) -> None:
    found = language_of_response(response)
    assert (found.name if found else None) == name


def test_nobody_is_said_to_have_asked_for_python_unless_somebody_did() -> None:
    assert align(SVG).message == "no language asked for, so expected a block of Python code, found only: svg"
    for asked in ({"language": "python"}, {"prompt": "Write Python code for this chart."}):
        assert align(SVG, **asked).message == "asked for a block of Python code, found only: svg"
