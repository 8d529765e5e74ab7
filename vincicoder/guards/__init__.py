r"""Guards: was the picture earned, or is it blank or smuggled in as a raster?

Smuggled is what is not drawn: a picture file or its bytes, encoded in the code or read from elsewhere.
Plotted data is never smuggled, however long, nor is a file that the code itself writes and reads back.

=========  ===========================================================================================
Language   What counts as smuggled
=========  ===========================================================================================
all        ``data:`` URLs of rasters, also inside ``data:`` URLs of SVG or HTML, above the cap in all;
           long base64 text elsewhere counts with them, as it can be joined to one
python     literals that hold encoded bytes, above the cap in all, in code that decodes (base64, hex,
           zlib, ``BytesIO``, ``frombuffer`` …); raw bytes and lists given to ``bytes`` above the cap;
           opening a picture file that the code names nowhere else
html       scripts that decode base64 or spell out byte arrays above the cap; ``file:`` sources.
           Relative and remote sources are fine: the placeholder ``rick.jpg`` is one of them
svg        ``<image>`` and ``<feImage>`` with a file as source
latex      ``\includegraphics`` and every other way to place a picture file, but for the neutral
           ``example-image…`` and ``example-grid…`` of the mwe package, which carry nothing of the
           target; PDF and PostScript literals with encoded data above the cap
=========  ===========================================================================================

These are rules about text: they catch what a model stumbles upon, and the sandbox keeps files out of reach.
"""

from __future__ import annotations

import ast
import base64
import re
import threading
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote_to_bytes

from vincicoder.languages import get_language

if TYPE_CHECKING:
    from PIL import Image

PAYLOAD_CAP = 2048
"""Bytes of encoded pictures that code may hold: room for a marker or a texture, not for a target."""


def is_blank(image: Image.Image, tolerance: int = 2) -> bool:
    """Return whether a picture has a single colour.

    Args:
        image: The picture; transparency is ignored.
        tolerance: Largest difference within one channel (0 to 255) that still counts as one colour: what the
            rounding of lossy files may add to a picture of nothing.
    """
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    extrema = cast("tuple[tuple[int, int], ...]", rgb.getextrema())
    return all(high - low <= tolerance for low, high in extrema)


def smuggled_raster(code: str, language: str, max_bytes: int = PAYLOAD_CAP) -> str | None:
    """Return why the picture that ``code`` makes is smuggled, by this module's table, or None if it is drawn.

    Args:
        code: The code; any text. Python that does not parse is left to the renderer to complain about.
        language: Name or alias of its language.
        max_bytes: The cap: bytes of encoded pictures that the code may hold.

    Raises:
        ConfigError: ``language`` is not known.
    """
    rule = _RULES.get(get_language(language).name, _in_data_urls)
    return rule(code, max_bytes)


def _too_much(what: str, size: int, max_bytes: int) -> str | None:
    return f"{what} {size:,} bytes of encoded picture (allowed: {max_bytes:,})" if size > max_bytes else None


# Encoded text

_MARKUP_RUN = re.compile(r"[A-Za-z0-9+/]{64,}")
"""Base64 or hex in markup, where shorter runs are the paths and names it is full of."""

_LITERAL_RUN = re.compile(r"[A-Za-z0-9+/_-]{24,}")
"""Base64 of either alphabet or hex in the strings of a program, where shorter runs are words."""

_HEX = re.compile(r"[0-9A-Fa-f]+")


def _decoded_size(text: str, run: re.Pattern[str]) -> int:
    """Return how many bytes the base64 and hex in ``text`` stand for."""
    size = 0
    for found in run.findall(text):
        if len(set(found)) >= 4:  # else a ruled line in a comment
            size += len(found) // 2 if _HEX.fullmatch(found) else len(found) * 3 // 4
    return size


# data: URLs, in any language

