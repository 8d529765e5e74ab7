"""LaTeX, most often TikZ: figures, formulas and tables, rendered by pdfTeX or XeTeX and PDFium."""

from __future__ import annotations

import re
from pathlib import Path

from vincicoder.languages import Install, Language, whole_words


def _packages(column: int) -> tuple[str, ...]:
    """Return the packages of the list that ``examples/install_system.sh`` reads too: Debian's (1) or TeX Live's (2)."""
    lines = Path(__file__).with_name("latex.txt").read_text(encoding="utf-8").splitlines()
    return tuple(dict.fromkeys(line.split()[column] for line in lines if line and not line.startswith("#")))


_TINYTEX = "https://github.com/rstudio/tinytex-releases/releases/download/daily/TinyTeX-1-linux-{machine}.tar.xz"
_TLMGR = "{directory}/.TinyTeX/bin/*/tlmgr"


LANGUAGE = Language(
    name="latex",
    renderer="vincicoder.rendering.latex:LatexRenderer",
    guard="vincicoder.guards.latex:smuggled",
    sample="\\begin{tikzpicture}\\draw (0,0) circle (1);\\end{tikzpicture}",
    install=Install(
        pip=("pypdfium2",),
        apt=_packages(1),
        user=(
            f"curl --fail --location --retry 3 {_TINYTEX} | tar --extract --xz --directory {{directory}}",
            f"{_TLMGR} postaction install script xetex",
            f"{_TLMGR} install {' '.join(_packages(2))}",
        ),
    ),
    title="LaTeX",
    aliases=("tex", "tikz", "pgf", "pgfplots", "ltx"),
    suffixes=(".tex",),
    named=whole_words(r"(?:xe|lua|pdf)?latex|tikz(?:picture)?|tex|pgf(?:plots)?|circuitikz|chemfig"),
    limits=(
        re.compile(r"(?<!`)\\documentclass\b"),
        re.compile(r"\\end\{document\}"),
    ),
    bare=re.compile(r"\\(?:documentclass|begin|tikz|draw)\b"),
    comments=re.compile(r"(?<!\\)%.*"),
    domains=("latex",),
)
