"""What is prepared of beginnings is bounded, taken only as a plain file, and found by the whole text alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vincicoder.rendering.latex_preambles import beginnings_of, body_of, preamble_of, with_body
from vincicoder.rendering.sandbox import beginnings
from vincicoder.rendering.sandbox.beginnings import Beginnings


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Let few renders do."""
    monkeypatch.setattr(beginnings, "_RENDERS", 2)
    monkeypatch.setattr(beginnings, "_RENDERS_MORE", 6)


def made(tmp_path: Path, content: bytes = b"prepared") -> Path:
    file = tmp_path / "made"
    file.write_bytes(content)
    return file


def known(tmp_path: Path, most_bytes: int = 1 << 20) -> Beginnings:
    return Beginnings(tmp_path, beginnings_of, most_bytes)


def test_a_beginning_is_prepared_once_and_not_before_some_codes_with_it_gave_an_image(tmp_path):
    found = known(tmp_path)
    due = []
    for _ in range(5):
        due.append(found.due(["a"]))
        found.count(["a"])
    assert due == [None, None, "a", None, None]
    assert found.due(["another"]) is None


def test_the_longest_that_came_often_is_prepared_and_a_longer_one_only_when_it_came_very_often(tmp_path):
    found = known(tmp_path)
    for _ in range(2):
        assert found.due(["abc", "ab", "a"]) is None
        found.count(["abc", "ab", "a"])
    assert found.due(["abd", "ab", "a"]) == "ab"
    found.keep("ab", made(tmp_path))
    due = []
    for _ in range(6):
        due.append(found.due(["abd", "ab", "a"]))
        found.count(["abd", "ab", "a"])
    assert due == [None] * 6
    assert found.due(["abd", "ab", "a"]) == "abd"


def test_what_a_longer_beginning_serves_does_not_count_for_a_shorter_one(tmp_path):
    found = known(tmp_path)
    found.keep("ab", made(tmp_path))
    for _ in range(9):
        found.count(["ab", "a"])
    assert found.due(["ab", "a"]) is None
    assert found.due(["a"]) is None


def path_of(found: Beginnings, beginning: str) -> Path | None:
    prepared = found.find([beginning])
    return prepared[1] if prepared else None


def test_only_the_same_text_finds_what_was_prepared_and_the_longest_comes_first(tmp_path):
    found = known(tmp_path)
    found.keep("a % one", made(tmp_path))
    path = path_of(found, "a % one")
    assert path is not None and path.read_bytes() == b"prepared"
    assert found.find(["a % two", "a"]) is None
    found.keep("a", made(tmp_path))
    assert found.find(["a % one", "a"]) == ("a % one", path)
    assert (found.find(["a % two", "a"]) or "")[0] == "a"


def test_files_are_bounded_and_the_one_asked_for_longest_ago_goes_first(tmp_path):
    found = known(tmp_path, most_bytes=25)
    for name in "ab":
        found.keep(name, made(tmp_path, b"x" * 10))
    first = path_of(found, "a")
    found.keep("c", made(tmp_path, b"x" * 10))
    assert path_of(found, "a") == first and path_of(found, "b") is None and path_of(found, "c") is not None
    assert len(list((tmp_path / "prepared").iterdir())) == 2


def test_what_is_known_of_beginnings_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(beginnings, "_KNOWN", 3)
    found = known(tmp_path)
    found.keep("first", made(tmp_path))
    for number in range(5):
        found.count([str(number)])
    assert path_of(found, "first") is None
    assert list((tmp_path / "prepared").iterdir()) == []
    assert found.due(["0"]) is None


@pytest.mark.parametrize("kind", ["link", "pipe", "directory", "nothing", "empty", "large"])
def test_what_a_child_made_of_a_file_is_not_taken(tmp_path, kind):
    secret, file = tmp_path / "secret", tmp_path / "made"
    secret.write_text("secret")
    if kind == "link":
        file.symlink_to(secret)
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "directory":
        file.mkdir()
    elif kind in ("empty", "large"):
        file.write_bytes(b"x" * 100 * (kind == "large"))
    found = known(tmp_path, most_bytes=99)
    found.keep("a", file)
    assert path_of(found, "a") is None
    assert list((tmp_path / "prepared").iterdir()) == []


@pytest.mark.parametrize(
    ("code", "preamble"),
    [
        ("\\documentclass{article}\n\\begin{document}x", "\\documentclass{article}\n"),
        ("\n  \\documentclass{article} \\begin{document}x", "\\documentclass{article} "),
        ("\\documentclass{article}\n% \\begin{document}\n\\begin{document}x", None),
        ("\\documentclass{article}% \\begin{document}\nx", None),
        ("\\begin{document}x", None),
        ("\\begin{document}\\documentclass{article}x", None),
        ("x", None),
        ("\\documentclass{article}" + " " * 30_000 + "\\begin{document}x", None),
    ],
)
def test_a_preamble_is_what_stands_before_the_body(code, preamble):
    assert preamble_of(code) == preamble
    if preamble is not None:
        assert preamble_of(with_body(preamble)) == preamble


FIRST = "\\documentclass{standalone}\n"
TIKZ = FIRST + "\\usepackage{tikz}\n"


@pytest.mark.parametrize(
    ("preamble", "expected"),
    [
        (TIKZ, [TIKZ, FIRST]),
        (TIKZ + "\\tikzset{a/.style=b}\n% \\usepackage{no}\n", [TIKZ, FIRST]),
        (TIKZ + "\\def\\x{1}\\usepackage{array}\n", [TIKZ + "\\def\\x{1}\\usepackage{array}\n", TIKZ, FIRST]),
        ("\\documentclass{article}\\usepackage{tikz}", ["\\documentclass{article}\\usepackage{tikz}"]),
        (TIKZ + "\\usepackage[x]{xcolor}\n", [TIKZ + "\\usepackage[x]{xcolor}\n"]),
        (TIKZ + "\\usepackage{fontspec}\n", []),
    ],
)
def test_beginnings_end_after_lines_that_load_something(preamble, expected):
    assert beginnings_of(preamble + "\\begin{document}x") == expected


def test_the_body_keeps_the_numbers_of_its_lines():
    preamble = "\\documentclass{article}\n\\usepackage{tikz}\n"
    body = body_of("", preamble + "\\begin{document}\nx", preamble)
    assert body is not None and body.split("\n").index("x") == 3
    assert body_of("", "\\documentclass{book}\n\\begin{document}x", preamble) is None