_DATA_URL = re.compile(r"data:([^,\"'<>`]{0,200}),", re.IGNORECASE)
_BASE64_PAYLOAD = re.compile(r"[A-Za-z0-9+/=_%\s-]*")
_PLAIN_PAYLOAD = re.compile(r"[^\"'<>`)\s]*")
_DOCUMENT_TYPES = ("image/svg+xml", "text/html", "application/xhtml+xml", "text/xml", "application/xml")
_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF")
_DEEPEST = 4
"""How many ``data:`` URLs are opened inside one another; what is nested deeper counts as a raster."""


def _in_data_urls(text: str, max_bytes: int) -> str | None:
    size, elsewhere = _raster_bytes(text)
    if size is None:
        return None
    return _too_much("data: URLs hold", size + _decoded_size(elsewhere, _MARKUP_RUN), max_bytes)


def _raster_bytes(text: str, depth: int = 0) -> tuple[int | None, str]:
    """Return the bytes in raster ``data:`` URLs, None if there are none, and the text between URLs."""
    size: int | None = None
    outside = []
    position = 0
    while url := _DATA_URL.search(text, position):
        outside.append(text[position : url.start()])
        kind, _, options = url[1].lower().partition(";")
        is_base64 = "base64" in options
        payload = (_BASE64_PAYLOAD if is_base64 else _PLAIN_PAYLOAD).match(text, url.end())
        position = payload.end() if payload else url.end()
        content = unquote_to_bytes(text[url.end() : position].encode("utf-8", "replace"))
        if is_base64:
            content = _base64_bytes(content)
        if kind.strip() in _DOCUMENT_TYPES and depth < _DEEPEST:
            inner, _ = _raster_bytes(content.decode("latin-1"), depth + 1)
        elif kind.strip() in _DOCUMENT_TYPES or kind.startswith("image/") or content.startswith(_SIGNATURES):
            inner = len(content)
        else:
            if "/" not in kind:  # prose or a script's "data: 1, 2", not a URL
                outside.append(text[url.start() : position])
            continue
        if inner is not None:
            size = (size or 0) + inner
    outside.append(text[position:])
    return size, "\n".join(outside)


