r"""LaTeX: snippets and documents, engines, pages, errors; and TeX as a way to read and write files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vincicoder.guards import is_blank
from vincicoder.rendering import RenderPool
from vincicoder.rendering.latex import LatexRenderer
from vincicoder.rendering.sandbox import user_directory
from vincicoder.status import Status

SECRET = os.environ["VINCICODER_TEST_SECRET"]
TIKZ = r"\begin{tikzpicture}\draw[fill=red] (0,0) rectangle (2,1);\end{tikzpicture}"


def document(body: str, preamble: str = r"\usepackage{tikz}", kind: str = "article", options: str = "") -> str:
    return rf"\documentclass[{options}]{{{kind}}}{preamble}\begin{{document}}{body}\end{{document}}"


def image_of(pool: RenderPool, code: str) -> Image.Image:
    render = pool.render(code, "latex")
    assert render.status is Status.OK, render
    assert render.image is not None
    assert (np.asarray(render.image) < 200).any(), "nothing is rendered"
    return render.image


@pytest.mark.parametrize(
    "code",
    [
        "$a^2 + b^2 = c^2$",
        TIKZ,
        r"\begin{tikzpicture}\begin{axis}[title=x]\addplot{x^2};\end{axis}\end{tikzpicture}",
        r"\begin{tabular}{lr}\toprule a & b \\ \midrule 1 & 2 \\ \bottomrule\end{tabular}",
        r"\begin{tikzcd}A \arrow[r, \"f\"] & B\end{tikzcd}".replace(r"\"", '"'),
        "\\usetikzlibrary{calc}\n" + TIKZ,
        r"\begin{align*}x &= \begin{pmatrix}1 & 2\end{pmatrix}\\ y &= 2\end{align*}",
        r"\begin{equation}E = mc^2\end{equation}",
        document(TIKZ),
        document(TIKZ, kind="standalone", options="tikz,border=2pt"),
        document("Hello", ""),
        document("Text with $x$ and a list.\\begin{itemize}\\item one\\end{itemize}", ""),
        document("Hello", r"\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}"),
        document(r"\begin{tikzcd}A \arrow[r] & B\end{tikzcd}", r"\usepackage{tikz-cd}"),
        document(r"\tikz\draw[-Stealth] (0,0) -- (1,1);", r"\usepackage{tikz}\usetikzlibrary{arrows.meta}"),
        document("x\ny % comment\n", ""),
        "% a comment first\n" + document(TIKZ),
        document(TIKZ).replace("}\\", "}\r\n\\"),
        "Here is the figure:\n\n" + document(TIKZ),
        document(TIKZ, r"\usepackage[dvipsnames]{xcolor}", kind="standalone", options="tikz"),
        document(r"\rowcolors{1}{red}{white}\begin{tabular}{c}1\end{tabular}", r"\usepackage{tikz}\usepackage[table]{xcolor}"),
        r"\usepackage[table]{xcolor}\rowcolors{1}{red}{white}\begin{tabular}{c}1\end{tabular}",
        r"\begin{ganttchart}{1}{6}\ganttbar{A}{1}{3}\end{ganttchart}",
        document(r"\begin{table}[h]\centering\begin{tabular}{|c|}\hline 1\\\hline\end{tabular}\caption{C}\end{table}", ""),
    ],
)  # fmt: skip
def test_snippets_and_documents_are_rendered(pool: RenderPool, code: str) -> None:
    assert not is_blank(image_of(pool, code))


def test_an_article_becomes_its_figure(pool: RenderPool) -> None:
    width, height = image_of(pool, document(TIKZ)).size
    assert width < 700
    assert height < 500


def test_the_font_size_of_an_article_stays(pool: RenderPool) -> None:
    small, large = (image_of(pool, document("Hello", "", options=f"{size}pt,a4paper")) for size in (10, 12))
    assert large.height > small.height
    assert large.width > small.width


@pytest.mark.parametrize(
    "code",
    ["中文 $x$", document("中文", ""), document("Hello", r"\usepackage{fontspec}"), document("中文", kind="ctexart")],
)
def test_documents_that_need_xelatex_get_it(pool: RenderPool, code: str) -> None:
    assert not is_blank(image_of(pool, code))


def test_chinese_characters_are_not_boxes(pool: RenderPool) -> None:
    one, two = (image_of(pool, document(text, "")) for text in ("中", "国"))
    assert one.size != two.size or one.tobytes() != two.tobytes()


def test_the_first_page_counts(pool: RenderPool) -> None:
    alone = image_of(pool, document("First", kind="report"))
    both = image_of(pool, document(r"First\newpage " + TIKZ * 5, kind="report"))
    assert alone.size == both.size
    many = pool.render(document(r"\loop\ifnum\value{page}<300 x\newpage\repeat", "", kind="report"), "latex")
    assert many.status is Status.OK


def test_remembered_images_are_placed(pool: RenderPool) -> None:
    body = r"\tikz[remember picture, overlay]\fill[red] (current page.center) circle (1cm);"
    image = image_of(pool, document(body, kind="report"))
    red, green, _ = (int(value) for value in image.getpixel((image.width // 2, image.height // 2)))
    assert red > 200 > 100 > green


def test_the_same_code_is_the_same_image(pool: RenderPool) -> None:
    code = document(r"\today\ \pdfuniformdeviate 1000000 \ \the\time", "")
    first = image_of(pool, code)
    pool.render(code + "% another", "latex")
    assert image_of(pool, code).tobytes() == first.tobytes()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (document("\n\\nosuchcommand", ""), "Undefined control sequence"),
        (document("x", r"\usepackage{nosuchpackage}"), "nosuchpackage.sty"),
        (document("x", kind="nosuchclass"), "nosuchclass.cls"),
        (document(r"\begin{tikzpicture}"), "figure.tex:1"),
        (document("$x"), "Missing $"),
        (document("x").replace(r"\end{document}", ""), ""),
        (r"\begin{tikzpicture}\draw (0,0) -- (1,1)\end{tikzpicture}", "semicolon"),
    ],
)
def test_the_message_of_a_failed_document_names_the_fault(pool: RenderPool, code: str, text: str) -> None:
    render = pool.render(code, "latex")
    assert render.status is Status.SYNTAX_ERROR or text == "", render
    assert render.status.fault == "response"
    assert text in render.message


@pytest.mark.parametrize("code", [document("", ""), document("% nothing\n", ""), ""])
def test_nothing_is_no_output(pool: RenderPool, code: str) -> None:
    assert pool.render(code, "latex").status in (Status.NO_OUTPUT, Status.OK)


READS = [
    r"\input{{{file}}}",
    r"\input {file} ",
    r"\include{{{file}}}",
    r"\verbatiminput{{{file}}}",
    r"\openin5={file} \read5 to\x \x",
    r"\InputIfFileExists{{{file}}}{{}}{{}}",
    r"\message{{\pdffiledump offset 0 length 99 {{{file}}}}}\pdffiledump offset 0 length 99 {{{file}}}",
    r"\pdfmdfivesum file {{{file}}}\pdffilesize{{{file}}}",
    r"\includegraphics{{{file}}}",
    r"\lstinputlisting{{{file}}}",
    r"\immediate\pdfobj stream file {{{file}}}",
    r"\catcode`\_=12 \input{{/proc/self/environ}}",
    r"\input{{/etc/passwd}}",
    r"\input{{|cat {file}}}",
    r"\openin5=|id \read5 to\x \x",
    r"\immediate\write18{{cat {file} > figure.log}}",
    r"\directlua{{print(io.open('{file}'):read('a'))}}",
    r"\input{{../../../../../../../..{file}}}",
]


@pytest.mark.parametrize("command", READS)
@pytest.mark.parametrize("preamble", [r"\usepackage{graphicx,verbatim,listings}"])
def test_tex_reads_no_file_of_the_owner(pool: RenderPool, tmp_path: Path, command: str, preamble: str) -> None:
    file = tmp_path / "target.tex"
    file.write_text(SECRET + "\n")
    plain = pool.render(document("x", preamble), "latex")
    render = pool.render(document("x" + command.format(file=file), preamble), "latex")
    assert SECRET not in render.message
    assert "root:" not in render.message
    assert "uid=" not in render.message
    if render.image is not None:  # TeX said that there is no such file and went on
        assert plain.image is not None
        assert render.image.width < plain.image.width + 200
        assert file.read_text() == SECRET + "\n"


@pytest.mark.parametrize(
    "command",
    [
        r"\immediate\openout5={file} \immediate\write5{{x}}\immediate\closeout5 x",
        r"\immediate\openout5=../../intruder \immediate\write5{{x}}\immediate\closeout5 x",
        r"\immediate\openout5=/tmp/vincicoder-intruder \immediate\write5{{x}}\immediate\closeout5 x",
        r"\immediate\write18{{touch /tmp/vincicoder-intruder}} x",
        r"\begin{{filecontents*}}[overwrite]{{{file}}}x\end{{filecontents*}} x",
    ],
)
def test_tex_writes_no_file_of_the_owner(pool: RenderPool, tmp_path: Path, command: str) -> None:
    file = tmp_path / "target.tex"
    file.write_text(SECRET)
    pool.render(document(command.format(file=file), ""), "latex")
    assert file.read_text() == SECRET
    assert not Path("/tmp/vincicoder-intruder").exists()


@pytest.mark.parametrize(
    ("code", "statuses"),
    [
        (document(r"\rule{100cm}{100cm}", ""), {Status.OK}),
        (document(r"\rule{15000pt}{15000pt}", ""), {Status.OK}),
        (document(r"\rule{15000pt}{1pt}", ""), {Status.OK}),
        (document(r"\rule{777pt}{12345pt}", ""), {Status.OK}),  # the limit is met, and no pixel more by rounding
        (document(r"\tikz\draw (0,0) -- (500,500);"), {Status.OK}),
        (document(r"\def\x{\x\x}\x", ""), {Status.OUT_OF_MEMORY}),
        (document(r"\def\x#1{\x{#1#1}}\x{a}", ""), {Status.OUT_OF_MEMORY, Status.TIMEOUT}),
        (document(r"\input{figure}", ""), {Status.SYNTAX_ERROR, Status.OUT_OF_MEMORY}),
        (document(r"\special{ps: /etc/passwd run}\pdfliteral{nonsense}x", ""), {Status.OK}),
        (document(r"\catcode`\^^M=9 \endinput", ""), {Status.NO_OUTPUT, Status.SYNTAX_ERROR, Status.OK}),
        (r"\end", {Status.NO_OUTPUT, Status.SYNTAX_ERROR}),
        (r"\batchmode\csname @@end\endcsname", {Status.NO_OUTPUT, Status.SYNTAX_ERROR, Status.OK}),
        (document(r"\read-1 to\x x", ""), {Status.SYNTAX_ERROR, Status.OK}),
        (document("\x00\ud800", ""), {Status.SYNTAX_ERROR, Status.OK, Status.NO_OUTPUT}),
    ],
)
def test_extremes_end_in_a_status(pool: RenderPool, code: str, statuses: set[Status]) -> None:
    render = pool.render(code, "latex")
    assert render.status in statuses, render
    if render.image is not None:
        assert render.image.width * render.image.height <= pool.config.limits.pixels


def test_what_never_ends_is_ended(strict: RenderPool) -> None:
    strict.start("latex")
    flood = r"\immediate\openout5=f.tex \loop\immediate\write5{" + "x" * 1000 + r"}\iftrue\repeat"
    endless = {
        "loop": (r"\loop\iftrue\repeat", {Status.TIMEOUT}),
        "recursion": (document(r"\def\x{\x}\x", ""), {Status.TIMEOUT}),
        "pages": (document(r"\loop x\newpage\iftrue\repeat", "", kind="report"), {Status.TIMEOUT, Status.TOO_LARGE}),
        "write": (document(flood, ""), {Status.TIMEOUT, Status.TOO_LARGE}),
        "log": (document(r"\loop\message{xxxxxxxxxxxxxxxxxxxx}\iftrue\repeat", ""), {Status.TIMEOUT, Status.TOO_LARGE}),
        "files": (
            document(
                r"\newcount\n\loop\advance\n1 \immediate\openout5=f\the\n.tex \immediate\closeout5 \iftrue\repeat", ""
            ),
            {Status.TIMEOUT, Status.TOO_LARGE},
        ),
        "plot": (
            document(r"\tikz\foreach\x in {1,...,1000}\foreach\y in {1,...,1000}\draw (0,0) -- (1,1);"),
            {Status.TIMEOUT, Status.OUT_OF_MEMORY},
        ),
    }
    futures = {name: strict.submit(code, "latex") for name, (code, _) in endless.items()}
    renders = {name: future.result() for name, future in futures.items()}
    assert {name: render for name, render in renders.items() if render.status not in endless[name][1]} == {}


def test_no_tex_may_read_the_whole_file_system() -> None:
    """The programs stand in /usr/bin, whose parent's parent is everything."""
    readable = [Path(each) for each in LatexRenderer().policy().read]
    for private in (Path.home(), Path("/etc/passwd"), Path("/tmp"), Path("/var/log")):
        assert not [each for each in readable if private.is_relative_to(each)]


def test_a_tex_in_the_home_of_a_user_renders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "vincicoder" / ".TinyTeX" / "bin" / "x86_64-linux"
    programs.mkdir(parents=True)
    for name in ("pdflatex", "kpsewhich"):
        shutil.copy(str(shutil.which(name)), programs / name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(user_directory, "SYSTEM_PATH", "/nowhere")
    with RenderPool(1) as pool:
        assert image_of(pool, TIKZ).width > 1
