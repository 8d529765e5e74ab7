"""What is fuzzed: each target takes any bytes, and raises only where something that must hold does not."""

from __future__ import annotations

import base64
import dataclasses
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from defusedxml.ElementTree import fromstring
from PIL import Image

from vincicoder.alignment import align, asked_language, fences, language_of_response
from vincicoder.cli.requests_file import RequestsFile
from vincicoder.data.errors import BadRow, DataError
from vincicoder.data.files import DataFile, cut
from vincicoder.data.image_checks import check_image
from vincicoder.data.layouts import LAYOUTS
from vincicoder.data.reading import read_rows
from vincicoder.errors import ConfigError, TargetError
from vincicoder.guards import PAYLOAD_CAP, decoded_raster, smuggled_raster
from vincicoder.images import compressed, is_inline, open_target, target_key
from vincicoder.languages import LANGUAGES
from vincicoder.rendering import Render, page_images, pdf_images
from vincicoder.rendering.config import Limits
from vincicoder.rendering.facts import Facts, FactsError
from vincicoder.rendering.latex import LatexRenderer
from vincicoder.rendering.renderer import RenderError
from vincicoder.rendering.sandbox import wire
from vincicoder.rendering.sandbox.result import Asked, job_result
from vincicoder.rendering.svg import _HREF, SvgRenderer
from vincicoder.reward import RewardRequest, codec
from vincicoder.status import Status

from . import service
from .watch import scratch, watched


@dataclass(frozen=True)
class Target:
    """One of the things that are fuzzed.

    Attributes:
        call: What is called with each input.
        words: What its inputs are made of.
        files: Whether an input may name a file that is read.
        longest: Longest input in bytes.
        prepare: Loads what opens files of its own when it is loaded.
    """

    call: Callable[[bytes], None]
    words: tuple[bytes, ...]
    files: bool
    longest: int
    prepare: Callable[[], object]

    def run(self, data: bytes) -> None:
        """Try one input."""
        self.prepare()
        with watched(self.files):
            self.call(data)


TARGETS: dict[str, Target] = {}


def _target(
    words: str, files: bool = False, longest: int = 8192, prepare: Callable[[], object] = dict
) -> Callable[[Callable[[bytes], None]], Any]:
    def add(call: Callable[[bytes], None]) -> Callable[[bytes], None]:
        split = tuple(_data(word) for word in words.split("|") if word)
        TARGETS[call.__name__] = Target(call, split, files, longest, prepare)
        return call

    return add


def _text(data: bytes) -> str:
    """Return bytes as text of any kind, halves of surrogate pairs included."""
    return data.decode("utf-8", "surrogateescape")


