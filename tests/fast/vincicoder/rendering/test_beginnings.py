"""What is prepared of beginnings is bounded, taken only as a plain file, and found by the whole text alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vincicoder.rendering.latex_preambles import body_of, preamble_of, with_body
from vincicoder.rendering.sandbox import beginnings
from vincicoder.rendering.sandbox.beginnings import Beginnings


def made(tmp_path: Path, content: bytes = b"prepared") -> Path:
    file = tmp_path / "made"
    file.write_bytes(content)
    return file


def known(tmp_path: Path, most_bytes: int = 1 << 20) -> Beginnings:
    return Beginnings(tmp_path, preamble_of, most_bytes)


def test_a_beginning_is_prepared_once_and_not_before_two_codes_with_it_gave_an_image(tmp_path):
    found = known(tmp_path)
    due = []
    for _ in range(5):
        due.append(found.is_due("a"))
        found.count("a")
    assert due == [False, False, True, False, False]
    assert not found.is_due("another")


def test_only_the_same_text_finds_what_was_prepared(tmp_path):
    found = known(tmp_path)
    found.keep("a % one", made(tmp_path))
    path = found.find("a % one")
    assert path is not None and path.read_bytes() == b"prepared"
    assert found.find("a % two") is None
    assert found.find("a") is None


def test_files_are_bounded_and_the_one_asked_for_longest_ago_goes_first(tmp_path):
    found = known(tmp_path, most_bytes=25)
    for name in "ab":
        found.keep(name, made(tmp_path, b"x" * 10))
    first = found.find("a")
    found.keep("c", made(tmp_path, b"x" * 10))
    assert found.find("a") == first and found.find("b") is None and found.find("c") is not None
    assert len(list((tmp_path / "prepared").iterdir())) == 2


def test_what_is_known_of_beginnings_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(beginnings, "_KNOWN", 3)
    found = known(tmp_path)
    found.keep("first", made(tmp_path))
    for number in range(5):
        found.count(str(number))
    assert found.find("first") is None
    assert list((tmp_path / "prepared").iterdir()) == []
    assert not found.is_due("0")


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
    assert found.find("a") is None
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


def test_the_body_keeps_the_numbers_of_its_lines():
    preamble = "\\documentclass{article}\n\\usepackage{tikz}\n"
    body = body_of("", preamble + "\\begin{document}\nx", preamble)
    assert body is not None and body.split("\n").index("x") == 3
    assert body_of("", "\\documentclass{book}\n\\begin{document}x", preamble) is None
