r"""LaTeX with TikZ: pdflatex (or xelatex where the document needs it), first page, rendered by PDFium.

Snippets are put into a ``standalone`` document whose preamble is loaded once as a dumped format; the ``article``
class becomes ``standalone``, so that the image is the figure and not a sheet of paper.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import shutil
import signal
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from vincicoder.rendering import pdf_images
from vincicoder.rendering.facts import within_limits
from vincicoder.rendering.latex_formats import (
    SNIPPET,
    SNIPPET_PREAMBLE,
    early_format,
    environment_of_tex,
    make_formats,
    output_of,
    unpacked,
)
from vincicoder.rendering.latex_preambles import beginnings_of, body_of, dumping, is_whole, with_body
from vincicoder.rendering.latex_prefixes import can_paint, marked, places_of, prefix_images
from vincicoder.rendering.pdf_marks import page_marks
from vincicoder.rendering.pdf_text import page_text
from vincicoder.rendering.renderer import (
    PREPARED,
    Policy,
    Prepared,
    Rendered,
    RenderError,
    Workspace,
    room_for_prefixes,
    thinned,
)
from vincicoder.rendering.sandbox.confine import die_with_parent, forbid_processes
from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image

_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]")
_NEEDS_XETEX = re.compile(r"\\usepackage\s*(\[[^\]]*\])?\s*\{[^}]*\b(fontspec|xeCJK|ctex|unicode-math|polyglossia)\b")
_XETEX_CLASS = re.compile(r"\\documentclass\s*(\[[^\]]*\])?\s*\{ctex(art|rep|book)\}")
_ARTICLE = re.compile(r"\\documentclass\s*(\[[^\]]*\])?\s*\{(article|extarticle|scrartcl)\}")
_DOCUMENT = re.compile(r"\\documentclass")
_PROSE = re.compile(r"\A(?:(?![ \t]*[\\%]).*\n)+(?=[ \t]*[\\%])")
_COLOUR_OPTIONS = re.compile(r"\\usepackage\s*\[([^\]]*)\]\s*\{xcolor\}")
_PREAMBLE_ONLY = re.compile(
    r"\\(?:usepackage|RequirePackage|usetikzlibrary|usepgfplotslibrary)\s*(?:\[[^\]]*\])?\s*\{[^{}]*\}"
    r"|\\DeclareMathOperator\*?\s*\{[^{}]*\}\s*\{[^{}]*\}"
)
_SEED = {"pdflatex": r"\pdfsetrandomseed0 ", "xelatex": r"\setrandomseed0 "}  # else the clock decides
_CJK_FONT = "Noto Sans CJK SC"
_OPTIONS = ("-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "-file-line-error")
_NOT_STARTED = 127  # an exit code that no engine has


class _Quick(NamedTuple):
    """The format of a preamble or the beginning of one, and that text as it was dumped."""

    preamble: str
    format_file: Path


class LatexRenderer:
    """Compile without shell escape and without reading outside TeX's own tree, then render the first page.

    Args:
        dpi: Resolution of the image.
    """

    jobs_per_child: ClassVar[int] = 1
    draws_prefixes: ClassVar[bool] = True
    beginnings_of = staticmethod(beginnings_of)

    def __init__(self, dpi: int = 300) -> None:
        self.dpi = dpi
        self._formats: dict[str, Path] = {}  # of the engines, and of snippets
        self._placeholders: frozenset[bytes] = frozenset()
        self._quick: _Quick | None = None  # in a child, whose only job has one

    def policy(self) -> Policy:
        """Return a policy with TeX's trees, and processes for TeX itself, which is then forbidden to start any."""
        trees = ("/etc/texmf", "/etc/texlive", "/var/lib/texmf", "/usr/share/texmf", "/usr/local/texlive")
        formats = {str(path.parent) for path in self._formats.values()}
        return Policy(read=(*trees, *_installed(), *formats, str(Path.cwd() / PREPARED)), processes=True)

    def preload(self) -> dict[str, Any]:
        """Load PDFium, prepare the formats, and read the neutral images of TeX's tree."""
        import pypdfium2  # noqa: F401
        from PIL import Image  # noqa: F401

        if shutil.which("pdflatex") is None:
            raise FileNotFoundError("pdflatex is not installed")
        self._formats = make_formats(Path.cwd() / "formats")
        self._placeholders = pdf_images.digests(_placeholders())
        return {"format": SNIPPET in self._formats, "pypdfium2": version("pypdfium2")}

    def render(self, code: str, workspace: Workspace, options: dict[str, Any]) -> Rendered | Prepared:
        """Compile and render one document or snippet, or prepare a document's preamble."""
        if options.get("prepare"):
            return self._dumped(code)
        if "prepared" in options:
            beginning = code.lstrip()[: options["begins"]]
            adapted = self._document(with_body(beginning))[0].removesuffix(with_body(""))
            self._quick = _Quick(adapted, Path("preamble.fmt").absolute())
            self._quick.format_file.symlink_to(options["prepared"])  # whose name is none for TeX
        ends, turns = places_of(code) if workspace.prefixes and can_paint() else ([], [])
        if len(ends) > 1:
            ends = thinned(ends, workspace.prefixes)
            try:
                return self._rendered(marked(code, ends, turns), workspace, ends)
            except RenderError:  # perhaps the marks' fault
                for path in Path().glob("figure.*"):
                    path.unlink()
        return self._rendered(code, workspace)

    def _rendered(self, code: str, workspace: Workspace, ends: Sequence[int] = ()) -> Rendered:
        text, engine, format_name = self._document(code.strip())  # a line end is a paragraph, and widens the image
        twice = "remember picture" in text
        if engine != "pdflatex" or not self._typeset_quickly(text, twice):
            _typeset(_SEED[engine] + text, engine, self._formats.get(format_name), twice)
        return self._render_page(workspace, ends)

    def _typeset_quickly(self, text: str, twice: bool) -> bool:
        """Begin from a format that has loaded what the document loads, if there is one; return whether there is a page.

        Whatever goes wrong, the document is then typeset as if there were no format, and the error is its own.
        """
        seed = _SEED["pdflatex"]
        body = self._quick and body_of(seed, text, self._quick.preamble)
        if self._quick and body is not None:
            begun, format_file = body, self._quick.format_file
        elif early := self._early_format(text):
            begun, format_file = seed + text, early
        else:
            return False
        with contextlib.suppress(RenderError):
            _typeset(begun, "pdflatex", format_file, twice)
            if Path("figure.pdf").is_file():
                return True
        for path in Path().iterdir():
            path.unlink()
        return False

    def _early_format(self, text: str) -> Path | None:
        return self._formats.get(early_format(text) or "")

    def _dumped(self, preamble: str) -> Prepared:
        """Dump a preamble, which comes without the body of any document."""
        text, engine, name = self._document(with_body(preamble))
        if engine == "pdflatex" and name in self._formats:
            dump = dumping(_SEED[engine], text.removesuffix(with_body("")))
            Path("figure.tex").write_text(dump, encoding="utf-8", errors="replace")
            base = (self._early_format(text) or self._formats[name]).with_suffix("")
            status = _run(shutil.which(engine) or engine, [engine, "-ini", *_OPTIONS, f"&{base}", "figure.tex"])
            if status == 0 and is_whole(Path()):
                return Prepared(unpacked(Path("figure.fmt"), Path("preamble.fmt")).absolute())
        raise RenderError(Status.RUNTIME_ERROR, "this preamble cannot be dumped")

    def _document(self, code: str) -> tuple[str, str, str]:
        """Return the document, the engine that it needs, and the name of the format that it begins from."""
        if not _DOCUMENT.search(code):
            body = code if r"\begin{document}" in code else _wrapped(code)
            if _CJK.search(code) or _NEEDS_XETEX.search(code):
                return SNIPPET_PREAMBLE + _cjk_support() + body, "xelatex", "xelatex"
            if SNIPPET in self._formats:
                return body, "pdflatex", SNIPPET
            return SNIPPET_PREAMBLE + body, "pdflatex", "pdflatex"
        code = _ARTICLE.sub(lambda match: _standalone(match[1]), _PROSE.sub("", code), count=1)
        for options in _COLOUR_OPTIONS.findall(code):  # which clash where something has loaded xcolor before
            code = rf"\PassOptionsToPackage{{{options}}}{{xcolor}}{code}"
        if _NEEDS_XETEX.search(code) or _XETEX_CLASS.search(code):
            return code, "xelatex", "xelatex"
        if _CJK.search(code) and "CJK" not in code:
            return code.replace(r"\begin{document}", _cjk_support() + r"\begin{document}", 1), "xelatex", "xelatex"
        return code, "pdflatex", "pdflatex"

    def _render_page(self, workspace: Workspace, ends: Sequence[int]) -> Rendered:
        import pypdfium2

        pdf = Path("figure.pdf")
        if not pdf.is_file():
            raise RenderError(Status.NO_OUTPUT, "TeX finished without a page")
        content = pdf.read_bytes()
        page = pypdfium2.PdfDocument(content)[0]
        scale = self.dpi / 72
        width, height = page.get_size()
        if width * height <= 0:
            raise RenderError(Status.NO_OUTPUT, "the page has no area")
        scale = min(scale, (workspace.pixels / (width * height)) ** 0.5)
        while math.ceil(width * scale) * math.ceil(height * scale) > workspace.pixels:  # PDFium rounds up
            scale *= 0.999
        image: Image.Image = page.render(scale=scale).to_pil()
        facts = None
        if workspace.facts:
            facts = within_limits(page_text(page, image.size), image.size, page_marks(page, image.size))
        embedded = pdf_images.embedded_bytes(content, page, self._placeholders)
        most = room_for_prefixes(*image.size, workspace) if ends else 0
        prefixes = list(prefix_images(page, image.size, list(ends), most)) if most else []
        return Rendered(image, facts, embedded, prefixes)


