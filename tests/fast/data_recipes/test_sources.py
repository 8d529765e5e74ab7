"""Every public set's reader copes with its layout and quirks; what it cannot use is a counted fault."""

from __future__ import annotations

import json
import zipfile

import pytest
from recipe_helpers import png_of, record_of, svg_of

from data_recipes.engine.files import columns_of, json_items
from data_recipes.sources import find_source, generated_domains, public_names
from vincicoder.alignment import align
from vincicoder.data import BadRow, DataError, Reason
from vincicoder.data.domains import LANGUAGE_OF

PYTHON = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
HTML = "<!DOCTYPE html><html><body><h1>Hello</h1></body></html>"
TIKZ = "\\begin{tikzpicture}\\draw (0,0) -- (1,1);\\end{tikzpicture}"
PNG = png_of(3)
IMAGE = {"bytes": PNG, "path": "a.png"}


def talk(answer: str, question: str = "<image>\nPlease draw it.") -> dict:
    return {"conversations": [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]}


def found(name, directory, seed=0):
    source = find_source(name, str(directory), seed=seed)
    return [row.found for unit in source.units() for row in source.read(unit)]


def reasons(rows):
    return [row.reason if isinstance(row, BadRow) else None for row in rows]


def test_vincicoder_sets_tell_domain_and_task_by_file(write_parquet):
    row = {"user_content": f"Fix it.\n```html\n{HTML}\n```", "assistant_content": HTML, "image": PNG}
    directory = write_parquet([row], "web2html_refine.parquet")
    [record] = found("vincicoder_sft", directory)
    assert (record.domain, record.task, record.code, record.defective_code) == ("web", "refine", HTML, HTML)
    rl = write_parquet([{"problem": "<image>Draw it in Python.", "answer": PYTHON, "images": [IMAGE]}], directory="rl")
    [record] = found("vincicoder_rl", rl)
    assert (record.language, record.code, record.target) == ("python", PYTHON, PNG)


def test_chartcoder_reads_the_last_block_and_images_in_a_zip_file(write_json):
    steps = f"Step 1:\n```python\nplt.figure(1)\n```\nThe whole:\n```python\n{PYTHON}\n```\nDone."
    directory = write_json([{"id": n, "image": f"images/{n}.png"} | talk(steps) for n in (1, 2)])
    with zipfile.ZipFile(directory / "images.zip", "w") as archive:
        archive.writestr("chart/images/1.png", PNG)
    first, second = found("chartcoder", directory)
    assert (first.code, first.target, first.licence, first.prompt) == (PYTHON, PNG, "unknown", "Please draw it.")
    assert second.reason is Reason.BROKEN_IMAGE


def test_images_of_one_name_are_told_apart_by_their_directories(write_json):
    names = ("games/01/1.png", "jobs/01/1.png", "1.png")
    directory = write_json([{"id": name, "image": name} | talk(HTML) for name in names], "Web2Code.json")
    with zipfile.ZipFile(directory / "Web2Code_image.zip", "w") as archive:
        for number, name in enumerate(names[:2]):
            archive.writestr(f"Web2Code_image/{name}", png_of(number))
    games, jobs, either = found("web2code", directory)
    assert (games.target, jobs.target) == (png_of(0), png_of(1))
    assert either.reason is Reason.BROKEN_IMAGE
    assert "may be" in str(either)


def test_damaged_zip_files_are_named(write_json):
    directory = write_json([{"id": 1, "image": "1.png"} | talk(PYTHON)])
    path = directory / "images.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.png", PNG)
    content = path.read_bytes()
    path.write_bytes(content.replace(PNG[40:50], b"0123456789"))
    [row] = found("chartcoder", directory)
    assert row.reason is Reason.BROKEN_IMAGE
    path.write_bytes(content[:-30])
    with pytest.raises(DataError, match=r"images\.zip is damaged or cut off"):
        found("chartcoder", directory)


