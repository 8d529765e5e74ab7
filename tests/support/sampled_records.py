"""Records to sample from, whose images differ, and what a recipe made of them."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from recipe_helpers import record_of

from data_recipes.engine.pipeline import run
from data_recipes.engine.shards import rows_of, shards_of
from data_recipes.engine.units import Row, Unit
from vincicoder.data import Record
from vincicoder.data.domains import LANGUAGE_OF
from vincicoder.data.measure import measures


def sample_image(number: int, wide: int = 200) -> Image.Image:
    rng = np.random.default_rng(number)
    image = Image.new("RGB", (wide, wide * 3 // 4), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(8):
        x, y, size = rng.uniform(0, 0.8), rng.uniform(0, 0.6), rng.uniform(0.1, 0.3)
        box = [x * wide, y * wide, (x + size) * wide, (y + size) * wide]
        draw.rectangle(box, fill=tuple(int(c) for c in rng.integers(0, 200, 3)))
    return image


class Made:
    """Records of given domains, with measures of images of their own."""

    def __init__(self, domains, codes=None):
        self.domains, self.codes = domains, codes or {}

    def units(self):
        return [Unit(0, len(self.domains), "made")]

    def read(self, unit):
        for number, domain in enumerate(self.domains):
            language = LANGUAGE_OF[domain]
            code = self.codes.get(number, f"code {number} " + "word " * (number + 50))
            checks = measures(code, language, sample_image(number))
            yield Row(f"r{number}", record_of(number, domain=domain, language=language, code=code, checks=checks))


def made(directory, domains, codes=None):
    run(Made(domains, codes), [], directory, {})
    return directory


def kept(directory):
    return [Record.from_dict(row) for row in rows_of(shards_of(directory))]
