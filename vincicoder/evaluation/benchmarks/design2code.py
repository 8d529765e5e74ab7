"""Design2Code: 484 web pages of the real world, to be reproduced with HTML and CSS."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vincicoder.evaluation.benchmark import Benchmark, Sample, mean_of
from vincicoder.evaluation.sources import image_bytes, pairs, table_rows, text_of

_HUB = "SALT-NLP/Design2Code-hf"

_PROMPT = (
    "You are an expert web developer who specializes in HTML and CSS.\n"
    "A user will provide you with a screenshot of a webpage.\n"
    "You need to return a single html file that uses HTML and CSS to reproduce the given website.\n"
    "Include all CSS code in the HTML file itself.\n"
    'If it involves any images, use "rick.jpg" as the placeholder.\n'
    'Some images on the webpage are replaced with a blue rectangle as the placeholder, use "rick.jpg" for those as '
    "well.\n"
    "Do not hallucinate any dependencies to external files. You do not need to include JavaScript scripts for dynamic "
    "interactions.\n"
    "Pay attention to things like size, text, position, and color of all the elements, as well as the overall layout.\n"
    "Respond with the content of the HTML+CSS file:\n"
)

_CHUNK = 100  # characters
_REPEATED = 5  # alike chunks from which on a page counts as caught in a loop
_ALIKE = 0.8
_BINS = 256  # of letters
_COMPARED = 500  # chunks that are compared at most
_COPIES = 50  # equal elements that stay
_WRITTEN = 5_000_000  # characters of elements that are compared at most
_HTML = re.compile(r"<html[^>]*>", re.IGNORECASE)


def complete(code: str) -> str:
    """Clean a page as the official code does: end it where it repeats itself, and drop equal elements beyond 50.

    Example:
        >>> complete("Hi")
        '<html><body><p>Hi</p></body></html>'
    """
    from bs4 import BeautifulSoup, ParserRejectedMarkup

    page = without_repetition(code)
    if not _HTML.search(page):
        page = f"<html><body><p>{page}</p></body></html>"
    try:
        soup = BeautifulSoup(page, "html.parser")
    except ParserRejectedMarkup:  # a browser may still show it
        return page
    copies: Counter[str] = Counter()
    written = 0
    for element in soup.find_all(True):
        text = str(element)
        copies[text] += 1
        if copies[text] > _COPIES:
            element.decompose()
        written += len(text)
        if written > _WRITTEN:
            break
    return str(soup)


def without_repetition(page: str) -> str:
    """Return a page up to where the first of five alike passages of 100 characters begins, or the whole page.

    Passages are compared without tags, and only the first 500 of a page.
    """
    text = _without_tags(page)
    chunks = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)][:_COMPARED]
    begin = len(text)
    counts = np.array([np.bincount(np.array([*map(ord, each)]) % _BINS, minlength=_BINS) for each in chunks], np.int32)
    seen: list[tuple[int, difflib.SequenceMatcher[str]]] = []
    places: list[list[int]] = []
    for index, chunk in enumerate(chunks):
        known = [number for number, _ in seen]
        # No likeness is above that of the letters without their order.
        most = 2 * np.minimum(counts[known], counts[index]).sum(axis=1) / (counts[known].sum(axis=1) + len(chunk))
        alike = next((each for each in np.flatnonzero(most >= _ALIKE) if _ratio(seen[each][1], chunk) >= _ALIKE), None)
        if alike is None:
            seen.append((index, difflib.SequenceMatcher(None, "", chunk)))
            places.append([index])
            continue
        places[alike].append(index)
        if len(places[alike]) >= _REPEATED and (first := places[alike][0] * _CHUNK) < begin:
            begin = min(begin, _place(page, text, first))
    return page if begin == len(text) else page[:begin]


def _without_tags(page: str) -> str:
    """Return a page without what stands between < and the next > on the same line, in linear time."""
    kept, start, close, line = [], 0, -1, -1
    place = page.find("<")
    while place >= 0:
        if close < place:
            close = page.find(">", place)
        if line < place:
            line = page.find("\n", place)
            line = len(page) if line < 0 else line
        if close < 0:
            break
        if close < line:
            kept.append(page[start:place])
            start = close + 1
        place = page.find("<", max(start, place + 1))
    return "".join([*kept, page[start:]])


def _ratio(matcher: difflib.SequenceMatcher[str], chunk: str) -> float:
    matcher.set_seq1(chunk)
    return matcher.ratio()


def _place(page: str, text: str, wanted: int) -> int:
    """Return where in a page a place in its text is, found character by character as the official code does."""
    if wanted >= len(text):
        return len(page)
    place = -1
    for character in text[: wanted + 1]:
        place = page.index(character, place + 1)
    return place


def read(source: Path | None) -> Iterator[Sample]:
    """Yield the pages of a directory with ``NAME.html`` and ``NAME.png``, or of Parquet files such as the hub's."""
    if source is not None and source.is_dir() and any(source.glob("*.html")):
        for page, image in pairs(source, ".html"):
            yield Sample(page.stem, image, _PROMPT, text_of(page), "html")
        return
    for number, row in enumerate(table_rows(source, _HUB, "train", ("image", "text"))):
        image_file = image_bytes(row["image"], f"row {number} of {_HUB}")
        yield Sample(str(number), image_file, _PROMPT, row["text"], "html")


BENCHMARK = Benchmark(
    name="design2code",
    title="Design2Code",
    language="html",
    hub=_HUB,
    split="train",
    licence="ODC-BY",
    read=read,
    metrics=("execution", "design2code", "design2code_clip"),
    columns={
        "execution": mean_of("execution", title="Render success"),
        "block": mean_of("block", title="Block-Match"),
        "text": mean_of("text", title="Text"),
        "position": mean_of("position", title="Position"),
        "colour": mean_of("colour", title="Color"),
        "low": mean_of("block", "text", "position", "colour", title="Low-level average"),
        "high": mean_of("clip", title="CLIP"),
    },
    protocol=(
        "Pages are rendered 1,280 pixels wide in full height, three times each: as they are, and twice with the text "
        "of each element in a colour of its own. Passages and elements that a page repeats endlessly are cut first. "
        "All samples count; a page that does not render, or that no text is found on, counts as 0."
    ),
    complete=complete,
    complete_reference=str,  # only predictions are cleaned
)