def test_rows_name_images_of_their_directory_and_no_others(write_json, tmp_path):
    outside = tmp_path / "mine.png"
    outside.write_bytes(PNG)
    names = [str(outside), "../mine.png", "deep/../../mine.png", f"file://{outside}", "inside.png"]
    directory = write_json([{"id": name, "image": name} | talk(PYTHON) for name in names])
    (directory / "inside.png").write_bytes(PNG)
    assert reasons(found("chartcoder", directory)) == [*[Reason.BROKEN_IMAGE] * 4, None]


def test_links_lead_nowhere_but_into_the_store_of_the_hub(write_json, tmp_path):
    rows = [{"id": name, "image": f"{name}.png"} | talk(PYTHON) for name in ("secret", "stored", "near")]
    directory = write_json(rows, directory="datasets--a--b/snapshots/c0ffee")
    store = tmp_path / "datasets--a--b" / "blobs"
    store.mkdir()
    for path in (tmp_path / "secret.png", store / "5eed", directory / "here.png"):
        path.write_bytes(PNG)
    for name, path in (("secret", tmp_path / "secret.png"), ("stored", store / "5eed"), ("near", "here.png")):
        (directory / f"{name}.png").symlink_to(path)
    assert reasons(found("chartcoder", directory)) == [Reason.BROKEN_IMAGE, None, None]
    copied = directory.rename(tmp_path / "copied")
    assert reasons(found("chartcoder", copied)) == [Reason.BROKEN_IMAGE, Reason.BROKEN_IMAGE, None]


def test_paths_that_no_file_can_have_cost_their_rows_only(write_json):
    names = ["x" * 300 + ".png", "x/" * 3000 + "a.png", "a\0.png", "\ud800.png", "/", "a.png"]
    directory = write_json([{"id": 1, "image": name} | talk(PYTHON) for name in names])
    (directory / "a.png").write_bytes(PNG)
    assert reasons(found("chartcoder", directory)) == [*[Reason.BROKEN_IMAGE] * 5, None]


def changed(content, what):
    """A zip file of one image in which one thing is wrong."""
    start, entry = content.index(PNG[:8]), content.index(b"PK\x01\x02")
    if what == "encrypted":
        spots = {6: 1, entry + 8: 1}
    elif what == "unknown compression":
        spots = {8: 99, entry + 10: 99}
    elif what == "said to be deflated":
        spots = {8: 8, entry + 10: 8}
    else:
        spots = {start + 40: content[start + 40] ^ 255}
    return bytes(spots.get(index, byte) for index, byte in enumerate(content))


@pytest.mark.parametrize("what", ["encrypted", "unknown compression", "said to be deflated", "corrupt"])
def test_what_a_zip_file_cannot_give_costs_its_row_only(what, write_json):
    directory = write_json([{"id": 1, "image": "1.png"} | talk(PYTHON), {"id": 2, "image": "2.png"} | talk(PYTHON)])
    with zipfile.ZipFile(directory / "images.zip", "w") as archive:
        archive.writestr("1.png", PNG)
    (directory / "images.zip").write_bytes(changed((directory / "images.zip").read_bytes(), what))
    (directory / "2.png").write_bytes(PNG)
    assert reasons(found("chartcoder", directory)) == [Reason.BROKEN_IMAGE, None]


def test_a_huge_image_file_is_not_read(write_json):
    directory = write_json([{"id": 1, "image": "1.png"} | talk(PYTHON)])
    with (directory / "1.png").open("wb") as file:
        file.truncate((64 << 20) + 1)
    assert reasons(found("chartcoder", directory)) == [Reason.HUGE_IMAGE]


def test_a_bomb_in_a_zip_file_is_not_unpacked(write_json, monkeypatch):
    monkeypatch.setattr("data_recipes.engine.files._LARGEST", 1 << 20)
    directory = write_json([{"id": 1, "image": "1.png"} | talk(PYTHON)])
    with zipfile.ZipFile(directory / "images.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.png", bytes(2 << 20))
    [row] = found("chartcoder", directory)
    assert row.reason is Reason.HUGE_IMAGE


