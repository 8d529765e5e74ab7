"""What a linter or parser can tell is told before anything is rendered, and bad rows of every kind are counted."""

from __future__ import annotations

import dataclasses
import io

import pytest
from PIL import Image
from recipe_helpers import png_of, record_of, svg_of

from data_recipes.engine.cleaning import Length, Lint, lint, lint_python
from data_recipes.engine.drops import Drops
from data_recipes.engine.pipeline import run
from data_recipes.engine.rendering import Verify
from data_recipes.engine.shards import rows_of, shards_of
from data_recipes.linters import LINTERS
from data_recipes.sources import find_source, generated_domains
from vincicoder.data import Record
from vincicoder.data.domains import LANGUAGE_OF
from vincicoder.languages import LANGUAGES

SOUND = {
    "svg": svg_of(3),
    "html": "<p>One<br><img src='a.png'><p>Two</p><ul><li>a<li>b</ul>",
    "latex": "\\documentclass{article} % {\n\\begin{document}\n\\verb|{| \\{ x \\\\\n\\end{document}",
}
BROKEN = {
    "svg": ("<svg><rect></svg>", '<html xmlns="x"/>', "", "<svg>&unknown;</svg>"),
    "html": ("", "just words", "<div><p>cut off</p>", "<p>odd</p><![nonsense]>"),
    "latex": ("\\begin{a}\\begin{b}\\end{a}\\end{b}", "\\begin{document}", "\\end{document}", "\\frac{1}{2"),
}


@pytest.mark.parametrize("language", SOUND)
def test_sound_code_passes_and_broken_code_does_not(language):
    assert lint(SOUND[language], language) is None
    for code in BROKEN[language]:
        assert lint(code, language) is not None, code


def test_every_linter_is_of_a_language_and_a_language_without_one_passes():
    assert set(SOUND) <= set(LINTERS) <= set(LANGUAGES)
    assert {name for name in LINTERS if lint(LANGUAGES.get(name).sample, name)} == set()
    assert lint("any text", "klingon") is None


def test_python_goes_through_ruff_in_one_call():
    codes = ["import os\nprint(os)", "print(undefined)", "def f(:\n  pass", "x = 1  # noqa\nprint(y)", "return 1"]
    found = [fault and fault[0] for fault in lint_python(codes)]
    assert found == [None, "F821", "invalid-syntax", "F821", "F706"]
    assert lint_python([]) == []


def test_the_fault_of_a_program_is_its_own_even_if_ids_are_there_twice():
    codes = ("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()", "plt.plot([1, 2])\nplt.show()")
    python = [record_of(0, language="python", domain="chart", code=code) for code in codes]
    drops = Drops()
    assert Lint()([python[1], record_of(0), python[0]], drops) == [record_of(0), python[0]]
    assert drops.counts == {"lint: python F821": 1}


def test_images_beside_the_rows_become_part_of_them(tmp_path, write_parquet):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.png").write_bytes(png_of(5))
    rows = [{"target": {"bytes": None, "path": name}, "code": svg_of(5)} for name in ("a.png", "none.png")]
    totals = run(find_source("records", str(write_parquet(rows))), [Verify(workers=1)], tmp_path / "out", {})
    assert totals.drops.counts == {"broken image": 1}
    [row] = rows_of(shards_of(tmp_path / "out"))
    assert row["target"] == {"bytes": png_of(5), "path": None}


@pytest.mark.parametrize("name", generated_domains())
def test_generated_code_is_sound(name):
    source = find_source(name, count=100)
    records = [row.found for unit in source.units() for row in source.read(unit)]
    drops = Drops()
    assert Lint()(Length()(records, drops), drops) == records, drops.to_dict()
    assert {record.language for record in records} == {LANGUAGE_OF[generated_domains()[name]]}


def bad_rows(tmp_path) -> tuple[list[dict], list[str | None]]:
    good = record_of(5).to_dict()
    buffer = io.BytesIO()
    Image.new("1", (8000, 7000)).save(buffer, "PNG")
    big = buffer.getvalue()
    page = "<!DOCTYPE html><html><body>" + "<p>words and words</p>" * 250_000 + "</body></html>"
    changes = [
        ({}, None),
        ({"target": {"bytes": b"no image", "path": None}}, "broken image"),
        ({"target": {"bytes": png_of(5)[:60], "path": None}}, "broken image"),
        ({"target": {"bytes": big, "path": None}}, "image too large"),
        ({"target": None}, "missing value"),
        ({"target": {"bytes": None, "path": str(tmp_path / "none.png")}}, "broken image"),
        ({"code": ""}, "empty code"),
        ({"code": None}, "missing value"),
        ({"code": page, "language": "html", "domain": "web"}, "code too long"),
        ({"code": "<svg><rect></svg>" * 3}, "lint: svg not well-formed"),
        ({"code": svg_of(60, "blue")}, "render differs from image"),
        ({"code": svg_of(5).replace('fill="red"', 'fill="white"')}, "blank render"),
        ({"checks": "{"}, "invalid JSON"),
        ({"task": "guess"}, "wrong type"),
    ]
    rows = [good | change for change, _ in changes]
    return rows, [label for _, label in changes]


def test_every_kind_of_bad_row_is_counted_and_none_is_fatal(tmp_path):
    from collections import Counter

    import pyarrow
    import pyarrow.parquet

    rows, labels = bad_rows(tmp_path)
    table = pyarrow.Table.from_pylist(rows)
    # Parquet itself does not mind bytes that are not UTF-8 in a column of text.
    wrong = pyarrow.array([b"\xff\xfe"] + [b"x"] * (len(rows) - 1)).cast(pyarrow.binary())
    wrong = pyarrow.StringArray.from_buffers(len(rows), *wrong.buffers()[1:])
    extra = table.slice(0, 1).set_column(table.schema.get_field_index("prompt"), "prompt", wrong.slice(0, 1))
    (tmp_path / "data").mkdir()
    pyarrow.parquet.write_table(table, tmp_path / "data" / "a.parquet")
    pyarrow.parquet.write_table(extra, tmp_path / "data" / "b.parquet")
    draw = Verify(fidelity=0.97, workers=1)
    totals = run(find_source("records", str(tmp_path / "data")), [Length(), Lint(), draw], tmp_path / "out", {})
    wanted = Counter(label for label in labels if label) + Counter({"invalid UTF-8": 1})
    assert totals.drops.counts == wanted
    assert totals.taken == len(rows) + 1
    assert totals.kept == labels.count(None)


def test_a_row_without_an_image_gets_the_one_its_code_renders():
    draw = Verify(workers=1)
    try:
        drops = Drops()
        bare = dataclasses.replace(record_of(5), target=b"", checks={})
        python = Record("p", "chart", "generate", "python", "Draw.", "raise SystemExit(1)", b"")
        [record] = draw([bare, python], drops)
    finally:
        draw.close()
    assert record.target.startswith(b"\x89PNG")
    assert {"tokens", "width", "height", "phash", "code_digest", "fidelity"} <= set(record.checks)
    [label] = drops.counts
    assert label.startswith("not rendered: ")
