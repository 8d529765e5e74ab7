"""Where the text of a page stands, found without reading its image: each piece gets a colour of its own.

A page is rendered twice more, with the text of every element in a colour of its own and with these colours shifted.
The pixels that shift are text, and their colour tells whose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageColor

from vincicoder.evaluation.metrics import BadReference
from vincicoder.rendering import Render

Array = np.ndarray[Any, Any]

TAGS = (
    *("p", "h1", "h2", "h3", "h4", "h5", "h6", "div", "span", "a", "b", "li", "table", "td", "th", "button"),
    *("footer", "header", "figcaption"),
)
"""Elements whose text gets a colour."""

_LEVELS = range(10, 251, 16)
_SHIFT = 50
_NEAR, _SAME = 8, 4  # how far a channel may be off, of a shifted colour and of an own one
_IMPORTANT = " !important"


@dataclass
class Block:
    """A piece of text on a page.

    Attributes:
        text: The text, in lower case.
        box: Left, top, width and height, as shares of the page's.
        colour: Mean colour of its pixels, 0 to 255.
    """

    text: str
    box: tuple[float, float, float, float]
    colour: tuple[float, ...]

    @property
    def area(self) -> float:
        """Its share of the page."""
        return self.box[2] * self.box[3]

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of its box."""
        return self.box[0] + self.box[2] / 2, self.box[1] + self.box[3] / 2


def image_of_reference(page: str, run: Callable[[str, str], Render]) -> Image.Image:
    """Return the render of a reference's page.

    Raises:
        BadReference: It has none.
    """
    render = run(page, "html")
    if render.image is None:
        raise BadReference(f"the reference does not render ({render.status.value}): {render.message}")
    return render.image


def blocks_of(page: str, image: Image.Image, run: Callable[[str, str], Render]) -> list[Block]:
    """Return the blocks of a page in the order of the document; none where they cannot be told apart.

    Args:
        page: The page.
        image: Its render.
        run: Renders code.
    """
    from bs4 import ParserRejectedMarkup

    try:
        coloured, shifted = recoloured(page, 0), recoloured(page, _SHIFT)
        pieces = list(_pieces(coloured))
    except (IndexError, ValueError, TypeError, RecursionError, ParserRejectedMarkup):  # the official code gives up too
        return []
    first, second = run(coloured, "html").image, run(shifted, "html").image
    if first is None or second is None or first.size != second.size:
        return []
    return _located(pieces, np.asarray(first), np.asarray(second), np.asarray(image))


def merged(blocks: list[Block]) -> list[Block]:
    """Return the blocks with those of equal boxes joined, such as the parts of a text around a link."""
    by_box: dict[tuple[float, ...], Block] = {}
    for block in blocks:
        known = by_box.get(block.box)
        if known is None:
            by_box[block.box] = Block(block.text, block.box, block.colour)
        else:
            colour = tuple((a + b) / 2 for a, b in zip(known.colour, block.colour, strict=True))
            by_box[block.box] = Block(f"{known.text} {block.text}", block.box, colour)
    return list(by_box.values())


def recoloured(page: str, shift: int) -> str:
    """Return a page whose elements have no background and whose text has a colour of its own.

    Raises:
        IndexError: It has more elements with text than there are colours.
    """
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(page, "html.parser")
    for element in soup.find_all(True):
        _restyle(element, "background-color", "rgba(255, 255, 255, 0.0)")
    colours = [
        "#" + "".join(f"{(level + shift) % 256:02X}" for level in (red, green, blue))
        for red in _LEVELS
        for green in _LEVELS
        for blue in _LEVELS
    ]
    for element in soup.find_all(list(TAGS)):
        _restyle(element, "color", colours.pop())
        _restyle(element, "opacity", "1.0")
    return str(soup)


def _restyle(element: Any, name: str, value: str) -> None:
    styles = element.attrs.get("style", "").split(";")
    kept = [each for each in styles if not each.strip().startswith(name) and each.strip()]
    element["style"] = "; ".join([*kept, f"{name}: {value}{_IMPORTANT}"]).strip()


def _pieces(page: str) -> Iterator[tuple[str, str]]:
    """Yield the texts of a recoloured page with the colours that their elements say they have."""
    from bs4 import BeautifulSoup

    body = BeautifulSoup(page, "html.parser").body
    if body is not None:
        yield from _inner_pieces(body, "#000000")


def _inner_pieces(element: Any, inherited: str) -> Iterator[tuple[str, str]]:
    from bs4.element import Comment, NavigableString, Tag

    colour = _colour_of(element) or inherited
    for child in element.children:
        if isinstance(child, Tag):
            yield from _inner_pieces(child, colour)
        elif isinstance(child, NavigableString) and not isinstance(child, Comment) and (text := child.strip()):
            yield text, colour


def _colour_of(element: Any) -> str | None:
    styles = element.attrs.get("style", "").split(";")
    named = [each for each in styles if "color" in each and "background-color" not in each]
    if not named:
        return None
    colour = named[-1].split(":")[1].strip().replace(_IMPORTANT, "")
    if colour[0] == "#":
        return str(colour)
    try:
        values = tuple(map(int, colour[4:-1].split(","))) if colour.startswith("rgb") else ImageColor.getrgb(colour)
    except ValueError:
        return None
    return "#{:02x}{:02x}{:02x}".format(*values)


def _located(pieces: list[tuple[str, str]], first: Array, second: Array, image: Array) -> list[Block]:
    """Return the pieces that pixels show, with where they are."""
    moved = np.abs((first.astype(np.int16) + _SHIFT) % 256 - second) <= _NEAR
    rows, columns = np.nonzero(moved.all(axis=2))
    colours = first[rows, columns].astype(np.int16)
    height, width = first.shape[:2]
    blocks = []
    for text, colour in pieces:
        try:
            wanted = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)], np.uint8)
        except (ValueError, OverflowError):  # such as rgb(-1, 0, 0)
            continue
        # the limits wrap around, as they do there
        low, high = (wanted - np.uint8(_SAME)).astype(np.int16), (wanted + np.uint8(_SAME)).astype(np.int16)
        own = ((colours >= low) & (colours <= high)).all(axis=1)
        if not own.any():
            continue
        y, x = rows[own], columns[own]
        if y.max() >= image.shape[0] or x.max() >= image.shape[1]:
            return []
        box = x.min() / width, y.min() / height, (np.ptp(x) + 1) / width, (np.ptp(y) + 1) / height
        mean = image[y, x].mean(axis=0).astype(int)
        blocks.append(Block(text.lower(), tuple(map(float, box)), tuple(map(int, mean))))  # type: ignore[arg-type]
    return blocks
