r"""Preambles of LaTeX documents as formats: TeX reads one in a fraction of the time that its packages take.

A format holds macros, fonts and boxes, but not all that a preamble can leave behind. While it is dumped, what would be
lost is an error, so that such a preamble has no format: font maps, forms and images in the PDF, files, and random
numbers. What is dumped renders to the same bit, which a test checks for many packages.
"""

from __future__ import annotations

from pathlib import Path

_BEGIN = r"\begin{document}"
_LOST = ("pdfmapline", "pdfmapfile", "pdfglyphtounicode", "pdfxform", "pdfximage")  # what no format keeps
_LONGEST = 20_000  # characters
_MOST = 12  # beginnings of one preamble
_LOADING = ("documentclass", "usepackage", "RequirePackage", "usetikzlibrary", "usepgfplotslibrary")  # what takes time
_WRITTEN = {"figure.tex", "figure.log", "figure.fmt"}

_OF_XETEX = ("fontspec", "xeCJK", "ctex", "unicode-math", "polyglossia")  # its formats are not dumped
_XCOLOR = "{xcolor}"  # whose options are passed on before all else
_COMMANDS = tuple(f"\\{name}" for name in _LOADING)
_FORBID = "".join(rf"\let\vincicoder{name}\{name}\def\{name}{{\errmessage{{lost}}}}" for name in _LOST)
_ALLOW = "".join(rf"\let\{name}\vincicoder{name}\let\vincicoder{name}\undefined" for name in _LOST)
_NOT_RANDOM = r"""
\count255=\pdfuniformdeviate1000000000 \pdfsetrandomseed0
\ifnum\count255=\pdfuniformdeviate1000000000 \else\errmessage{random}\fi
"""


def preamble_of(code: str) -> str | None:
    r"""Return what a document has before its body, or None where that is not plain to see.

    Hostile code is searched here, outside the sandbox, so nothing but plain searches is done with it.

    Example:
        >>> preamble_of(r"\documentclass{article}\usepackage{tikz}\begin{document}Hello\end{document}")
        '\\documentclass{article}\\usepackage{tikz}'
        >>> preamble_of("% \\begin{document}\nHello")
    """
    end = code.find(_BEGIN, 0, _LONGEST)
    if end < 0 or "%" in code[code.rfind("\n", 0, end) + 1 : end] or code.find(r"\documentclass", 0, end) < 0:
        return None
    return code[:end].lstrip()


def beginnings_of(code: str) -> list[str]:
    r"""Return the beginnings of a document that are worth a format of their own, the longest first.

    They end after a line that loads something, so that documents share what loads the same, whatever else their
    preambles define. A preamble that loads something after the last such line is one as a whole.

    Example:
        >>> beginnings_of("\\documentclass{article}\n\\usepackage{tikz}\n\\def\\a{1}\n\\begin{document}")
        ['\\documentclass{article}\n\\usepackage{tikz}\n', '\\documentclass{article}\n']
    """
    preamble = preamble_of(code)
    if preamble is None or any(name in preamble for name in _OF_XETEX):
        return []
    ends, end = [], 0
    for line in preamble.splitlines(keepends=True):
        end += len(line)
        if line.endswith("\n") and line.lstrip().startswith(_COMMANDS) and _XCOLOR not in preamble[end:]:
            ends.append(end)
    found = [preamble[:end] for end in ends[:_MOST]]
    rest = preamble[ends[-1] :] if ends else preamble
    lines = [line for line in rest.split("\n") if not line.lstrip().startswith("%")]
    if any(command in line for line in lines for command in _COMMANDS):
        found.append(preamble)
    return found[::-1]


def with_body(preamble: str) -> str:
    """Return the shortest document with a preamble, which is what ``preamble_of`` cuts again."""
    return preamble + _BEGIN


def dumping(seed: str, preamble: str) -> str:
    """Return the file that dumps a preamble.

    Args:
        seed: What sets the random numbers.
        preamble: The preamble, or the beginning of one, as it is typeset.
    """
    return f"{_FORBID}{seed}{preamble}{_NOT_RANDOM}{_ALLOW}\\dump\n"


def body_of(seed: str, text: str, preamble: str) -> str | None:
    """Return the file that goes on where a format ends, or None for a document that does not begin like it.

    Its lines have the numbers of the document's, as errors name them.

    Args:
        seed: What sets the random numbers, which no format keeps.
        text: The document as it is typeset.
        preamble: The preamble as it was dumped, or the beginning of one.
    """
    if not text.startswith(preamble):
        return None
    return seed + "%\n" * preamble.count("\n") + text[len(preamble) :]


def is_whole(directory: Path) -> bool:
    """Return whether a preamble's format is there and the preamble has left nothing else behind."""
    return {path.name for path in directory.iterdir()} == _WRITTEN