def _base64_bytes(text: bytes) -> bytes:
    """Decode base64 as leniently as browsers do, and drop what is left over at the end."""
    digits = re.sub(rb"[^A-Za-z0-9+/]", b"", text.replace(b"-", b"+").replace(b"_", b"/"))
    return base64.b64decode(digits[: len(digits) // 4 * 4])


# HTML and SVG

_CHARACTER_REFERENCE = re.compile(r"&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(colon|comma|semi|sol|plus));?", re.IGNORECASE)
_NAMED_CHARACTERS = {"colon": ":", "comma": ",", "semi": ";", "sol": "/", "plus": "+"}
_SCRIPT_DECODER = re.compile(r"\batob\b|\bUint8(?:Clamped)?Array\b")
_BYTE_LIST = re.compile(r"(?:\d{1,3},\s*)+")
_FILE_SOURCE = re.compile(r"(?:\bsrc(?:set)?\s?=|\bhref\s?=|\burl\()\s?[\"']?\s?file:", re.IGNORECASE)
_SVG_IMAGE = re.compile(r"<(?:[\w-]{1,40}:)?(?:image|feImage)\b([^<>]*)", re.IGNORECASE)
_HREF = re.compile(r"\bhref\s?=\s?[\"']\s?([^\"']{1,200})", re.IGNORECASE)
_NO_FILE = ("#", "data:", "http:", "https:", "//")


def _unescape(markup: str) -> str:
    """Replace the character references that could hide a URL; ``html.unescape`` raises on long numbers."""

    def character(reference: re.Match[str]) -> str:
        decimal, hexadecimal, name = reference.groups()
        if name:
            return _NAMED_CHARACTERS[name.lower()]
        number = int(decimal) if decimal else int(hexadecimal, 16)
        return chr(number) if number < 0x110000 else ""

    return _CHARACTER_REFERENCE.sub(character, markup)


def _in_html(code: str, max_bytes: int) -> str | None:
    text = _unescape(code)
    if reason := _in_data_urls(text, max_bytes):
        return reason
    if _FILE_SOURCE.search(text):
        return "the page takes a picture from a file: address"
    if _SCRIPT_DECODER.search(text):
        _, scripts = _raster_bytes(text)
        listed = max((run[0].count(",") + 1 for run in _BYTE_LIST.finditer(text)), default=0)
        return _too_much("a script decodes", max(_decoded_size(scripts, _MARKUP_RUN), listed), max_bytes)
    return None


def _in_svg(code: str, max_bytes: int) -> str | None:
    text = _unescape(code)
    if reason := _in_data_urls(text, max_bytes):
        return reason
    for image in _SVG_IMAGE.finditer(text):
        for href in _HREF.finditer(image[1]):
            if not href[1].lower().startswith(_NO_FILE):
                return f"an <image> shows the file {href[1][:80]!r}"
    return None


# LaTeX

_COMMENT = re.compile(r"((?:^|[^\\\n])(?:\\\\)*)%.*", re.MULTILINE)
_PLACED_FILE = re.compile(
    r"\\(?:csname\s?)?(includegraphics|includesvg|includepdf|pgfimage|pgfdeclareimage|pdfximage|saveimageresource|"
    r"epsfig|epsfbox|epsffile|psfig|XeTeXpicfile|XeTeXpdffile|addplot3?\s?\+?\s?(?:\[[^\]]{0,500}\]\s?)?graphics)"
    r"(?![A-Za-z@])"
)
_PLACEHOLDER = re.compile(r"\*?\s?(?:\[[^\]]{0,500}\]\s?)?\{\s?example-(?:image|grid)[\w.-]{0,80}\s?\}")
_OUTPUT_LITERAL = re.compile(r"\\(?:pdfliteral|pdfobj|pdfextension|special)(?![A-Za-z@])")
_FILE_WRITTEN = re.compile(r"\\openout|\{filecontents\*?\}")


def _in_latex(code: str, max_bytes: int) -> str | None:
    text = _COMMENT.sub(r"\1", code)
    writes_files = _FILE_WRITTEN.search(text)  # such a document may have made its own "placeholder"
    for command in _PLACED_FILE.finditer(text):
        if writes_files or not _PLACEHOLDER.match(text, command.end()):
            return f"\\{command[1].split()[0]} places a picture file"
    if _OUTPUT_LITERAL.search(text):
        encoded = sum(len(run[0]) for run in re.finditer(r"[^\s{}]{64,}", text)) // 2
        return _too_much("PDF or PostScript literals hold", encoded, max_bytes)
    return _in_data_urls(text, max_bytes)


# Python

_DECODER = re.compile(
    r"\w*b(?:16|32|64)decode|decodebytes|a2b_(?:base64|hex)|unhexlify|fromhex|decompress\w*|from(?:buffer|bytes|string)"
    r"|BytesIO"
)
_DENSE_DECODER = re.compile(r"[abz]85decode|a2b_uu")
"""Decoders of alphabets that take in nearly all characters."""

_DENSE_RUN = re.compile(r"\S{24,}")
_READERS = frozenset(("open", "imread", "imread_collection", "load_img", "fromfile"))
_PICTURE_FILE = re.compile(r"\.(?:png|jpe?g|gif|webp|bmp|tiff?|ppm)$", re.IGNORECASE)
_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")

_LONGEST_PARSED = 40_000
"""Characters. Longer code is judged by its text alone: its tree would take hundreds of megabytes, and a very
deep one crashes the parser of Python 3.10 and this process with it."""

_PARSING = threading.Lock()
"""Warning filters belong to the process, so that two threads must not set them aside at once."""


@dataclass
class _Literals:
    """What the literals of some Python hold.

    Attributes:
        names: Every name that the code uses.
        text: The text of its strings and bytes.
        raw: Bytes in literals that are no text at all.
        listed: Items of the lists that become bytes, and bytes in enormous integers.
        files: How often each picture file is named.
        opened: How often it is named to be opened for reading.
    """

    names: set[str] = field(default_factory=set)
    text: list[str] = field(default_factory=list)
    raw: int = 0
    listed: int = 0
    files: Counter[str] = field(default_factory=Counter)
    opened: Counter[str] = field(default_factory=Counter)


def _in_python(code: str, max_bytes: int) -> str | None:
    tree = None
    if len(code) > _LONGEST_PARSED:
        found = _Literals(names=set(re.findall(r"[A-Za-z_]\w*", code)), text=[code])
        found.raw = len(re.findall(r"\\x[0-9A-Fa-f]{2}", code))
    else:
        try:
            with _PARSING, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError, SystemError):
            return None
        found = _literals_of(tree)
    for file, times in found.opened.items():
        if found.files[file] == times:
            return f"the code opens the picture file {file[:80]!r}, which it does not make"
    text = "\n".join(found.text)
    encoded = 0
    if any(map(_DENSE_DECODER.fullmatch, found.names)):
        encoded = sum(map(len, _DENSE_RUN.findall(text))) * 4 // 5
    elif any(map(_DECODER.fullmatch, found.names)):
        # Where the literals cannot be told from the names around them, long names must not count.
        encoded = _decoded_size(text, _LITERAL_RUN if tree else _MARKUP_RUN)
    embedded = max(encoded, found.raw, found.listed)
    return _too_much("the code embeds", embedded, max_bytes) or _in_data_urls(code, max_bytes)


def _literals_of(tree: ast.AST) -> _Literals:
    found = _Literals()
    lists: dict[str, int] = {}
    made_bytes: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.names.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.names.add(node.attr)
        elif isinstance(node, ast.alias):
            found.names.add(node.name)
        elif isinstance(node, ast.Constant):
            _add_constant(found, node.value)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.List | ast.Tuple):
            lists.update((each.id, len(node.value.elts)) for each in node.targets if isinstance(each, ast.Name))
        elif isinstance(node, ast.Call):
            if (file := _opened_file(node)) is not None:
                found.opened[file] += 1
            if _called(node) in ("bytes", "bytearray"):
                made_bytes += node.args[:1]
    for argument in made_bytes:
        if isinstance(argument, ast.List | ast.Tuple):
            found.listed += len(argument.elts)
        elif isinstance(argument, ast.Name):
            found.listed += lists.get(argument.id, 0)
    return found


