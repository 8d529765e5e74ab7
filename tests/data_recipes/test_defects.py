"""Every language has a dozen and more defects that show, and none of them depends on anything but code and seed."""

from __future__ import annotations

import random

import pytest

from data_recipes.defects import defects_of
from data_recipes.drawing import Studio
from data_recipes.refine import Damage
from data_recipes.sources import GENERATED, find_source
from vincicoder.data import Record
from vincicoder.data.record import LANGUAGE_OF

TRIES = 3
SOURCES = {"python": ("charts", "molecules"), "html": ("pages",), "svg": ("icons",), "latex": ("figures",)}


def drawable(language: str, count: int = 40) -> list[Record]:
    sources = [find_source(name, count=count) for name in SOURCES[language]]
    return [row.found for source in sources for piece in source.pieces() for row in source.read(piece)]


def test_every_generated_source_is_used_here():
    assert {LANGUAGE_OF[GENERATED[name]] for names in SOURCES.values() for name in names} == set(SOURCES)


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
                    targets[record.id] = damage.studio.draw(record.code, language)
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


@pytest.mark.parametrize("language", SOURCES)
def test_a_dozen_types_of_defects_show(language):
    shown, hidden = shown_and_hidden(language, enough=12)
    assert len(shown) == 12
    assert not hidden


@pytest.mark.slow
@pytest.mark.parametrize("language", SOURCES)
def test_every_type_of_defect_shows(language):
    assert not shown_and_hidden(language, enough=100)[1]


@pytest.mark.parametrize("language", SOURCES)
def test_defects_are_a_function_of_code_and_seed_and_change_the_code(language):
    for name, defect in defects_of(language).items():
        applied = 0
        for code in [record.code for record in drawable(language, 20)]:
            bad = defect(code, random.Random(1))
            assert bad == defect(code, random.Random(1))
            applied += bad not in (None, code)
        assert applied, f"{name} applies to nothing"
        assert defect("x", random.Random(1)) in (None, "x"), name


def test_a_studio_can_be_copied_to_another_process():
    import pickle

    assert pickle.loads(pickle.dumps(Studio(3, "embedded"))).workers == 3