def test_web2code_leaves_out_questions_about_pages_and_what_is_measured_on(write_json):
    rows = [{"image": "a.png"} | talk(HTML), {"image": "a.png"} | talk("It has a red title."), talk(HTML)]
    directory = write_json(rows, "Web2Code.json")
    for name in ("GPT4_QA.json", "Web2Code_samples.json", "Web2Code_eval.jsonl"):
        write_json([{"question": "?"}], name)
    (directory / "a.png").write_bytes(PNG)
    assert reasons(found("web2code", directory)) == [None, Reason.NO_CODE, Reason.MISSING_VALUE]


def test_splits_for_measuring_are_read_only_when_they_are_named(write_parquet):
    rows = [{"Filename": "a", "Svg": svg_of(3)}]
    directory = write_parquet(rows, "test-00000-of-00001.parquet", "all/data").parent
    with pytest.raises(DataError, match=r"has only files that are left out, such as test-00000-of-00001\.parquet"):
        found("starvector", directory)
    for name in ("val-0.parquet", "train-0.parquet", "latest-validated.parquet"):
        write_parquet(rows, name, "all/data")
    write_parquet(rows, "0.parquet", "all/validation")
    assert len(found("starvector", directory)) == 2
    assert len(found("starvector", directory / "data" / "val-0.parquet")) == 1


def test_webcode2m_gets_wordings_of_ours(write_parquet):
    rows = [{"image": IMAGE, "text": HTML, "bbox": "{}", "scale": [1, 1], "lang": "en", "score": 3.0}]
    [record] = found("webcode2m", write_parquet(rows))
    assert (record.code, record.licence, record.domain) == (HTML, "cc-by-4.0", "web")
    assert align(record.response, None, record.prompt).code == HTML


def test_unisvg_keeps_drawings_only(write_json):
    def row(kind, answer, image="a.png"):
        return {"type": kind, "image_path": image, "q_text": "<image>\nWhat is it? A square?", "a_text": answer}

    answers = [("ISVGEN", svg_of(3)), ("ISVGUN_color", "Red."), ("TSVGEN", svg_of(4)), ("ISVGEN", svg_of(5))]
    directory = write_json([row(*answer) for answer in answers[:3]] + [row(*answers[3], image="")])
    with zipfile.ZipFile(directory / "png.zip", "w") as archive:
        archive.writestr("png/a.png", PNG)
    rows = found("unisvg", directory)
    assert reasons(rows) == [None, Reason.NO_CODE, None, Reason.MISSING_VALUE]
    assert (rows[0].target, rows[0].prompt) == (PNG, "What is it? A square?")
    assert rows[2].target == b"", "rendered from its code later"
    assert "A square" not in rows[2].prompt


def test_starvector_has_no_images_and_gets_a_view(write_parquet):
    bare = '<svg xmlns="http://www.w3.org/2000/svg" width="24px" height="12"><rect width="9" height="9"/></svg>'
    first, second = found("starvector", write_parquet([{"Filename": "a", "Svg": bare}, {"Filename": "b", "Svg": " "}]))
    assert 'viewBox="0 0 24 12"' in first.code
    assert first.target == b""
    assert second.reason is Reason.EMPTY_CODE


def test_datikz_takes_no_padded_image_and_the_terms_of_its_origin(write_parquet):
    document = f"\\documentclass[tikz]{{standalone}}\n\\begin{{document}}\n{TIKZ}\n\\end{{document}}"
    row = {"caption": "x", "code": document, "image": IMAGE, "pdf": b"%PDF", "uri": "https://example.org/1"}
    rows = [row | {"origin": origin} for origin in ("arxiv", "tex.stackexchange.com", "texample.net")]
    records = found("datikz", write_parquet(rows))
    assert [record.licence for record in records] == ["the arXiv paper's", "cc-by-sa", "other"]
    assert {(record.code, record.target) for record in records} == {(document, b"")}


