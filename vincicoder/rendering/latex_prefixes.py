r"""Prefixes of a LaTeX document: where they end, and their images, painted from one PDF.

A prefix ends behind a statement of a TikZ picture: a path with its semicolon, a loop, an environment such as an axis.
TeX runs once, on the document with marks behind these statements, which paint nothing and show in the PDF what was
painted between them. So a prefix has the frame of the whole, and shows what was painted up to its last statement.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from vincicoder.rendering.renderer import Prefix, thinned

if TYPE_CHECKING:
    from PIL import Image

_PICTURES = ("tikzpicture", "circuitikz")
_BEGIN = re.compile(rf"\\begin\s*\{{({'|'.join(_PICTURES)})\}}")
_SHOWS_ITSELF = re.compile(
    r"\\(?:verb|lst|mint|begin\s*\{\s*(?:[vV]erbatim|alltt|filecontents)|detokenize|string|meaning)"
)
"""A document that may show its own code; marks would show too."""
_SCOPES = ("scope", "pgfonlayer", "pgfinterruptboundingbox")
_PATH = re.compile(
    "(?:use)?path|(?:fill)?draw|fill|shade(?:draw)?|pattern|clip|node|coordinate|matrix|graph|pic|useasboundingbox"
    "|calendar|datavisualization"
)
_WORD = re.compile(r"\\([A-Za-z@]+)\*?|\\.", re.DOTALL)
_ENVIRONMENT = re.compile(r"\s*\{([^{}]*)\}")
_SPACE = re.compile(r"(?:\s|%[^\n]*\n)*")
_LOOP = re.compile(r"[^{};%]*?\bin\b(?:\s|%[^\n]*\n)*(?:\\[A-Za-z@]+|(?=\{))")
_MARK, _NAME = "VC", re.compile(r"VC(\d{1,6})")
_MOST_OBJECTS, _DEEPEST = 20_000, 8


class Places(NamedTuple):
    """Places in a document.

    Attributes:
        ends: Where the first picture begins, and where the statements of all pictures end.
        turns: Where another group, layer or picture begins or ends.
    """

    ends: list[int]
    turns: list[int]


def places_of(code: str) -> Places:
    r"""Return where the statements of a document's pictures end.

    Args:
        code: A LaTeX document or snippet.

    Example:
        >>> places_of(r"\begin{tikzpicture}\draw (0,0) -- (1,1); \fill (1,1) circle (1);\end{tikzpicture}").ends
        [19, 40, 64]
    """
    places = Places([], [])
    position = 0 if _SHOWS_ITSELF.search(code) is None else len(code)
    while begin := _BEGIN.search(code, position):
        position = _after_options(code, begin.end())
        (places.turns if places.ends else places.ends).append(position)
        position = _picture(code, position, begin[1], places)
    return places


def marked(code: str, ends: list[int], turns: list[int]) -> str:
    r"""Return a document with a mark behind these ends, which says to which prefix belongs what is painted next.

    Args:
        code: The document.
        ends: The ends of the prefixes that are wanted, the empty one first.
        turns: Where the mark is to be said again, since what is painted next may be somewhere else in the PDF.

    Example:
        >>> marked(r"\begin{tikzpicture}\end{tikzpicture}", [19], [])
        '\\begin{tikzpicture}\\csname pgfsys@invoke\\endcsname{EMC /VC1 BMC }\\end{tikzpicture}'
    """
    parts, done, number = [], 0, 0
    chosen = set(ends)
    for place in sorted({*ends, *turns}):
        number += place in chosen
        parts += [code[done:place], rf"\csname pgfsys@invoke\endcsname{{EMC /{_MARK}{number} BMC }}"]
        done = place
    return "".join([*parts, code[done:]])


def _picture(code: str, position: int, name: str, places: Places) -> int:
    """Note the places of one picture; return where it ends, or where it can be followed no further."""
    while position < len(code):
        position = _SPACE.match(code, position).end()  # type: ignore[union-attr]  # it matches everywhere
        if code[position : position + 1] == "{":
            position = _group_end(code, position)
            continue
        word = _WORD.match(code, position)
        if word is None:
            position += 1
            continue
        if word[1] in ("begin", "end"):
            environment = _ENVIRONMENT.match(code, word.end())
            if environment is None or (word[1] == "end" and environment[1] == name):
                return word.end()
            if environment[1] in _SCOPES:
                position = _after_options(code, environment.end())
                places.turns.append(position)
                continue
            end = _environment_end(code, environment) if word[1] == "begin" else None
        elif word[1] == "foreach":
            end = _loop_end(code, word.end())
        elif _PATH.fullmatch(word[1] or ""):
            end = _statement_end(code, word.end())
        else:
            position = word.end()
            continue
        if end is None:
            return word.end()
        places.ends.append(end)
        position = end
    return position


def _after_options(code: str, position: int) -> int:
    """Return the position after the arguments of an environment, ``{...}`` and ``[...]``."""
    while True:
        start = _SPACE.match(code, position).end()  # type: ignore[union-attr]
        if code[start : start + 1] == "{":
            position = _group_end(code, start)
        elif code[start : start + 1] == "[":
            end = _find(code, start + 1, "]")
            if end is None:
                return position
            position = end + 1
        else:
            return position


def _group_end(code: str, position: int) -> int:
    """Return the position after the group that begins here."""
    end = _find(code, position + 1, "}")
    return len(code) if end is None else end + 1


def _statement_end(code: str, position: int) -> int | None:
    end = _find(code, position, ";")
    return None if end is None else end + 1


def _find(code: str, position: int, wanted: str) -> int | None:
    """Return where a character stands next, outside of groups, comments and the end of the environment."""
    depth = 0
    for token in re.compile(r"\\end\s*\{|\\.|%[^\n]*|[{};\]]", re.DOTALL).finditer(code, position):
        found = token[0]
        if found == wanted and depth == 0:
            return token.start()
        if found == "{":
            depth += 1
        elif found == "}":
            depth -= 1
            if depth < 0:
                return None
        elif found.startswith("\\end"):
            if depth == 0:
                return None
            depth += 1
    return None


def _environment_end(code: str, begun: re.Match[str]) -> int | None:
    """Return the position after the end of an environment, whatever is nested in it."""
    depth = 1
    for found in re.compile(rf"\\(begin|end)\s*\{{{re.escape(begun[1])}\}}").finditer(code, begun.end()):
        depth += 1 if found[1] == "begin" else -1
        if depth == 0:
            return found.end()
    return None


def _loop_end(code: str, position: int) -> int | None:
    r"""Return the position after the body of a ``\foreach``: a group, another loop, or a statement."""
    head = _LOOP.match(code, position)
    if head is None:
        return None
    position = head.end()
    if code[position : position + 1] == "{":
        position = _group_end(code, position)
    position = _SPACE.match(code, position).end()  # type: ignore[union-attr]
    if code[position : position + 1] == "{":
        return _group_end(code, position)
    if code.startswith(r"\foreach", position):
        return _loop_end(code, position + len(r"\foreach"))
    return _statement_end(code, position)


def prefix_images(page: Any, size: tuple[int, int], ends: list[int], most: int) -> Iterator[Prefix]:
    """Yield the prefixes, by painting the page's objects bit by bit on white.

    Args:
        page: The page, opened by pypdfium2.
        size: Width and height of its image in pixels.
        ends: Where the marked prefixes end, the empty one first.
        most: How many of them to take.
    """
    from PIL import Image

    numbers = _objects_by_number(page)
    shown = Image.new("RGB", size, "white")
    done = 0
    with contextlib.closing(_Painter(page, size)) as painter:
        for number, end in thinned(list(enumerate(ends)), most):
            found = [place for each in range(done + 1, number + 1) for place in numbers.get(each, ())]
            before, shown = shown, painter.paint(sorted(found)) if found else shown
            done = number
            yield Prefix.between(end, before, shown)


class _Painter:
    """Paint some of a page's objects, and some more, always in the page's order."""

    def __init__(self, page: Any, size: tuple[int, int]) -> None:
        from pypdfium2 import PdfBitmap, raw

        self._page, self._raw = page, raw
        self._bitmap = PdfBitmap.new_native(*size, raw.FPDFBitmap_BGR)
        self._objects = [raw.FPDFPage_GetObject(page.raw, each) for each in range(raw.FPDFPage_CountObjects(page.raw))]
        self._painted: list[int] = []
        self._clear()
        self._activate(range(len(self._objects)), False)

    def _clear(self) -> None:
        self._bitmap.fill_rect((255, 255, 255, 255), 0, 0, self._bitmap.width, self._bitmap.height)

    def _activate(self, places: Iterable[int], active: bool) -> None:
        for place in places:
            self._raw.FPDFPageObj_SetIsActive(self._objects[place], active)

    def paint(self, places: list[int]) -> Image.Image:
        """Paint the objects in these places of the page, in growing order, and return the image so far."""
        behind = bool(self._painted) and places[0] < max(self._painted)  # as what a background layer holds
        self._painted += places
        if behind:
            self._clear()
            places = self._painted
        self._activate(places, True)
        whole = 0, 0, self._bitmap.width, self._bitmap.height
        self._raw.FPDF_RenderPageBitmap(self._bitmap.raw, self._page.raw, *whole, 0, self._raw.FPDF_ANNOT)
        self._activate(places, False)
        image: Image.Image = self._bitmap.to_pil()
        return image

    def close(self) -> None:
        """Show everything again."""
        self._activate(range(len(self._objects)), True)
        self._bitmap.close()


def can_paint() -> bool:
    """Return whether this PDFium can leave out some objects of a page."""
    from pypdfium2 import raw

    return hasattr(raw, "FPDFPageObj_SetIsActive")


def _objects_by_number(page: Any) -> dict[int, list[int]]:
    """Return the places of a page's objects by the prefix that is the first to show them."""
    from pypdfium2 import raw

    numbers: dict[int, list[int]] = {}
    for place in range(min(raw.FPDFPage_CountObjects(page.raw), _MOST_OBJECTS)):
        number = _number(raw.FPDFPage_GetObject(page.raw, place), raw)
        numbers.setdefault(max(1, number), []).append(place)  # what no mark stands before is drawn by the first
    return numbers


def _number(shape: Any, raw: Any, depth: int = 0) -> int:
    """Return the number of the last mark that an object, or what is inside of it, stands behind; 0 for none."""
    number = 0
    count = raw.FPDFPageObj_CountMarks(shape)
    for place in range(count - 1, max(-1, count - 9), -1):
        if found := _NAME.fullmatch(_name(raw.FPDFPageObj_GetMark(shape, place), raw)):
            number = int(found[1])
            break
    if raw.FPDFPageObj_GetType(shape) == raw.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
        inner = range(min(raw.FPDFFormObj_CountObjects(shape), _MOST_OBJECTS))
        return max([number, *(_number(raw.FPDFFormObj_GetObject(shape, each), raw, depth + 1) for each in inner)])
    return number


def _name(mark: Any, raw: Any) -> str:
    """Return the name of a mark; empty if it is none of ours."""
    import ctypes

    size, used = 32, ctypes.c_ulong()
    buffer = (ctypes.c_ushort * (size // 2))()
    if not raw.FPDFPageObjMark_GetName(mark, buffer, size, used) or used.value > size:
        return ""
    return bytes(buffer)[: max(0, used.value - 2)].decode("utf-16-le", "replace")
