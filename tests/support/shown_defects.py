"""Which types of defects show in the render of a language's generated code."""

from __future__ import annotations

import random

from data_recipes.defects import defects_of
from data_recipes.refine import Damage
from data_recipes.sources import find_source, generated_domains
from vincicoder.data import Record
from vincicoder.data.domains import LANGUAGE_OF

TRIES = 3
SOURCES: dict[str, list[str]] = {}
"""The sources that write code of a language, by its name."""
for _name, _domain in generated_domains().items():
    SOURCES.setdefault(LANGUAGE_OF[_domain], []).append(_name)


def drawable(language: str, count: int = 40) -> list[Record]:
    sources = [find_source(name, count=count) for name in SOURCES[language]]
    return [row.found for source in sources for unit in source.units() for row in source.read(unit)]


def shown_and_hidden(language: str, enough: int) -> tuple[list[str], list[str]]:
    """Draw one defect of each type, up to three where it does not show, until ``enough`` types have shown."""
    records = drawable(language)
    shown, hidden, targets = [], [], {}
    damage = Damage(workers=1)
    try:
        for name, defect in defects_of(language).items():
            damaged = ((record, defect(record.code, random.Random(name))) for record in records)
            tries = [(record, bad) for record, bad in damaged if bad not in (None, record.code)][:TRIES]
            for record, bad in tries:
                if record.id not in targets:
                    targets[record.id] = damage.renderers.image_of(record.code, language)
                if damage.judge(record, targets[record.id], bad) is not None:
                    shown.append(name)
                    break
            else:
                hidden.append(name)
            if len(shown) == enough:
                break
    finally:
        damage.close()
    return shown, hidden
