"""Whether the text of the target is there, and in its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from vincicoder.errors import ConfigError
from vincicoder.registry import install_command
from vincicoder.rendering.facts import Facts, Span
from vincicoder.similarity.ink import borne_out
from vincicoder.similarity.matching import best_matches

_Floats = npt.NDArray[np.float64]
_Size = tuple[int, int]

_UNLIKE = 0.2
"""Edit similarity of texts that have nothing to do with each other, which is what counts as 0."""
_REACH = 0.25
"""Distance, as a share of the image, at which a match counts 1 / e."""
_LONGEST = 30
"""Characters from which a text counts no more."""
_LEGIBLE = 0.5
"""How far the target must bear out one span, at least, for there to be text to look for."""
_NUMBER = re.compile(r"[0-9][0-9,]{0,30}(?:\.[0-9]{1,30})?")
_MOST_NUMBERS = 6
"""Numbers of a span that are compared as numbers."""
_OTHER_NUMBER = 0.5
"""The most that a number is worth which is not the right one."""
_FAR_OFF = 0.5
"""Difference of two numbers, as a share of the larger, from which one is worth nothing in the place of the other."""


class Texts(NamedTuple):
    """The text of an image.

    Attributes:
        texts: Each span's text, with single spaces.
        centres: The centre of each as a share of the image's width and height, shape ``[spans, 2]``.
        weights: How much each counts by its length, shape ``[spans]``.
        shown: How far the pixels bear each out, in [0, 1], shape ``[spans]``.
    """

    texts: list[str]
    centres: _Floats
    weights: _Floats
    shown: _Floats


class Text:
    """Compare the text that the renderer knows of with the reference's: a soft F1 of their spans.

    Each span is matched with at most one of the other side, the best matches first. A match is worth the edit
    similarity of the two texts, less what they are apart and what their numbers differ: one digit changes few
    characters, and all that a label says. Longer texts count more, by the square root of their length.
    A span counts only as far as the pixels bear it out: those of the target for the reference's text.

    Raises:
        ConfigError: rapidfuzz is not installed.

    Example:
        >>> from PIL import ImageDraw
        >>> from vincicoder.rendering.facts import Span
        >>> page = Image.new("RGB", (100, 80), "white")
        >>> ImageDraw.Draw(page).text((10, 20), "Sales")
        >>> known = Facts((Span("Sales", (10, 20, 40, 32)),))
        >>> text = Text()  # doctest: +SKIP
        >>> text(page, known, page.size, text.prepare(page, known, page.size))  # doctest: +SKIP
        1.0
    """

    def __init__(self) -> None:
        try:
            from rapidfuzz.distance import Levenshtein
            from rapidfuzz.process import cdist
        except ImportError as error:
            raise ConfigError(f"it needs rapidfuzz; run: {install_command('robust')}") from error
        self._cdist: Any = cdist
        self._similarity: Any = Levenshtein.normalized_similarity

    def applies(self, prepared: Texts | None) -> bool:
        """Apply only where the target shows text that the reference draws."""
        return prepared is not None and bool((prepared.shown >= _LEGIBLE).any())

    def prepare(self, target: Image.Image, reference_facts: Facts | None, reference_size: _Size | None) -> Texts | None:
        """Return the reference's text, as far as the target shows it; None where there is no reference."""
        if reference_facts is None or reference_size is None:
            return None
        return _texts(reference_facts, reference_size, target)

    def __call__(self, render: Image.Image, facts: Facts | None, render_size: _Size, prepared: Texts) -> float:
        """Return the soft F1, in [0, 1]; 0 where the render has no text."""
        return self.soft_f1(prepared, _texts(facts or Facts(), render_size, render))

    def soft_f1(self, known: Texts, found: Texts) -> float:
        """Return the soft F1 of two images' texts, in [0, 1]; 0 where one of them shows none."""
        wanted, given = known.weights * known.shown, found.weights * found.shown
        if not wanted.any() or not given.any():
            return 0.0
        similarities = self._cdist(
            known.texts, found.texts, scorer=self._similarity, score_cutoff=_UNLIKE, dtype=np.float32
        )
        apart = np.linalg.norm(known.centres[:, None] - found.centres, axis=2)
        worth = np.clip((similarities - _UNLIKE) / (1 - _UNLIKE), 0, 1) * np.exp(-((apart / _REACH) ** 2))
        worth *= _by_numbers(known.texts, found.texts) * np.minimum(known.shown[:, None], found.shown)
        rows, columns = best_matches(worth)
        matched = worth[rows, columns]
        recall = float(known.weights[rows] @ matched / wanted.sum())
        precision = float(found.weights[columns] @ matched / given.sum())
        return min(1.0, 2 * recall * precision / (recall + precision)) if recall and precision else 0.0