def _wrapped(snippet: str) -> str:
    """Put a snippet into a document, and its commands that belong into a preamble before it."""
    preamble = "\n".join(_PREAMBLE_ONLY.findall(snippet))
    return f"{preamble}\n\\begin{{document}}\n{_PREAMBLE_ONLY.sub('', snippet)}\n\\end{{document}}\n"


def _standalone(options: str | None) -> str:
    """Return the document class for what was an article; a font size stays."""
    size = re.search(r"\b\d+pt\b", options or "")
    extra = f",{size[0]}" if size else ""
    return rf"\documentclass[preview,border=3.14mm{extra}]{{standalone}}"


def _cjk_support() -> str:
    return (
        "\\usepackage{xeCJK}\n"
        f"\\setCJKmainfont{{{_CJK_FONT}}}\\setCJKsansfont{{{_CJK_FONT}}}\\setCJKmonofont{{{_CJK_FONT}}}\n"
    )


def _installed() -> Iterator[str]:
    """Yield the directories of a TeX that is not the system's own: its programs, their libraries, and its tree."""
    binary = shutil.which("pdflatex")
    if binary is None:
        return
    programs = Path(binary).resolve().parent
    yield str(programs)
    yield str(programs.parent / "lib")  # conda's
    tree = Path(output_of("kpsewhich", "-var-value=TEXMFROOT").strip())
    if tree.is_absolute() and tree != Path("/"):
        yield str(tree)


