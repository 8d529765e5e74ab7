"""The drawings that the policy shall learn, and the words that it has for them.

A drawing is one shape above one line of text on white: small or large, in one of three colours, one of three shapes,
with one of three labels. A response is five words, one of each slot, and their texts put together are an answer as
models write them, with an SVG document in a fenced block.

The first word may spoil it all. One opens a Python block, which the reward's alignment must notice. Another one gives
up drawing: `expand` puts a mosaic of the image's colours in the place of whatever the other words say, as a policy
would answer that copies what it sees and understands nothing of it.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

PROMPT = "Draw this picture as SVG code."

MOSAIC = "Squares of the same colours:\n\n"
OPENINGS = (
    "```svg\n",
    "```xml\n",
    "Here is the drawing:\n\n```svg\n",
    "<think>One shape.</think>\n\n```svg\n",
    "```python\n",
    MOSAIC,
)
_HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96">\n<g transform="translate(48 36) '
_SHAPES = (
    '<circle r="16"/>',
    '<path d="M0-18 18 15H-18Z"/>',
    '<path d="M-5-20H5V20H-5Z"/>',
)
_TEXT = '\n</g>\n<text x="48" y="88" font-size="22" font-family="DejaVu Sans" text-anchor="middle">'
_TAIL = "</text>\n</svg>\n```"

SLOTS: dict[str, tuple[str, ...]] = {
    "opening": OPENINGS,
    "size": tuple(f'{_HEAD}scale({scale})" ' for scale in (0.8, 1.6)),
    "colour": tuple(f'fill="{colour}">\n' for colour in ("red", "gold", "navy")),
    "shape": tuple(f"{shape}{_TEXT}" for shape in _SHAPES),
    "label": tuple(f"{label}{_TAIL}" for label in ("Sum", "Rain", "Profit")),
}
"""The words by slot; the slots follow each other in this order."""

DRAWN = tuple(SLOTS)[1:]
"""The slots that say what the image shows."""

Scene = tuple[int, ...]
"""Which word of each of these slots: what the image shows, however the answer begins."""

_HELD_OUT = 16


def answer(scene: Scene) -> str:
    """Return a response that draws the scene."""
    return OPENINGS[0] + "".join(SLOTS[name][choice] for name, choice in zip(DRAWN, scene, strict=True))


def scene_of(response: str) -> Scene | None:
    """Return the scene that a response draws; None for a mosaic, for Python, and for what is not made of words.

    Example:
        >>> scene_of(answer((1, 0, 2, 1)))
        (1, 0, 2, 1)
    """
    scene = []
    for name, words in SLOTS.items():
        found = [number for number, word in enumerate(words) if response.startswith(word)]
        if not found or (name == "opening" and words[found[0]] in (MOSAIC, "```python\n")):
            return None
        response = response.removeprefix(words[found[0]])
        scene.append(found[0])
    return tuple(scene[1:])


def expand(response: str, mosaic: str) -> str:
    """Return the response as it is judged: the mosaic if its first word says so, else what its words say.

    Args:
        response: The words of the policy.
        mosaic: SVG code of a mosaic of the image that it was shown.
    """
    return f"{MOSAIC}```svg\n{mosaic}\n```" if response.startswith(MOSAIC) else response


def split() -> tuple[list[Scene], list[Scene]]:
    """Return the scenes to train on and the held-out ones, always the same and disjoint.

    Every word occurs in both lists; it is their combination that is new.
    """
    scenes: list[Scene] = list(itertools.product(*(range(len(SLOTS[name])) for name in DRAWN)))
    random.Random(0).shuffle(scenes)
    return scenes[_HELD_OUT:], scenes[:_HELD_OUT]


def vocabulary(others: Sequence[str]) -> dict[str, int]:
    """Number the words, those of the slots after the others."""
    return {word: number for number, word in enumerate([*others, *itertools.chain(*SLOTS.values())])}