def _data(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _choice(data: bytes, names: Any) -> tuple[str, bytes]:
    """Return what the first byte chooses, and the rest."""
    names = list(names)
    return names[data[0] % len(names) if data else 0], data[1:]


@_target(
    "```|````|~~~|python|svg|html|xml|latex|tikz|\n|\r\n|<think>|</think>|<answer>|</answer>|<svg|</svg>|<!DOCTYPE html>"
    "|</html>|\\documentclass|\\end{document}|`|markdown|Write|Use|code|not|用|代码|<image>"
)
def responses(data: bytes) -> None:
    """A response is read without an error; its code is found again, and so is a block behind all that is closed."""
    name, rest = _choice(data, LANGUAGES)
    text = _text(rest)
    asked_language(text)
    language_of_response(text)
    for require_fence in (True, False):
        found = align(text, name, require_fence=require_fence)
        assert (found.status is Status.OK) == (found.code is not None) == (not found.message)
        if found.code is not None:
            fence = "`" * (3 + max(map(len, re.findall("`+", found.code)), default=0))
            again = align(f"{fence}{name}\n{found.code}\n{fence}", name)
            assert again.code == found.code, (found.code, again)
    page = fences.read(text, thinking=True)
    closed = not page.unclosed and all(block.inline_end is None for block in page.closed)
    if closed and not page.unfinished_thinking:
        assert align(f"{text}\n```{name}\nKNOWN\n```", name).code == "KNOWN"


@_target(
    '{"|response|target|prompt|language|reference|kind|domain|group|expected_status|id|null|true|1e999|\\ud800|[[[[|NaN|\n'
    "|```svg|/dev/zero|data:image/png;base64,|svg",
    files=True,
)
def requests(data: bytes) -> None:
    """A requests file is refused as a whole, or every line becomes a request or says what is wrong with it."""
    path = scratch() / "requests.jsonl"
    path.write_bytes(data)
    try:
        file = RequestsFile(path, language="svg")
    except ConfigError:
        return
    rows = list(file)
    assert [row.number for row in rows] == sorted({row.number for row in rows})
    assert len(rows) <= len(file)
    assert [row.key for row in file] == [row.key for row in rows]
    for row in rows:
        assert row.problem or row.request.language in LANGUAGES or row.language_from == "nowhere"
        json.dumps(row.labels).encode()


@_target(
    '{"|images|problem|answer|messages|solution|record|prompt|role|content|user|assistant|bytes|path|target|text|image|'
    "objects|id|code|language|extra_info|reward_model|ground_truth|<image>|```svg|/dev/zero|iVBORw0KGgo=|[|]|null|\n",
    files=True,
)
def rows(data: bytes) -> None:
    """Every row of a data set is read or left out for a reason; what is read has an image and an answer."""
    layout, rest = _choice(data, LAYOUTS)
    path = scratch() / "rows.jsonl"
    path.write_bytes(rest)
    try:
        parts = cut([DataFile(path, "others", "generate")], LAYOUTS.get(layout).columns, {})
    except DataError:
        return
    rejects = str(scratch() / "rejects.tsv")
    for row in read_rows([parts], layout, ("default",), {}, True, False, rejects):
        assert row["solution"].strip() and row["messages"][-1]["role"] == "assistant"
        json.dumps(row["messages"], ensure_ascii=False).encode()
        check_image(row["images"][0]["bytes"] or row["images"][0]["path"])


@_target(
    "\udc89PNG\r\n\x1a\n|IHDR|IDAT|IEND|acTL|tRNS|eXIf|GIF89a|JFIF|Exif|RIFF|WEBP|VP8L|BM|II*\0|MM\0*|P6|ftypavif|"
    "data:image/png;base64,|file://|%!PS-Adobe-3.0 EPSF|/dev/zero|/proc/kmsg",
    files=True,
)
def targets(data: bytes) -> None:
    """A target is opened within the limit or refused, and is the same in whatever form it is handed over."""
    try:
        check_image(data)
    except BadRow:
        pass
    for form in (data, _text(data)):
        try:
            image = open_target(form, max_pixels=1_000_000)
        except TargetError:
            continue
        assert image.mode == "RGB" and image.width * image.height <= 1_000_000
        assert open_target(compressed(image)).tobytes() == image.tobytes()
        if form is data:
            text = base64.b64encode(data).decode()
            assert is_inline(text) and open_target(text).tobytes() == image.tobytes()
            assert target_key(text) == target_key(data)
    is_inline(_text(data))


_MOST = 4096


@_target(
    '{"|status|ok|message|width|height|redirect|facts|embedded_bytes|prefixes|8 0 0 1 1|language|code|scale|html|infrastructure|spans|text|'
    "box|colour|marks|points|filled|null|NaN|1e999|-1|\\ud800|[[[[|\0\0\0\x10"
)
def messages(data: bytes) -> None:
    """What a child says is no message or gives a result that is whole, however its bytes arrive."""
    cuts = [1 + byte % 64 for byte in data[:4]]
    said = _said(data[4:], [1 + len(data)])
    assert repr(said) == repr(_said(data[4:], cuts or [1]))
    try:
        bare = json.loads(data)
    except (ValueError, RecursionError):
        bare = None
    known = [*(said or []), *([bare] if isinstance(bare, dict) else [])]
    for answer in known:
        image = scratch() / "1.rgb"
        image.write_bytes(bytes(12))
        verdict = {"seconds": 0.1, "cpu_seconds": 0.1, "directory": str(scratch()), "disk_full": False}
        asked = Asked(image.name, prefixes=data[0] % 3, length=8)
        result = job_result(answer, verdict, Limits(), bool(data[0] & 1), asked)
        assert (result.status is Status.OK) == (result.pixels is not None or result.redirect is not None)
        assert result.pixels is None or (result.size is not None and len(result.pixels) == 3 * np.prod(result.size))
        assert result.embedded_bytes >= 0
        assert len(result.prefixes) <= asked.prefixes
        assert all(0 <= part.end <= 8 and len(part.pixels) <= len(result.pixels or b"") for part in result.prefixes)
        f"{result.message}{result.note}".encode()
        sent = wire.pack(answer)
        assert len(sent) > _MOST or repr(_said(sent, [7])) == repr([answer])  # as NaN is not itself
    try:
        facts = Facts.from_json(_text(data))
    except FactsError:
        return
    assert Facts.from_json(facts.to_json()) == facts


def _said(data: bytes, cuts: list[int]) -> list[dict[str, Any]] | None:
    """Return the messages in a stream that arrives in pieces of these lengths, or None if it is none of messages."""
    inbox, found, position = wire.Inbox(_MOST), [], 0
    try:
        for length in itertools.cycle(cuts):
            if position >= len(data):
                break
            found += inbox.feed(data[position : position + length])
            position += length
    except wire.WireError:
        return None
    return found


@_target(
    '{"|attached|status|ok|facts|message|seconds|cpu_seconds|note|embedded_bytes|metadata|uid|language|target|null|[[[[|'
    "\0\0\0\x10|RIFF|WEBP"
)
def packed(data: bytes) -> None:
    """What another process packed comes back as it was; other bytes are refused."""
    try:
        header, attached = codec.unpack(data)
        assert repr(codec.unpack(codec.pack(header, attached))) == repr((header, attached))
    except ValueError:
        pass
    try:
        render = Render.from_bytes(data)
        assert (render.status is Status.OK) == (render.image is not None)
    except ValueError:
        pass
    try:
        metadata = json.loads(data)
    except (ValueError, RecursionError):
        return
    text = _text(data)
    request = RewardRequest(text, data, text, "svg", text, text, {"uid": "a", "all": metadata})
    attachments = codec.Attachments()
    message = codec.pack({"request": codec.request_to_header(request, attachments)}, attachments.contents)
    header, attached = codec.unpack(message)
    again = codec.request_from_header(header["request"], attached)
    assert repr(again.metadata) == repr(request.metadata)
    assert dataclasses.replace(again, metadata={}) == dataclasses.replace(request, metadata={})


@_target(
    'POST|GET|/v1/score|/v1/render|/v1/options|/metrics|/healthz|Host|Origin|application/json|Content-Length|{"|requests|'
    "response|target|language|prompt|id|reference|metadata|code|svg| \n|[[[[|null|iVBORw0KGgo=",
    prepare=service.application_and_loop,
)
def bodies(data: bytes) -> None:
    """Every call over HTTP is answered, and none by an error of the server."""
    service.check(data)


@_target(
    '<svg|xmlns="http://www.w3.org/2000/svg"|xlink:href|href="data:image/png;base64,|url(|file:///etc/passwd|<style>|@import'
    "|<use|<image|<!ENTITY|<!DOCTYPE|viewBox|width|height|%|opacity:|1e999|&#x64;|<text>|</svg>|</style>|/>|"
)
def svg(data: bytes) -> None:
    """SVG is cleaned or refused, is clean then, and its size is a number; whatever it names, no file is opened."""
    code = _text(data)
    page_images.images_in_svg(data)
    try:
        cleaned, width, height = SvgRenderer()._clean(code)
    except RenderError as error:
        assert error.status in (Status.SYNTAX_ERROR, Status.FORBIDDEN, Status.TOO_LARGE)
        return
    assert 0 < width < math.inf and 0 < height < math.inf
    names = [value for element in fromstring(cleaned).iter() for name, value in element.items() if name in _HREF]
    assert all(value.lstrip().startswith(("#", "data:")) for value in names)
    assert SvgRenderer()._clean(cleaned.decode())[1:] == (width, height)


@_target(
    "\\documentclass{article}|\\documentclass|\\begin{document}|\\end{document}|\\usepackage{|[|]|}|\\usetikzlibrary{|"
    "\\DeclareMathOperator|\\includegraphics{|example-image|\\begin{tikzpicture}|%|\\csname|中|\\pdfliteral|fontspec|\n"
)
def latex(data: bytes) -> None:
    """A document is put together without an error, and no character of a snippet is lost or doubled."""
    code = _text(data)
    document, engine, _ = LatexRenderer()._document(code)
    assert engine in ("pdflatex", "xelatex")
    smuggled_raster(code, "latex")
    if "\\documentclass" not in code:
        empty, *_ = LatexRenderer()._document("中" if engine == "xelatex" else "")
        if "\\begin{document}" not in code:
            lost = Counter(code) - Counter(document)
            assert not lost, lost
        assert len(document) <= len(empty) + 2 * len(code) + 100


@_target("obj|endobj|stream\n|endstream|<<|>>|/Subtype|/Image|/Form|/W|/Width|BI|ID|EI|#49mage|/Length|x\udc9c|\r\n")
def pdf(data: bytes) -> None:
    """The images of a PDF are counted, and are never more than it could hold."""
    assert 0 <= pdf_images._stored(data) <= 2000 * len(data)


@_target(
    "data:|data:image/png;base64,|,|;|'|\"|`|<|>|&#x64;|&colon;|url(|<script>|</script>|atob|Uint8Array|file:|<img src=|"
    "b64decode|open(|bytes([|\\x89|r'''|+|join|%20|\\csname|\\includegraphics|\\pdfliteral|\\special|{|}|import base64"
)
def guards(data: bytes) -> None:
    """A guard judges any text, and nothing around an encoded image in a page hides it."""
    text = _text(data)
    for name in LANGUAGES:
        smuggled_raster(text, name)
    decoded_raster(text, Render(Status.OK, Image.new("RGB", (1, 1)), embedded_bytes=9000))
    page_images.script_data(text)
    middle = len(text) // 2
    page = f'{text[:middle]}<img src="data:image/png;base64,{_IMAGE}">{text[middle:]}'
    assert smuggled_raster(page, "html"), "the image is not found"


_IMAGE = base64.b64encode(np.random.default_rng(0).bytes(2 * PAYLOAD_CAP)).decode()
