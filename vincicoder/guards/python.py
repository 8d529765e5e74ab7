"""Python: literals that hold an encoded image, and image files that the code did not make."""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections import Counter
from dataclasses import dataclass, field

from vincicoder.guards import data_urls
from vincicoder.guards.data_urls import MARKUP_RUN, decoded_size, too_much

_LITERAL_RUN = re.compile(r"[A-Za-z0-9+/_-]{24,}")
"""Base64 of either alphabet or hex in the strings of a program, where shorter runs are words."""

_DECODER = re.compile(
    r"\w*b(?:16|32|64)decode|decodebytes|a2b_(?:base64|hex)|unhexlify|fromhex|decompress\w*|from(?:buffer|bytes|string)"
    r"|BytesIO|to_bytes|codecs|putdata|getattr|exec|eval|__import__"
)
"""Names that turn text into bytes, or that can stand for one that does."""

_DENSE_DECODER = re.compile(r"[abz]85decode|a2b_uu")
"""Decoders of alphabets that take in nearly all characters."""

_DENSE_RUN = re.compile(r"\S{24,}")
_READERS = frozenset(("open", "imread", "imread_collection", "load_img", "fromfile"))
_IMAGE_FILE = re.compile(r"\.(?:png|jpe?g|gif|webp|bmp|tiff?|ppm)$", re.IGNORECASE)
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
        files: How often each image file is named.
        opened: How often it is named to be opened for reading.
    """

    names: set[str] = field(default_factory=set)
    text: list[str] = field(default_factory=list)
    raw: int = 0
    listed: int = 0
    files: Counter[str] = field(default_factory=Counter)
    opened: Counter[str] = field(default_factory=Counter)


def smuggled(code: str, max_bytes: int) -> str | None:
    """Return what is smuggled in the code, beyond ``max_bytes`` of encoded images, or None."""
    tree: ast.AST | None = None
    if len(code) > _LONGEST_PARSED:
        found = _Literals(names=set(re.findall(r"[A-Za-z_]\w*", code)), text=[code])
        found.raw = len(re.findall(r"\\x[0-9A-Fa-f]{2}", code))
    else:
        tree = _parsed(code)
        if tree is None:
            return None
        found = _literals_of(tree)
    for file, times in found.opened.items():
        if found.files[file] == times:
            return f"the code opens the image file {file[:80]!r}, which it does not make"
    text = "\n".join(found.text)
    encoded = 0
    if any(map(_DENSE_DECODER.fullmatch, found.names)):
        encoded = sum(map(len, _DENSE_RUN.findall(text))) * 4 // 5
    elif any(map(_DECODER.fullmatch, found.names)):
        # Where the literals cannot be told from the names around them, long names must not count.
        encoded = decoded_size(text, _LITERAL_RUN if tree else MARKUP_RUN)
    embedded = max(encoded, found.raw, found.listed)
    return too_much("the code embeds", embedded, max_bytes) or data_urls.smuggled(code, max_bytes)


def literals(code: str) -> str:
    """Return the literals of Python code: all that it can bring along. Text that does not parse is returned whole."""
    tree = _parsed(code) if len(code) <= _LONGEST_PARSED else None
    if tree is None:
        return code
    return " ".join(map(_text_of, (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))))


def _text_of(value: object) -> str:
    return f"{value:x}" if isinstance(value, int) else str(value)  # decimals of enormous integers are refused


def _parsed(code: str) -> ast.AST | None:
    try:
        with _PARSING, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError, SystemError):
        return None


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
            elif _called(node) == "array" and node.args and _is_byte_code(node.args[0]):
                made_bytes += node.args[1:2]
    for argument in made_bytes:
        if isinstance(argument, ast.List | ast.Tuple):
            found.listed += len(argument.elts)
        elif isinstance(argument, ast.Name):
            found.listed += lists.get(argument.id, 0)
    return found


def _is_byte_code(argument: ast.expr) -> bool:
    """Whether an argument says to ``array.array`` that its items are bytes."""
    return isinstance(argument, ast.Constant) and argument.value in ("b", "B")


def _add_constant(found: _Literals, value: object) -> None:
    if isinstance(value, int) and value.bit_length() > 1024:
        found.listed += value.bit_length() // 8
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str):
        found.text.append(value)
        if _IMAGE_FILE.search(value[-8:]):
            found.files[value] += 1
        if 20 * len(_CONTROL_CHARACTER.findall(value)) > len(value):
            found.raw += len(value)


def _opened_file(call: ast.Call) -> str | None:
    """Return the image file that a call opens for reading, if a literal tells."""
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    mode = call.args[1] if len(call.args) > 1 else named.get("mode")
    if _called(call) not in _READERS or (isinstance(mode, ast.Constant) and set("wax") & set(str(mode.value))):
        return None
    path = call.args[0] if call.args else named.get("fname") or named.get("file") or named.get("fp")
    if isinstance(path, ast.Call) and path.args and _called(path) in ("Path", "join"):
        path = path.args[-1]
    value = path.value if isinstance(path, ast.Constant) else None
    return value if isinstance(value, str) and _IMAGE_FILE.search(value[-8:]) else None


def _called(call: ast.Call) -> str:
    """Return the last part of the name that a call calls, or "" if it has none."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