def _by_numbers(known: Sequence[str], found: Sequence[str]) -> _Floats:
    """Return what the numbers leave of each pair of texts, in [0, 1], shape ``[known, found]``.

    Numbers are compared in their order. They are at least half of what a text says, however many letters it has.
    """
    (wanted, told), (given, said) = _numbers(known), _numbers(found)
    most = max(wanted.shape[1], given.shape[1])
    agreement, counted = np.zeros((len(known), len(found))), np.zeros((len(known), len(found)))
    for place in range(most):
        left, right = _column(wanted, place)[:, None], _column(given, place)
        apart = np.abs(left - right) / np.maximum(np.maximum(left, right), 1e-9)  # NaN where one side has none
        near = np.where(apart == 0, 1, _OTHER_NUMBER * np.clip(1 - apart / _FAR_OFF, 0, 1))
        agreement += np.nan_to_num(near)
        counted += ~(np.isnan(left) & np.isnan(right))
    share = np.maximum(told[:, None], said)
    left_of_it: _Floats = 1 - share * (1 - agreement / np.maximum(counted, 1))
    return left_of_it


def _column(numbers: _Floats, place: int) -> _Floats:
    return numbers[:, place] if place < numbers.shape[1] else np.full(len(numbers), np.nan)


def _numbers(texts: Sequence[str]) -> tuple[_Floats, _Floats]:
    """Return the numbers of each text, NaN where it has no more, and the share of what it says that they are."""
    found = [_NUMBER.findall(text)[:_MOST_NUMBERS] for text in texts]
    numbers = np.full((len(texts), max(map(len, found), default=0)), np.nan)
    share = np.zeros(len(texts))
    for row, (text, written) in enumerate(zip(texts, found, strict=True)):
        if written:
            numbers[row, : len(written)] = [float(each.replace(",", "")) for each in written]
            share[row] = (1 + min(1.0, sum(map(len, written)) / len(text))) / 2
    return numbers, share


def _texts(facts: Facts, size: _Size, image: Image.Image) -> Texts:
    """Return the text of an image, which may be of another size than its facts are for; mere space is left out."""
    across, down = image.width / size[0], image.height / size[1]
    spans = []
    for span in facts.spans:
        left, top, right, bottom = span.box
        if text := " ".join(span.text.split()):
            spans.append(Span(text, (left * across, top * down, right * across, bottom * down), span.colour))
    return texts_of(spans, image.size, borne_out(spans, image))


def texts_of(spans: Sequence[Span], size: _Size, shown: Sequence[float]) -> Texts:
    """Return spans as they are compared.

    Args:
        spans: Text with boxes in pixels.
        size: Width and height of the image in pixels.
        shown: How far the pixels bear each out, in [0, 1].
    """
    boxes = np.array([span.box for span in spans], np.float64).reshape(-1, 4)
    return Texts(
        [span.text for span in spans],
        (boxes[:, :2] + boxes[:, 2:]) / 2 / size,
        np.sqrt(np.minimum([len(span.text) for span in spans], _LONGEST)).astype(np.float64),
        np.array(shown, np.float64),
    )


COMPONENT = Text
