"""The drawings that the policy shall learn, and the words that it has for them.

A drawing is one shape on white: left or right, up or down, small or large, in one of four colours and one of four
shapes. A response is six words, one of each slot, and their texts put together are an answer as models write them,
with an SVG document in a fenced block; or in a Python block, if the policy chooses so, which the reward's alignment
must notice.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

PROMPT = "Draw this picture as SVG code."

OPENINGS = (
    "```svg\n",
    "```xml\n",
    "Here is the drawing:\n\n```svg\n",
    "Sure.\n\n```svg\n",
    "<think>One shape.</think>\n\n```svg\n",
    "```python\n",
)
_HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96">\n<g transform="translate('
_TAIL = "\n</g>\n</svg>\n```"
_SHAPES = (
    '<circle r="16"/>',
    '<path d="M0-18 18 15H-18Z"/>',
    '<path d="M-20-5H20V5H-20Z"/>',
    '<path d="M-5-20H5V20H-5Z"/>',
)

SLOTS: tuple[tuple[str, ...], ...] = (
    OPENINGS,
    tuple(f"{_HEAD}{x} " for x in (27, 69)),
    tuple(f"{y}) " for y in (28, 68)),
    tuple(f'scale({scale})" ' for scale in (0.65, 1.3)),
    tuple(f'fill="{colour}">\n' for colour in ("red", "gold", "navy", "limegreen")),
    tuple(f"{shape}{_TAIL}" for shape in _SHAPES),
)
"""The words, slot by slot; the slots follow each other in this order."""

Scene = tuple[int, ...]
"""Which word of each slot but the first: what the image shows, however the answer begins."""


def answer(scene: Scene) -> str:
    """Return a response that draws the scene."""
    return OPENINGS[0] + "".join(words[choice] for words, choice in zip(SLOTS[1:], scene, strict=True))


def split(quick: bool = False) -> tuple[list[Scene], list[Scene]]:
    """Return the scenes to train on and the held-out ones, always the same and disjoint.

    Every word occurs in both lists; it is their combination that is new.

    Args:
        quick: Whether half of the held-out scenes are enough.
    """
    scenes: list[Scene] = list(itertools.product(*(range(len(words)) for words in SLOTS[1:])))
    random.Random(0).shuffle(scenes)
    held_out = scenes[: len(scenes) // 4]
    return scenes[len(scenes) // 4 :], held_out[:16] if quick else held_out


def vocabulary(others: Sequence[str]) -> dict[str, int]:
    """Number the words, those of the slots after the others."""
    return {word: number for number, word in enumerate([*others, *itertools.chain(*SLOTS)])}