def test_mathcoder_tells_tikz_from_python(write_parquet):
    rows = [{"image": IMAGE, "code": code} for code in (TIKZ, f"```python\n{PYTHON}\n```", f"```latex\n{TIKZ}\n```")]
    first, second, third = found("mathcoder", write_parquet(rows))
    assert [each.language for each in (first, second, third)] == ["latex", "python", "latex"]
    assert first.code == third.code


def test_cosyn_molecules_become_programs_in_several_styles(write_parquet):
    rows = [{"id": str(n), "image": IMAGE, "code": "CC(=O)Oc1ccccc1C(=O)O"} for n in range(12)]
    rows += [{"id": "p", "image": IMAGE, "code": PYTHON}, {"id": "m", "image": IMAGE, "code": "graph TD; A-->B"}]
    rows += [{"id": "v", "image": IMAGE, "code": '{"mark": "bar", "title": "Is it important?"}'}]
    *molecules, chart, mermaid, vega = found("cosyn", write_parquet(rows))
    assert {record.domain for record in molecules} == {"chemistry"}
    assert len({record.code for record in molecules}) > 4
    assert all("CC(=O)Oc1ccccc1C(=O)O" in record.code for record in molecules)
    assert molecules == found("cosyn", write_parquet(rows))[:12], "the same styles when read again"
    assert (chart.domain, chart.target) == ("chart", PNG)
    assert mermaid.reason is vega.reason is Reason.WRONG_LANGUAGE


@pytest.mark.parametrize("name", ["plot", "table"])
def test_cosyn_functions_get_the_table_that_they_draw(name, write_parquet):
    code = f"import matplotlib.pyplot as plt\n\ndef generate_{name}(data):\n    plt.bar(data['a'], data['b'])"
    table = 'a,b\n"C:\\new ""x""",1\n"""""",2\n'
    [record] = found("cosyn", write_parquet([{"id": "1", "image": IMAGE, "code": code, "data": table}]))
    program, call = record.code.rsplit("\n", 1)
    scope: dict = {}
    exec(program, scope)
    assert call == f"generate_{name}(pd.read_csv(io.StringIO(DATA)))"
    assert code in program
    assert scope["DATA"] == table
    assert (record.domain, record.target) == ("chart", PNG)


def test_mcd_keeps_charts_and_pages(write_json):
    def row(category, answer):
        asked = {"role": "user", "content": "<image>\nPlease draw it."}
        return {
            "images": ["a.png"],
            "messages": [asked, {"role": "assistant", "content": answer}],
            "category": category,
        }

    answers = (("chart", f"```python\n{PYTHON}\n```"), ("html", HTML), ("algorithm", "```python\nprint(1)\n```"))
    directory = write_json([row(*answer) for answer in answers], "mcd_598k.json")
    with zipfile.ZipFile(directory / "mcd_images.zip", "w") as archive:
        archive.writestr("mcd_images/a.png", PNG)
    rows = found("mcd", directory)
    assert reasons(rows) == [None, None, Reason.NO_CODE]
    assert [(row.domain, row.prompt, row.target) for row in rows[:2]] == [
        ("chart", "Please draw it.", PNG),
        ("web", "Please draw it.", PNG),
    ]


@pytest.mark.parametrize("name", public_names())
def test_a_wrong_directory_or_a_missing_column_is_one_sentence_that_names_it(name, write_parquet, tmp_path):
    with pytest.raises(DataError, match=r"/nowhere does not exist"):
        found(name, tmp_path / "nowhere")
    directory = write_parquet([{"a": 1}], "x.parquet")
    with pytest.raises(DataError, match=r"x\.parquet has no column .*; its columns are: a"):
        found(name, directory)


def test_a_misspelt_source_is_told_the_right_name():
    with pytest.raises(DataError, match=r"there is no source 'datiks'; there are: .*Did you mean 'datikz'"):
        find_source("datiks")


