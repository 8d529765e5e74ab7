r"""The formats that TeX begins from: a document that begins where its packages are loaded takes half as long.

There are formats of the engines, one of the snippets' preamble, and for whole documents some of what most of them load
first. These have loaded TikZ before the class, which comes to the same where nothing before it in the document can tell
it how to load: `early_format` knows such documents by sight, and takes no other. Images are the same to the bit, which
a test checks.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path

from vincicoder.rendering.latex_preambles import preamble_of

SNIPPET = "snippet"
SNIPPET_PREAMBLE = r"""\documentclass[preview,border=3.14mm]{standalone}
\usepackage{amsmath,amssymb,amsfonts,mathtools,bm}
\usepackage{graphicx,booktabs,multirow,array,tabularx,colortbl}
\usepackage[dvipsnames,svgnames,x11names,table]{xcolor}
\usepackage{tikz,pgfplots,tikz-cd}
\pgfplotsset{compat=1.17}
\usetikzlibrary{arrows,arrows.meta,backgrounds,calc,decorations.markings,decorations.pathmorphing,
  decorations.pathreplacing,fit,intersections,matrix,patterns,positioning,shadows,shapes,shapes.geometric,
  shapes.misc,shapes.multipart,trees,mindmap,automata,petri,chains,quotes,angles,3d}
\usepgfplotslibrary{fillbetween,groupplots,polar}
\IfFileExists{pgfplotstable.sty}{\usepackage{pgfplotstable}}{}
\IfFileExists{pgfgantt.sty}{\usepackage{pgfgantt}}{}
"""
_EARLY = {  # packages whose formats there are, and what loads them; the first loads what the second does
    "pgfplots": {"pgfplots", "pgfplotstable"},
    "tikz": {"tikz", "tikz-cd", "circuitikz", "chemfig", "pgfgantt"},
}
_DUMPED = {SNIPPET: SNIPPET_PREAMBLE, **{name: rf"\RequirePackage{{{name}}}" for name in _EARLY}}

_CLASS = re.compile(r"\\documentclass[ \t]*(?:\[([^\[\]]*)\])?[ \t]*\{(standalone|article|report|book|minimal)\}")
_CLASS_OPTION = re.compile(  # which no package that is loaded early looks at
    r"tikz|crop|preview|varwidth|border|margin|multi|(?:a4|a5|b5|letter|legal)paper|landscape|oneside|twoside"
    r"|onecolumn|twocolumn|(?:no)?titlepage|fleqn|leqno|[\d. ]*pt|"
)
_PACKAGES = re.compile(r"\\usepackage[ \t]*(\[[^\[\]]*\])?[ \t]*\{([\w, -]*)\}")
_BETWEEN = re.compile(r"(?:[ \t\r\n]|%[^\n]*(?:\n|\Z)|\\usetikzlibrary[ \t]*\{[^{}]*\})*")
_TOLD = {"tikz", "pgf", "pgfplots", "pgfcore", "xcolor", "graphicx", "graphics", "trig", "keyval"}  # by options
_UNLIKE = {"color", "pstricks", "auto-pst-pdf", "pdftricks", "xy", "pgfpages"}  # what may differ if it comes later


def early_format(document: str) -> str | None:
    r"""Return the name of the format that a document can begin from before its class, if there is one.

    Hostile code is searched. Only its class and the packages right after it count: what comes later may depend on more.

    Example:
        >>> early_format("\\documentclass[tikz]{standalone}\n\\def\\a{1}\n\\begin{document}a\\end{document}")
        'tikz'
        >>> early_format("\\documentclass{article}\n\\usepackage{amsmath, pgfplots}\n\\begin{document}")
        'pgfplots'
        >>> early_format("\\documentclass{article}\n\\def\\a{1}\\usepackage{tikz}\n\\begin{document}")
    """
    preamble = preamble_of(document)
    found = _CLASS.match(preamble, _after(preamble, 0)) if preamble is not None else None
    if preamble is None or found is None:
        return None
    options = [option.split("=")[0].strip() for option in (found[1] or "").split(",")]
    if not all(_CLASS_OPTION.fullmatch(option) for option in options) or any(
        told[1] and _TOLD.intersection(_names(told[2])) for told in _PACKAGES.finditer(preamble)
    ):
        return None
    loaded = ["tikz"] if "tikz" in options and found[2] == "standalone" else []
    position = found.end()
    while packages := _PACKAGES.match(preamble, _after(preamble, position)):
        loaded += _names(packages[2])
        position = packages.end()
    relatives = [name for name in loaded if name.startswith(("tikz", "pgf")) or name in _EARLY["tikz"]]
    first = next((name for name in relatives if name != "pgf"), "")
    if _UNLIKE.intersection(loaded) or not any(first in by for by in _EARLY.values()):
        return None  # as where what only adds to TikZ comes before it, which is an error
    return next(name for name, by in _EARLY.items() if by.intersection(loaded))


def _names(packages: str) -> list[str]:
    return [name.strip() for name in packages.split(",")]


def _after(text: str, position: int) -> int:
    """Return where the space, the comments and the libraries of TikZ from here on end."""
    found = _BETWEEN.match(text, position)
    return found.end() if found else position


def make_formats(directory: Path) -> dict[str, Path]:
    """Make the formats that TeX begins from, without compression, and return their files by name.

    TeX compresses its formats, and takes up to half of a render to unpack one. What is missing only takes longer.
    """
    directory.mkdir(exist_ok=True)
    made = {}
    for name, engine in (("pdflatex", "pdftex"), ("xelatex", "xetex")):
        found = output_of("kpsewhich", f"-engine={engine}", f"{name}.fmt").strip()
        if found:
            made[name] = unpacked(Path(found), directory / f"{name}.fmt")
    processes = [_dump(directory, name, preamble) for name, preamble in _DUMPED.items()]
    for name, process in zip(_DUMPED, processes, strict=True):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(120)
        process.kill()
        dumped = directory / f"{name}-dumped.fmt"
        if dumped.is_file():  # else TeX lacks a package
            made[name] = unpacked(dumped, directory / f"{name}.fmt")
            dumped.unlink()
    return made


def _dump(directory: Path, name: str, preamble: str) -> subprocess.Popen[bytes]:
    job = f"{name}-dumped"
    (directory / f"{job}.tex").write_text(preamble + "\\dump\n")
    command = ["pdflatex", "-ini", "-interaction=batchmode", "-halt-on-error", f"&pdflatex {job}.tex"]
    environment = {**environment_of_tex(), "TMPDIR": str(directory)}
    return subprocess.Popen(command, cwd=directory, env=environment, stdout=subprocess.DEVNULL)


def unpacked(packed: Path, path: Path) -> Path:
    """Write a format without its compression, if it has any, and never hold all of it: it would stay in the server."""
    with packed.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(packed) if is_packed else packed.open("rb") as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)
    return path


def environment_of_tex() -> dict[str, str]:
    """Return the environment of TeX's programs, which read and write where they stand and make no fonts."""
    keep = ("PATH", "LANG", "TZ", "HOME", "TMPDIR", "XDG_DATA_HOME", "SOURCE_DATE_EPOCH", "FORCE_SOURCE_DATE")
    return {
        **{name: os.environ[name] for name in keep if name in os.environ},
        "openin_any": "p",
        "openout_any": "p",
        "shell_escape": "f",
        "MKTEXPK": "0",
        "MKTEXTFM": "0",
        "MKTEXMF": "0",
        "TEXMFVAR": os.environ.get("TMPDIR", "."),
        "max_print_line": "1000",
    }


def output_of(*command: str) -> str:
    """Return what a program writes, whatever becomes of it."""
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
