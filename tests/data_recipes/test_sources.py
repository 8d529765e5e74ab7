"""Every public set's reader copes with its layout and quirks; what it cannot use is a counted fault."""

from __future__ import annotations

import zipfile

import pytest
from recipe_helpers import png_of, record_of, svg_of

from data_recipes.sources import GENERATED, PUBLIC, find_source
from data_recipes.sources.files import json_items
from vincicoder.alignment import align
from vincicoder.data import BadRow, DataError, Reason
from vincicoder.data.record import LANGUAGE_OF

PYTHON = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
HTML = "<!DOCTYPE html><html><body><h1>Hello</h1></body></html>"
TIKZ = "\\begin{tikzpicture}\\draw (0,0) -- (1,1);\\end{tikzpicture}"
PNG = png_of(3)
IMAGE = {"bytes": PNG, "path": "a.png"}


def talk(answer: str, question: str = "<image>\nPlease draw it.") -> dict:
    return {"conversations": [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]}


def found(name, folder, seed=0):
    source = find_source(name, str(folder), seed=seed)
    return [row.found for piece in source.pieces() for row in source.read(piece)]


def reasons(rows):
    return [row.reason if isinstance(row, BadRow) else None for row in rows]


def test_vincicoder_sets_tell_domain_and_task_by_file(write_parquet):
    row = {"user_content": f"Mend it.\n```html\n{HTML}\n```", "assistant_content": HTML, "image": PNG}
    folder = write_parquet([row], "web2html_refine.parquet")
    [record] = found("vincicoder_sft", folder)
    assert (record.domain, record.task, record.code, record.defective_code) == ("web", "refine", HTML, HTML)
    rl = write_parquet([{"problem": "<image>Draw it in Python.", "answer": PYTHON, "images": [IMAGE]}], folder="rl")
    [record] = found("vincicoder_rl", rl)
    assert (record.language, record.code, record.target) == ("python", PYTHON, PNG)


def test_chartcoder_reads_conversations_and_pictures_in_a_zip_file(write_json):
    rows = [{"id": n, "image": f"images/{n}.png"} | talk(f"Sure:\n```python\n{PYTHON}\n```\nDone.") for n in (1, 2)]
    folder = write_json(rows)
    with zipfile.ZipFile(folder / "images.zip", "w") as archive:
        archive.writestr("chart/images/1.png", PNG)
    first, second = found("chartcoder", folder)
    assert (first.code, first.target, first.licence, first.prompt) == (PYTHON, PNG, "mit", "Please draw it.")
    assert second.reason is Reason.BROKEN_PICTURE


def test_web2code_leaves_out_questions_about_pages(write_json):
    folder = write_json([{"image": "a.png"} | talk(HTML), {"image": "a.png"} | talk("It has a red title.")])
    (folder / "a.png").write_bytes(PNG)
    assert reasons(found("web2code", folder)) == [None, Reason.NO_CODE]


def test_webcode2m_gets_wordings_of_ours(write_parquet):
    rows = [{"image": IMAGE, "text": HTML, "bbox": "{}", "scale": [1, 1], "lang": "en", "score": 3.0}]
    [record] = found("webcode2m", write_parquet(rows))
    assert (record.code, record.licence, record.domain) == (HTML, "cc-by-4.0", "web")
    assert align(record.response, None, record.prompt).code == HTML


def test_unisvg_keeps_drawings_only(write_json):
    rows = [talk(svg_of(3)) | {"image": "a.png"}, talk("A square.", "What is it?"), talk(svg_of(4), "A square, please")]
    folder = write_json(rows)
    (folder / "a.png").write_bytes(PNG)
    rows = found("unisvg", folder)
    assert reasons(rows) == [None, Reason.NO_CODE, None]
    assert rows[0].target == PNG
    assert rows[2].target == b"", "drawn from its code later"
    assert "A square" not in rows[2].prompt


def test_starvector_has_no_pictures_and_gets_a_view(write_parquet):
    bare = '<svg xmlns="http://www.w3.org/2000/svg" width="24px" height="12"><rect width="9" height="9"/></svg>'
    first, second = found("starvector", write_parquet([{"Filename": "a", "Svg": bare}, {"Filename": "b", "Svg": " "}]))
    assert 'viewBox="0 0 24 12"' in first.code
    assert first.target == b""
    assert second.reason is Reason.EMPTY_CODE


def test_datikz_gets_a_document_and_the_terms_of_its_origin(write_parquet):
    rows = [{"caption": "x", "code": TIKZ, "image": IMAGE, "uri": "https://arxiv.org/abs/1", "origin": "arxiv"}]
    [record] = found("datikz", write_parquet(rows))
    assert record.code.startswith("\\documentclass")
    assert TIKZ in record.code
    assert "arXiv" in record.licence


