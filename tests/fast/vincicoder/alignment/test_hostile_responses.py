"""Alignment of hostile text: in time that grows with its length, and never an exception."""

import random
import time

import pytest

from vincicoder.alignment import align, requested_language
from vincicoder.languages import LANGUAGES
from vincicoder.status import Status

LONG = 300_000


HOSTILE = {
    "backticks": "`" * LONG,
    "spaced backticks": "` " * (LONG // 2),
    "tildes": "~" * LONG,
    "spaces": " " * LONG,
    "line ends": "\n" * LONG,
    "returns": "\r" * LONG,
    "thinking": "<think>" * (LONG // 7),
    "thinking lines": "<think>\n" * (LONG // 8),
    "thoughts": "</think>" * (LONG // 8),
    "thinking and thoughts": "<think></think>" * (LONG // 15),
    "thoughts and thinking": "</think><think>" * (LONG // 15),
    "unclosed fences": "```python\n" * (LONG // 10),
    "unclosed comments": "```xml\n<!--\n" * (LONG // 12),
    "fences behind words": "a ```python\n" * (LONG // 12),
    "fences on one line": "```python " * (LONG // 10),
    "longer and longer fences": "".join("`" * n + "python\n" for n in range(3, 1400)),
    "nested fences": "```python\n" * (LONG // 20) + "```\n" * (LONG // 20),
    "closed blocks": "```xml\n```\n" * (LONG // 11),
    "deep indentation": "```python\n" + " " * (LONG // 2) + "```python\n" + " " * (LONG // 2) + "```",
    "indented block": " " * 1000 + "```python\n" + (" " * 999 + "x\n") * 990 + " " * 1000 + "```",
    "declarations": "<?xml " * (LONG // 6),
    "raw openings": "<svg " * (LONG // 5),
    "documents": "\\documentclass" * (LONG // 14),
    "endings": "</svg   " * (LONG // 8),
    "brackets": "<" * LONG,
    "names": "svg " * (LONG // 16),
    "lone surrogates": "```python\n\ud800\udfff\x00\n```" * 1000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_time_is_linear_whatever_the_response(name):
    start = time.process_time()
    align(HOSTILE[name], "svg", require_fence=False)
    assert time.process_time() - start < 20, "quadratic work would take minutes"


@pytest.mark.parametrize("name", HOSTILE)
def test_time_is_linear_whatever_the_prompt(name):
    start = time.process_time()
    requested_language(HOSTILE[name])
    assert time.process_time() - start < 20, "quadratic work would take minutes"


def test_any_text_is_accepted_and_kept():
    assert align("\udcff\x00```\n```python\nx = '\ud800\x00'\n```", "python").code == "x = '\ud800\x00'"


def test_every_mixture_of_marks_has_a_consistent_outcome():
    marks = [
        "```",
        "````",
        "~~~",
        "python",
        "svg",
        "xml",
        "\n",
        "\r\n",
        " ",
        "    ",
        "`",
        "x = 1",
        "<svg>",
        "</svg>",
    ]
    marks += [
        "<think>",
        "</think>",
        "<answer>",
        "</answer>",
        "</html>",
        "\\end{document}",
        "\ud800",
        "\x00",
        "中",
    ]
    chance = random.Random(0)
    for _ in range(3000):
        response = "".join(chance.choices(marks, k=chance.randrange(40)))
        alignment = align(response, chance.choice(list(LANGUAGES)), require_fence=chance.random() < 0.5)
        assert (alignment.status is Status.OK) == alignment.aligned == (not alignment.message)
        assert alignment.code is None or alignment.code.strip()
        requested_language(response)