def _add_constant(found: _Literals, value: object) -> None:
    if isinstance(value, int) and value.bit_length() > 1024:
        found.listed += value.bit_length() // 8
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str):
        found.text.append(value)
        if _PICTURE_FILE.search(value[-8:]):
            found.files[value] += 1
        if 20 * len(_CONTROL_CHARACTER.findall(value)) > len(value):
            found.raw += len(value)


def _opened_file(call: ast.Call) -> str | None:
    """Return the picture file that a call opens for reading, if a literal tells."""
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    mode = call.args[1] if len(call.args) > 1 else named.get("mode")
    if _called(call) not in _READERS or (isinstance(mode, ast.Constant) and set("wax") & set(str(mode.value))):
        return None
    path = call.args[0] if call.args else named.get("fname") or named.get("file") or named.get("fp")
    if isinstance(path, ast.Call) and path.args and _called(path) in ("Path", "join"):
        path = path.args[-1]
    value = path.value if isinstance(path, ast.Constant) else None
    return value if isinstance(value, str) and _PICTURE_FILE.search(value[-8:]) else None


def _called(call: ast.Call) -> str:
    """Return the last part of the name that a call calls, or "" if it has none."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


_RULES: dict[str, Callable[[str, int], str | None]] = {
    "python": _in_python,
    "html": _in_html,
    "svg": _in_svg,
    "latex": _in_latex,
}
"""The rule of each language; a language without one is searched for ``data:`` URLs."""
