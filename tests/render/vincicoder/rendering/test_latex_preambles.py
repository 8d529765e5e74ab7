r"""Preambles that are dumped once: the same images, and no response has a part in the render of another."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from vincicoder.rendering import RenderPool
from vincicoder.rendering.config import Limits
from vincicoder.rendering.latex import LatexRenderer
from vincicoder.rendering.latex_preambles import beginnings_of
from vincicoder.rendering.renderer import Policy
from vincicoder.rendering.sandbox import beginnings
from vincicoder.rendering.sandbox.confine import confine
from vincicoder.rendering.types import Render
from vincicoder.status import Status

CLASS = "\\documentclass[border=%spt]{standalone}\n"
TIKZ = r"\begin{tikzpicture}\draw[->,thick] (0,0) -- node[above] {$x_%d$, \textbf{fi}} (3,1);\end{tikzpicture}"
PLOT = r"\begin{tikzpicture}\begin{axis}\addplot[domain=0:%d,samples=9]{x^2*rnd};\end{axis}\end{tikzpicture}"


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Let few renders do."""
    monkeypatch.setattr(beginnings, "_RENDERS", 2)
    monkeypatch.setattr(beginnings, "_RENDERS_MORE", 6)


@pytest.fixture(scope="module")
def pool() -> Iterator[RenderPool]:
    """A pool of its own, as it remembers what it has seen."""
    with RenderPool(workers=1, limits=Limits(cpu_seconds=60, wall_seconds=180)) as pool:
        pool.start("latex")
        yield pool


@pytest.fixture(scope="module")
def plain() -> Iterator[RenderPool]:
    """A pool that prepares nothing."""
    with RenderPool(workers=1, limits=Limits(cpu_seconds=60, wall_seconds=180)) as pool:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LatexRenderer, "beginnings_of", None)
            pool.start("latex")
        yield pool


def document(body: str, preamble: str = "", number: int = 1, border: int = 0) -> str:
    """Return a document whose first line is that of no other preamble, unless a border says otherwise."""
    first = CLASS % (border or 2 + zlib.crc32(preamble.encode()) % 1000 / 1000)
    return f"{first}{preamble}\n\\begin{{document}}\n{body.replace('%d', str(number))}\n\\end{{document}}\n"


def rendered(pool: RenderPool, body: str, preamble: str, renders: int = 3, border: int = 0) -> list[Render]:
    """Render documents with one preamble, the last of them with what was prepared, if anything was."""
    codes = [document(body, preamble, number, border) for number in range(1, renders + 1)]
    return [pool.render(code, "latex", facts=True) for code in codes]


def format_of(pool: RenderPool, preamble: str, border: int = 0) -> Path | None:
    """Return the format of all that a document's preamble loads."""
    prepared = pool._servers["latex"]._beginnings.find(beginnings_of(document("", preamble, 1, border))[:1])
    return prepared[1] if prepared else None


@pytest.mark.parametrize(
    ("preamble", "body"),
    [
        ("% a comment\n\\usepackage{pgfplots}\n\\pgfplotsset{compat=1.17}", PLOT),
        (r"\usepackage[T1]{fontenc}\usepackage[table]{xcolor}\usepackage{lmodern,microtype,tikz,hyperref}",
         TIKZ + r"\href{http://example.org}{fi}\rowcolors{1}{red}{white}\begin{tabular}{c}%d\\2\end{tabular}"),
        (r"\usepackage{tikz}\tikzset{every picture/.style={remember picture}}", TIKZ + r"\number\pdfuniformdeviate1000"),
    ],
    ids=["pgfplots", "fonts", "remember"],
)  # fmt: skip
def test_images_and_facts_are_the_same_with_a_dumped_preamble(pool, plain, preamble, body):
    last = rendered(pool, body, preamble)[-1]
    assert format_of(pool, preamble) is not None
    expected = plain.render(document(body, preamble, 3), "latex", facts=True)
    assert expected.image is not None and last.image is not None
    assert last.image.size == expected.image.size and last.image.tobytes() == expected.image.tobytes()
    assert last.facts == expected.facts
    assert last.cpu_seconds < expected.cpu_seconds
    assert format_of(plain, preamble) is None


def test_documents_share_what_they_load_first_and_the_rest_of_each_preamble_is_its_own(pool, plain):
    shared = "\\usepackage{tikz}\n\\usetikzlibrary{matrix}\n"
    own = [
        "\\tikzset{every path/.style={red}}",
        "\\usepackage{amsmath}",
        "\\tikzset{every path/.style={blue, line width=3pt}}\n\\def\\b{1}",
        "\\AtBeginDocument{\\Large}",
        "% a comment\n\\usepackage[T1]{fontenc}\n\\usepackage{lmodern}",
    ]
    for number, preamble in enumerate(own):
        code = document(TIKZ, shared + preamble, border=4)
        found, expected = (each.render(code, "latex", facts=True) for each in (pool, plain))
        assert found.image is not None and expected.image is not None, found.message
        assert found.image.tobytes() == expected.image.tobytes()
        assert found.facts == expected.facts
        assert (format_of(pool, shared.strip(), border=4) is not None) == (number > 1)
    broken = document("one\n\\nosuchcommand", shared + own[2], border=4)
    assert pool.render(broken, "latex").message == plain.render(broken, "latex").message