def _placeholders() -> list[Path]:
    """Return the raster images of the package mwe, which documents place where they have none of their own."""
    name = output_of("kpsewhich", "example-image.png").strip()
    return [path for path in Path(name).parent.glob("example-*") if path.suffix in (".png", ".jpg")] if name else []


def _typeset(text: str, engine: str, format_file: Path | None, twice: bool) -> None:
    Path("figure.tex").write_text(text, encoding="utf-8", errors="replace")
    for _ in range(2):
        _compile(engine, format_file)
        if "Rerun to get" not in _log() and not twice:
            break


def _compile(engine: str, format_file: Path | None) -> None:
    command = [engine, *_OPTIONS]
    if format_file is not None:
        command.append(f"-fmt={format_file.with_suffix('')}")
    program = shutil.which(engine)
    if program is None:
        raise RenderError(Status.INFRASTRUCTURE, f"{engine} is not installed")
    if engine == "xelatex":  # would start its driver itself, and may start nothing
        command.append("-no-pdf")
    _check_exit(engine, _run(program, [*command, "figure.tex"]))
    driver = shutil.which("xdvipdfmx")
    if engine == "xelatex" and driver is not None and Path("figure.xdv").is_file():
        _check_exit(driver, _run(driver, ["xdvipdfmx", "-q", "-E", "-o", "figure.pdf", "figure.xdv"]))


def _check_exit(engine: str, status: int) -> None:
    """Raise what the exit status of TeX or its driver means, unless it is 0."""
    if os.WIFSIGNALED(status):
        if os.WTERMSIG(status) in (signal.SIGKILL, signal.SIGXCPU):
            os.kill(os.getpid(), os.WTERMSIG(status))  # over a limit: end the same way, for the server to see why
        if os.WTERMSIG(status) == signal.SIGXFSZ:
            raise RenderError(Status.TOO_LARGE, "TeX wrote a file over the limit")
        raise RenderError(Status.RUNTIME_ERROR, f"{engine} ended with signal {os.WTERMSIG(status)}")
    if os.waitstatus_to_exitcode(status) == _NOT_STARTED:
        raise RenderError(Status.INFRASTRUCTURE, f"{engine} could not be started")
    if status != 0:
        raise RenderError(*_diagnose(engine))


def _run(program: str, command: list[str]) -> int:
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(OSError):
            os.closerange(3, 1024)
            die_with_parent()
            forbid_processes()
            os.execve(program, command, environment_of_tex())
        os._exit(_NOT_STARTED)
    return os.waitpid(pid, 0)[1]


def _log() -> str:
    with contextlib.suppress(OSError):
        return Path("figure.log").read_text(encoding="utf-8", errors="replace")[-200_000:]
    return ""


def _diagnose(engine: str) -> tuple[Status, str]:
    """Find TeX's first error in its log."""
    if not Path("figure.log").exists():  # which TeX opens with the code's file, and which code cannot remove
        return Status.INFRASTRUCTURE, f"{engine} ended before it read the code"
    log = _log()
    error = re.search(r"^(?:\./)?figure\.tex:\d+: .*$|^! .*$|^(?:/|\./).*:\d+: .*$", log, re.MULTILINE)
    if error is None:
        return Status.RUNTIME_ERROR, f"{engine} failed without an error in its log"
    lines = log[error.start() :].split("\n")[:3]
    message = " ".join(line.strip() for line in lines if line.strip())[:500]
    if "capacity exceeded" in message:
        return Status.OUT_OF_MEMORY, message
    return Status.SYNTAX_ERROR, message