def test_mathcoder_tells_tikz_from_python(write_parquet):
    rows = [{"image": IMAGE, "code": code} for code in (TIKZ, f"```python\n{PYTHON}\n```", f"```latex\n{TIKZ}\n```")]
    first, second, third = found("mathcoder", write_parquet(rows))
    assert [each.language for each in (first, second, third)] == ["latex", "python", "latex"]
    assert first.code == third.code


def test_cosyn_molecules_become_programs_in_several_styles(write_parquet):
    rows = [{"id": str(n), "image": IMAGE, "code": "CC(=O)Oc1ccccc1C(=O)O"} for n in range(12)]
    rows += [{"id": "p", "image": IMAGE, "code": PYTHON}, {"id": "m", "image": IMAGE, "code": "graph TD; A-->B"}]
    *molecules, chart, mermaid = found("cosyn", write_parquet(rows))
    assert {record.domain for record in molecules} == {"chemistry"}
    assert len({record.code for record in molecules}) > 4
    assert all("CC(=O)Oc1ccccc1C(=O)O" in record.code for record in molecules)
    assert molecules == found("cosyn", write_parquet(rows))[:12], "the same styles when read again"
    assert (chart.domain, chart.target) == ("chart", PNG)
    assert mermaid.reason is Reason.WRONG_LANGUAGE


def test_mcd_keeps_charts_and_pages(write_json):
    answers = (f"```python\n{PYTHON}\n```", HTML, "```python\nprint(sum(map(int, input().split())))\n```")
    folder = write_json([{"image": "a.png"} | talk(answer) for answer in answers])
    (folder / "a.png").write_bytes(PNG)
    rows = found("mcd", folder)
    assert reasons(rows) == [None, None, Reason.NO_CODE]
    assert [row.domain for row in rows[:2]] == ["chart", "web"]


@pytest.mark.parametrize("name", PUBLIC)
def test_a_wrong_folder_or_a_missing_column_is_one_sentence_that_names_it(name, write_parquet, tmp_path):
    with pytest.raises(DataError, match=r"/nowhere does not exist"):
        found(name, tmp_path / "nowhere")
    folder = write_parquet([{"a": 1}], "x.parquet")
    with pytest.raises(DataError, match=r"x\.parquet has no column .* but a"):
        found(name, folder)


def test_a_misspelt_source_is_told_the_right_name():
    with pytest.raises(DataError, match="did you mean 'datikz'"):
        find_source("datiks")


@pytest.mark.parametrize("name", GENERATED)
def test_generated_code_depends_on_seed_and_number_alone_and_varies(name):
    def codes(seed, count):
        source = find_source(name, count=count, seed=seed)
        return [row.found.code for piece in source.pieces() for row in source.read(piece)]

    assert codes(0, 200) == codes(0, 300)[:200]
    assert len(set(codes(0, 200))) >= 195
    assert not set(codes(0, 50)) & set(codes(1, 50))
    assert all(
        align(f"```{LANGUAGE_OF[GENERATED[name]]}\n{code}\n```", LANGUAGE_OF[GENERATED[name]]).code
        for code in codes(0, 9)
    )


def test_samples_are_records(tmp_path):
    source = find_source("samples")
    records = [row.found for piece in source.pieces() for row in source.read(piece)]
    assert len(records) == source.pieces()[0].rows > 50
    assert {record.domain for record in records} == set(LANGUAGE_OF)
    with pytest.raises(DataError, match="run this in a clone"):
        find_source("samples", str(tmp_path)).pieces()


def test_records_in_any_layout_are_read_as_they_are(write_parquet):
    from vincicoder.data.layouts import HOST_LAYOUTS

    for name, layout in HOST_LAYOUTS.items():
        folder = write_parquet([layout.write(record_of(n)) for n in range(3)], folder=name)
        assert found("records", folder) == [record_of(n) for n in range(3)]


def test_json_lists_are_streamed(tmp_path, monkeypatch):
    path = tmp_path / "list.json"
    items = [{"n": n, "text": "x]}," * n} for n in range(50)]
    import json

    path.write_text(json.dumps(items, indent=1))
    monkeypatch.setattr("data_recipes.sources.files._READ_AHEAD", 7)
    assert list(json_items(path)) == items
    path.write_text(json.dumps(items)[:-3])
    with pytest.raises(DataError, match="cut off"):
        list(json_items(path))
    path.write_text('{"a": 1}')
    with pytest.raises(DataError, match="no JSON list"):
        list(json_items(path))
