"""Every language has a dozen and more defects that show, and none of them depends on anything but code and seed."""

from __future__ import annotations

import random

import pytest
from recipe_helpers import record_of
from shown_defects import SOURCES, drawable, shown_and_hidden

from data_recipes.defects import DEFECTS, defects_of
from data_recipes.engine.drops import Drops
from data_recipes.engine.rendering import Renderers
from data_recipes.refine import Damage
from vincicoder.data import BadRow, Reason
from vincicoder.languages import LANGUAGES


def test_every_set_of_defects_is_of_a_language_and_every_generated_language_has_one():
    assert {"html", "latex", "python", "svg"} <= set(SOURCES) <= set(DEFECTS) <= set(LANGUAGES)


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


ODD = {
    "svg": (
        '<svg viewBox="0 0 24">\n<rect x="1" width="50%" height="10px"/>\n<circle cx="1em" cy="4" r="5%"/>\n</svg>',
        '<svg viewBox="0 0 100% 100%"><g><path d="M0 0" fill="#fff"/></g><text x="3">a</text></svg>',
        '<svg viewBox="-.5,1.5 , 2 -0"/>',
    ),
    "html": ("<p style='width: 10.5.2px'>x</p>", "<h1></h1>", "<style>{}{</style>", "body{}"),
    "latex": ("\\begin{axis}[ybar,]", "\\begin{document}\n\n\\end{document}", "& & \\\\", "\\draw[->] (0,0);"),
    "python": ("ax.bar([1, 2, 3], width=0.3.4)\nplt.show()", "[1, 2, 3]\nfigsize=()", "MolFromSmiles('')", "ax.\nplt"),
}


@pytest.mark.parametrize("language", DEFECTS)
def test_no_defect_breaks_down_on_code_that_is_odd_or_cut_off(language):
    rng = random.Random(2)
    generated = [record.code for record in drawable(language, 12)] if language in SOURCES else []
    whole = [LANGUAGES.get(language).sample, *generated]
    cut = [code[rng.randrange(len(code)) :][: rng.randrange(len(code))] for code in whole for _ in range(5)]
    for name, defect in defects_of(language).items():
        for code in (*ODD.get(language, ()), *whole, *cut):
            bad = defect(code, random.Random(name))
            assert bad is None or isinstance(bad, str)
            assert bad == defect(code, random.Random(name))


def test_another_kind_of_chart_is_still_a_document():
    chart_type = defects_of("latex")["chart_type"]
    changed = [(record.code, chart_type(record.code, random.Random(1))) for record in drawable("latex")]
    for code, bad in changed:
        if bad is not None:
            assert bad.endswith("\\end{document}")
            assert code.count(",") == bad.count(",")
    assert any(bad for _, bad in changed)


def test_records_that_cannot_be_damaged_are_counted():
    drops, damage = Drops(), Damage(workers=1)
    broken = record_of(1, target=b"no image")
    try:
        assert damage([broken, record_of(2, language="mermaid"), record_of(3, target="/nowhere.png")], drops) == []
    finally:
        damage.close()
    assert drops.counts == {"broken image": 2, "no defect could be made": 1}


def test_a_language_without_defects_says_so_and_an_alias_is_its_language(monkeypatch):
    assert defects_of("tikz") is defects_of("latex")
    monkeypatch.delitem(DEFECTS.entries(), "svg")
    others = ", ".join(DEFECTS)
    assert "latex, python" in others
    with pytest.raises(BadRow, match=rf"svg has no defects yet, only {others}; add .*/defects/svg\.py") as fault:
        defects_of("svg")
    assert fault.value.reason is Reason.NO_DEFECT


def test_renderers_can_be_copied_to_another_process():
    import pickle

    assert pickle.loads(pickle.dumps(Renderers(3, "embedded"))).workers == 3


def test_a_dozen_types_of_defects_of_svg_show():
    shown, hidden = shown_and_hidden("svg", enough=12)
    assert len(shown) == 12
    assert not hidden