@pytest.mark.parametrize("name", generated_domains())
def test_generated_code_depends_on_seed_and_number_alone_and_varies(name):
    def codes(seed, count):
        source = find_source(name, count=count, seed=seed)
        return [row.found.code for unit in source.units() for row in source.read(unit)]

    assert codes(0, 200) == codes(0, 300)[:200]
    assert len(set(codes(0, 200))) >= 195
    assert not set(codes(0, 50)) & set(codes(1, 50))
    language = LANGUAGE_OF[generated_domains()[name]]
    assert all(align(f"```{language}\n{code}\n```", language).code for code in codes(0, 9))


def test_samples_are_records(tmp_path):
    source = find_source("samples")
    records = [row.found for unit in source.units() for row in source.read(unit)]
    assert len(records) == source.units()[0].rows > 50
    assert {record.domain for record in records} == set(LANGUAGE_OF)
    with pytest.raises(DataError, match="run this in a clone"):
        find_source("samples", str(tmp_path)).units()


def test_records_in_any_layout_are_read_as_they_are(write_parquet):
    from vincicoder.data.layouts import LAYOUTS

    for name in LAYOUTS:
        directory = write_parquet([LAYOUTS.get(name).write(record_of(n)) for n in range(3)], directory=name)
        assert found("records", directory) == [record_of(n) for n in range(3)]


def test_json_lists_are_streamed(tmp_path, monkeypatch):
    path = tmp_path / "list.json"
    items = [{"n": n, "text": "x]}," * n} for n in range(50)]
    path.write_text(json.dumps(items, indent=1))
    monkeypatch.setattr("data_recipes.engine.files._READ_AHEAD", 7)
    assert list(json_items(path)) == items
    path.write_text(json.dumps(items)[:-3])
    with pytest.raises(DataError, match="cut off"):
        list(json_items(path))
    path.write_text('{"a": 1}')
    with pytest.raises(DataError, match="not a JSON list"):
        list(json_items(path))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (b'{"a": ' + b"[" * 100_000 + b'"]"' + b"]" * 100_000 + b"}", Reason.INVALID_JSON),
        (b'{"a": ' + b"7" * 5000 + b', "b": "}, {"}', Reason.INVALID_JSON),
        (b'{"a": "\xff"}', Reason.INVALID_UTF8),
        (b"3", Reason.WRONG_TYPE),
    ],
)
@pytest.mark.parametrize("ahead", [7, 1 << 20])
def test_an_item_that_cannot_be_read_costs_no_other(fault, reason, ahead, tmp_path, monkeypatch):
    monkeypatch.setattr("data_recipes.engine.files._READ_AHEAD", ahead)
    path = tmp_path / "list.json"
    path.write_bytes(b"[" + fault + b', {"b": "\xc3\xa9 \\udc80"}, ' + fault + b"]")
    rows = list(json_items(path))
    assert reasons(rows) == [reason, None, reason]
    assert rows[1] == {"b": "é \udc80"}
    assert columns_of(str(path)) == ["b"]


def test_columns_of_lines_are_those_of_the_first_that_can_be_read(tmp_path):
    lines = ["[" * 100_000, "{", "7" * 5000, json.dumps({"image": "a.png", "code": PYTHON})]
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    (tmp_path / "a.png").write_bytes(PNG)
    assert reasons(found("mathcoder", tmp_path)) == [*[Reason.INVALID_JSON] * 3, None]


def test_an_empty_file_of_records_is_called_empty(tmp_path):
    (tmp_path / "mine.jsonl").touch()
    with pytest.raises(DataError, match=r"mine\.jsonl is empty"):
        found("records", tmp_path)


def test_messages_say_what_is_missing_and_what_to_do(tmp_path, write_parquet):
    with pytest.raises(DataError, match="it has: nothing; download the data to it, or give the directory"):
        found("datikz", tmp_path)
    [row] = found("webcode2m", write_parquet([{"image": IMAGE, "text": None}]))
    assert str(row) == "text is missing"


def test_a_data_set_that_cannot_be_downloaded_is_one_sentence(monkeypatch):
    pytest.importorskip("huggingface_hub")
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: 1 / 0)
    with pytest.raises(
        DataError, match="no directory data/mine here, and the data set of that name cannot be downloaded"
    ):
        found("datikz", "data/mine")
