"""Whether the text that can be read in the target can be read in the render, without knowing any code."""

from __future__ import annotations

import functools
import os
from importlib.util import find_spec
from typing import Any

import numpy as np
from PIL import Image

from vincicoder.errors import ConfigError
from vincicoder.registry import install_command
from vincicoder.rendering.facts import Span
from vincicoder.reward.components.text import Text, Texts, texts_of

_PACKAGES = ("rapidocr", "onnxruntime")

_SETTINGS = {
    "Global.use_cls": False,  # text that stands on its head is rare, and to look for it takes a third network
    "Global.log_level": "critical",
    "Det.limit_type": "max",  # by default the shorter side is made long enough, which blows up a narrow strip
    "Det.limit_side_len": 1280,
    "Det.max_candidates": 300,  # so that a page full of specks is read in bounded time
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,  # there is a worker for each core
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}
_LEAST_SIDE = 12
"""Pixels below which no image has text that can be read."""
_WORD = 2
"""Letters or digits that make a word or a number, at least."""


class Ocr:
    """Read the text of target and render from their pixels with RapidOCR, and compare it as `text` does.

    It is for targets without reference code. Both images are read at the target's size, so that what is misread is
    misread in both. It applies where there is something to read in the target.

    Raises:
        ConfigError: rapidocr, onnxruntime or rapidfuzz is not installed.

    Example:
        >>> from PIL import ImageDraw, ImageFont
        >>> page = Image.new("RGB", (300, 80), "white")
        >>> ImageDraw.Draw(page).text((20, 20), "Sales", "black", ImageFont.load_default(32))
        >>> ocr = Ocr()  # doctest: +SKIP
        >>> ocr(page, ocr.prepare(page))  # doctest: +SKIP
        1.0
    """

    def __init__(self) -> None:
        missing = [each for each in _PACKAGES if find_spec(each) is None]
        if missing:
            raise ConfigError(f"it needs {' and '.join(missing)}; run: {install_command('ocr')}")
        self._compare = Text().soft_f1

    def prepare(self, target: Image.Image) -> Texts:
        """Return the text that can be read in the target."""
        return self._read(target)

    def applies(self, prepared: Texts) -> bool:
        """Apply only where a word or a number can be read in the target; a circle is often read as one letter."""
        return any(sum(map(str.isalnum, text)) >= _WORD for text in prepared.texts)

    def __call__(self, render: Image.Image, prepared: Texts) -> float:
        """Return the soft F1, in [0, 1]; 0 where nothing can be read in the render."""
        return self._compare(prepared, self._read(render))

    def _read(self, image: Image.Image) -> Texts:
        if min(image.size) < _LEAST_SIDE:
            return texts_of([], image.size, [])
        bgr = np.ascontiguousarray(np.asarray(image.convert("RGB"))[:, :, ::-1])
        found = self._engine(bgr)
        spans = []
        for text, corners in zip(found.txts or (), () if found.boxes is None else found.boxes, strict=True):
            if any(character.isalnum() for character in text):  # marks and arrows are read as punctuation
                (left, top), (right, bottom) = np.min(corners, axis=0), np.max(corners, axis=0)
                spans.append(Span(" ".join(text.split()), (float(left), float(top), float(right), float(bottom))))
        return texts_of(spans, image.size, [1.0] * len(spans))

    @functools.cached_property
    def _engine(self) -> Any:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        import cv2
        from rapidocr import RapidOCR

        cv2.setNumThreads(1)
        return RapidOCR(params=_SETTINGS)


COMPONENT = Ocr
