"""Defects show in the renders of every language but SVG, which the fast tier looks at."""

from __future__ import annotations

import pytest
from shown_defects import SOURCES, shown_and_hidden


@pytest.mark.parametrize("language", sorted({*SOURCES} - {"svg"}))
def test_a_dozen_types_of_defects_show(language):
    shown, hidden = shown_and_hidden(language, enough=12)
    assert len(shown) == 12
    assert not hidden


@pytest.mark.slow
@pytest.mark.parametrize("language", SOURCES)
def test_every_type_of_defect_shows(language):
    assert not shown_and_hidden(language, enough=100)[1]