@pytest.mark.parametrize(
    ("preamble", "body"),
    [
        ("\\begin{filecontents}{d.dat}\n1 2\n2 %d\n\\end{filecontents}\n\\usepackage{tikz}", r"\input{d.dat}\tikz\draw (0,0)--(1,1);"),
        (r"\newcount\n\n=\pdfuniformdeviate1000", r"\number\n\ \number\pdfuniformdeviate1000"),
        (r"\usepackage{tikz}\pgfdeclarehorizontalshading{s}{9bp}{rgb(0bp)=(1,0,0);rgb(9bp)=(0,0,1)}",
         r"\tikz\shade[shading=s] (0,0) rectangle (2,1);"),
        (r"\iftrue", r"\fi Text %d"),
    ],
    ids=["file", "random", "form", "conditional"],
)  # fmt: skip
def test_what_a_format_would_lose_renders_as_without(pool, plain, preamble, body):
    last = rendered(pool, body, preamble)[-1]
    expected = plain.render(document(body, preamble, 3), "latex")
    assert last.status is expected.status is Status.OK, last.message
    assert last.image.tobytes() == expected.image.tobytes()


def test_errors_are_those_of_the_document(pool, plain):
    preamble = "\\usepackage{tikz}\n% three\n% lines"
    rendered(pool, TIKZ, preamble)
    assert format_of(pool, preamble) is not None
    broken = document("one\n\\nosuchcommand", preamble)
    found, expected = (each.render(broken, "latex") for each in (pool, plain))
    assert found.status is expected.status is Status.SYNTAX_ERROR
    assert found.message == expected.message
    assert "figure.tex:7:" in found.message


def test_a_broken_format_is_nobodys_fault(pool):
    preamble = r"\usepackage{tikz}\usetikzlibrary{fit}"
    good = rendered(pool, TIKZ, preamble)[-1]
    path = format_of(pool, preamble)
    content = path.read_bytes()
    for wrong in (content[: len(content) // 2], content[:4096] + bytes(len(content) - 4096), None):
        path.unlink()
        if wrong is not None:
            path.write_bytes(wrong)
        render = pool.render(document(TIKZ, preamble, 3), "latex")
        assert render.status is Status.OK, render
        assert render.image.tobytes() == good.image.tobytes()
        path.touch()


def test_a_preamble_reaches_no_document_with_another(pool, plain):
    hostile = r"\usepackage{tikz}\AtBeginDocument{\let\draw\relax\color{red}\everymath{\hbox{hacked}}}"
    before = rendered(pool, TIKZ, r"\usepackage{tikz}", border=5)[-1]
    hacked = rendered(pool, TIKZ, hostile, renders=9, border=5)
    own = format_of(pool, hostile, border=5)
    assert own is not None, "it begins as the other does, and yet has a format of its own in the end"
    assert hacked[2].image.tobytes() != before.image.tobytes()
    for preamble in (r"\usepackage{tikz}", r"\usepackage{tikz}%", hostile.replace(r"\AtBeginDocument", r"\iffalse")):
        assert format_of(pool, preamble, border=5) != own
    for preamble in (r"\usepackage{tikz}", r"\usepackage{tikz}% differs in a comment only"):
        code = document(TIKZ, preamble, 3, border=5)
        found, expected = (each.render(code, "latex") for each in (pool, plain))
        assert found.image.tobytes() == expected.image.tobytes()


def test_a_body_has_no_part_in_what_is_dumped(pool, plain):
    preamble = r"\usepackage{tikz}\usetikzlibrary{backgrounds}"
    write = r"\immediate\openout5=%s \immediate\write5{\string\relax}\immediate\closeout5 "
    bodies = [r"\global\let\draw\relax\global\everymath{\hbox{hacked}} x", r"\gdef\endtikzpicture{\hbox{hacked}}x"]
    bodies += [write.replace("%s", name) + "x" for name in ("figure.fmt", "preamble.fmt")]
    for body in bodies:
        assert pool.render(document(body, preamble), "latex").status is Status.OK
    found = rendered(pool, TIKZ, preamble)[-1]
    path = format_of(pool, preamble)
    content = path.read_bytes()
    for name in ("preamble.fmt", str(path), f"../../prepared/{path.name}", f"{path}.tex"):
        pool.render(document(write.replace("%s", name) + "x", preamble), "latex")
    assert path.read_bytes() == content
    again = pool.render(document(TIKZ, preamble, 3), "latex")
    assert again.image.tobytes() == found.image.tobytes()
    assert again.image.tobytes() == plain.render(document(TIKZ, preamble, 3), "latex").image.tobytes()


def test_a_child_can_read_what_is_prepared_and_not_write_it(tmp_path):
    prepared, own = tmp_path / "prepared", tmp_path / "own"
    for directory in (prepared, own):
        directory.mkdir()
    (prepared / "a").write_text("a")
    child = os.fork()
    if child == 0:
        try:
            confine(Policy(read=(str(prepared),)), str(own))
            (prepared / "a").read_text()
            for attempt in (
                lambda: (prepared / "a").write_text("b"),
                lambda: (prepared / "b").write_text("b"),
                lambda: (prepared / "a").unlink(),
                lambda: (prepared / "a").rename(own / "a"),
            ):
                try:
                    attempt()
                except OSError:
                    continue
                os._exit(1)
            os._exit(0)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
