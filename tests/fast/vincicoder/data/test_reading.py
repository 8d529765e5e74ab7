"""Files are found and classified, and every bad row in them is counted and costs no other."""

from __future__ import annotations

import base64
import json
import multiprocessing

import pyarrow
import pyarrow.parquet
import pytest

from vincicoder.data import DataError, reading
from vincicoder.data.domains import classify
from vincicoder.data.files import cut, find_files, mix, name_patterns, parse_subsets, select
from vincicoder.data.image_checks import check_image
from vincicoder.data.layouts import LAYOUTS
from vincicoder.data.reading import Rejects, Split, read_rows
from vincicoder.images import MAX_PIXELS

ANSWER = "```svg\n<svg></svg>\n```"


def write(path, rows, group=3):
    names = list(rows[0])
    table = pyarrow.table({name: [row[name] for row in rows] for name in names})
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table, path, row_group_size=group)


def rows_of(count, png, name="row"):
    return [{"user_content": f"{name} {i}", "assistant_content": ANSWER, "image": png} for i in range(count)]


def read(root, tmp_path, layout="sft", subsets=("default",), columns=None, mixed=False, **options):
    kind = LAYOUTS.get(layout)
    files = select(find_files(root), subsets, root) if kind.classified else find_files(root)
    pieces = cut(files, kind.columns, columns or {})
    bundles = mix(pieces) if mixed else [(piece,) for piece in pieces]
    arguments = {"answered": True, "strict": False, "rejects": str(tmp_path / "rejects.tsv")} | options
    return list(read_rows(bundles, layout, subsets, columns or {}, **arguments))


def prompts(rows):
    return [row["messages"][0]["content"].removeprefix("<image>") for row in rows]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chart2code_refine.parquet", ("chart", "refine")),
        ("web2html_refine.parquet", ("web", "refine")),
        ("web2html_1.parquet", ("web", "generate")),
        ("web2html_2-00003-of-00010.parquet", ("web", "generate")),
        ("img2svg_1.parquet", ("svg", "generate")),
        ("Image2LaTeX_plot.parquet", ("latex", "generate")),
        ("tikz/part-1.parquet", ("latex", "generate")),
        ("cosyn_chemistry.jsonl", ("chemistry", "generate")),
        ("train-00000.parquet", ("others", "generate")),
    ],
)
def test_files_are_classified_by_name(name, expected):
    assert classify(name) == expected


def test_files_are_found_in_every_directory_and_chosen_by_subset(tmp_path, png):
    for name in (
        "chart2code_refine.parquet",
        "deep/er/web2html_1.parquet",
        "new_thing.parquet",
        "chart2code_1.parquet",
    ):
        write(tmp_path / name, rows_of(1, png))
    (tmp_path / "README.md").write_text("no data")
    files = find_files(tmp_path)

    def chosen(*subsets):
        return [file.path.name for file in select(files, subsets, tmp_path)]

    assert chosen("default") == [
        "chart2code_1.parquet",
        "chart2code_refine.parquet",
        "web2html_1.parquet",
        "new_thing.parquet",
    ]
    assert chosen("chart") == ["chart2code_1.parquet", "chart2code_refine.parquet"]
    assert chosen("chart-refine", "web-direct") == ["chart2code_refine.parquet", "web2html_1.parquet"]
    assert chosen("others") == ["new_thing.parquet"]
    with pytest.raises(DataError, match=r"no file of the subset latex; its files are: chart-direct \(1\)"):
        chosen("latex")


def test_a_download_takes_what_the_subsets_need():
    assert name_patterns(["svg"]) == ["*svg*.jsonl", "*svg*.parquet"]
    assert name_patterns(["svg", "others"]) == ["*.parquet", "*.jsonl"]


def test_a_misspelt_subset_is_answered_with_the_right_one():
    assert parse_subsets([], "set") == ("default",)
    assert parse_subsets(["all"], "set") == ("default",)
    with pytest.raises(DataError, match="no subset 'chart-refined'; did you mean 'chart-refine'"):
        parse_subsets(["chart-refined"], "set")


def test_faults_of_a_whole_data_set_are_one_sentence(tmp_path, png):
    with pytest.raises(DataError, match="nowhere does not exist"):
        find_files(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"has no .parquet or .jsonl file; it has: nothing"):
        find_files(tmp_path)
    write(tmp_path / "svg.parquet", [{"user_content": "a", "answer": ANSWER, "image": png}])
    with pytest.raises(
        DataError, match="has no column assistant_content; its columns are: user_content, answer, image"
    ):
        read(tmp_path, tmp_path)
    assert len(read(tmp_path, tmp_path, columns={"answer": "assistant_content"})) == 1
    (tmp_path / "svg.parquet").write_bytes(b"PAR1 nothing of the kind PAR1")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read(tmp_path, tmp_path)


def test_rows_come_whole_and_in_order(tmp_path, png):
    write(tmp_path / "data" / "img2svg_1.parquet", rows_of(8, png))
    rows = read(tmp_path / "data", tmp_path)
    assert prompts(rows) == [f"row {i}" for i in range(8)]
    assert rows[0] == {
        "messages": [{"role": "user", "content": "<image>row 0"}, {"role": "assistant", "content": ANSWER}],
        "images": [{"bytes": png, "path": None}],
        "solution": "<svg></svg>",
        "language": "svg",
        "channel": "svg-direct",
    }
    assert [len(row["messages"]) for row in read(tmp_path / "data", tmp_path, answered=False)] == [1] * 8


def test_an_image_is_trained_on_or_held_out_in_whatever_files_it_is(tmp_path, png):
    images = [png + bytes([i]) for i in range(200)]
    direct = [{"user_content": f"row {i}", "assistant_content": ANSWER, "image": images[i]} for i in range(200)]
    write(tmp_path / "data" / "img2svg_1.parquet", direct)
    refined = [row | {"user_content": f"{row['user_content']}\n```svg\n<svg/>\n```"} for row in direct[::-1]]
    write(tmp_path / "data" / "img2svg_refine.parquet", refined, group=7)
    sides = [read(tmp_path / "data", tmp_path, split=Split(0.2, held_out)) for held_out in (False, True)]
    trained, held_out = ({row["images"][0]["bytes"] for row in side} for side in sides)
    assert trained | held_out == set(images)
    assert not trained & held_out
    assert 20 < len(held_out) < 60
    assert [len(side) for side in sides] == [2 * len(trained), 2 * len(held_out)]
    assert {row["channel"] for row in sides[1]} == {"svg-direct", "svg-refine"}
    assert not read(tmp_path / "data", tmp_path, split=Split(0.0, held_out=True))


def test_an_image_whose_file_is_missing_is_left_out_once(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.jsonl").write_text('{"target": "gone.png", "code": "<svg></svg>"}')
    for held_out in (False, True):
        noted = tmp_path / f"{held_out}.tsv"
        assert not read(tmp_path / "data", tmp_path, "records", split=Split(0.5, held_out), rejects=str(noted))
        assert Rejects(noted).count().total() == (not held_out)


def test_a_stream_mixes_files_from_its_first_rows_on(tmp_path, png):
    for name, count in (("chart2svg", 60), ("img2svg", 30), ("web2svg", 10)):
        write(tmp_path / "data" / f"{name}.parquet", rows_of(count, png, name), group=1000)
    rows = prompts(read(tmp_path / "data", tmp_path, mixed=True))
    assert sorted(rows) == sorted(prompts(read(tmp_path / "data", tmp_path)))
    for start in range(0, 100, 20):
        names = [row.split()[0] for row in rows[start : start + 20]]
        assert (names.count("chart2svg"), names.count("img2svg"), names.count("web2svg")) == (12, 6, 2)


def bad_rows(png, image_bytes):
    broken = bytearray(png)
    broken[-20] ^= 0xFF
    return {
        "broken image": [{"image": b"no image"}, {"image": png[:-30]}, {"image": bytes(broken)}],
        "image too large": [{"image": image_bytes((10_001, 5_000), format="GIF")}],
        "image too thin": [{"image": image_bytes((1_000, 4))}],
        "empty code": [{"assistant_content": ""}, {"assistant_content": "```svg\n```"}],
        "empty prompt": [{"user_content": ""}],
        "missing value": [{"user_content": None}, {"assistant_content": None}, {"image": None}],
        "no code found": [{"assistant_content": "Sorry."}],
        "code cut off": [{"assistant_content": "```svg\n<svg><rect"}],
        "code in another language": [{"assistant_content": "```rust\nfn main() {}\n```"}],
    }


def test_every_bad_row_of_a_parquet_file_is_counted_and_costs_no_other(tmp_path, png, image_bytes):
    bad = bad_rows(png, image_bytes)
    rows = []
    for index, change in enumerate(change for changes in bad.values() for change in changes):
        rows += [rows_of(1, png, f"good {index}")[0], rows_of(1, png)[0] | change]
    rows += [rows_of(1, png)[0] | {"assistant_content": "\udcff"}]
    table = pyarrow.table(
        {
            name: pyarrow.array(
                [v.encode("utf-8", "surrogateescape") if isinstance(v := row[name], str) else v for row in rows],
                pyarrow.binary(),
            )
            for name in rows[0]
        }
    )
    for name in ("user_content", "assistant_content"):  # cast without looking, as broken writers do
        column = table[name].combine_chunks()
        text = pyarrow.Array.from_buffers(pyarrow.string(), len(column), column.buffers())
        table = table.set_column(table.schema.get_field_index(name), name, text)
    (tmp_path / "data").mkdir()
    pyarrow.parquet.write_table(table, tmp_path / "data" / "img2svg.parquet", row_group_size=4)

    found = read(tmp_path / "data", tmp_path)
    assert prompts(found) == [f"good {index} 0" for index in range(len(found))]
    assert len(found) == sum(map(len, bad.values()))
    expected = {reason: len(changes) for reason, changes in bad.items()} | {"invalid UTF-8": 1}
    assert Rejects(tmp_path / "rejects.tsv").count() == expected


def test_every_bad_line_of_a_jsonl_file_is_counted_and_costs_no_other(tmp_path, png):
    good = {"user_content": "good", "assistant_content": ANSWER, "image": {"bytes": base64.b64encode(png).decode()}}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.png").write_bytes(png)
    lines = [
        json.dumps(good).encode(),
        b"{broken",
        b'{"user_content": "\xff"}',
        b"[1, 2]",
        b"",
        json.dumps(good | {"user_content": 7}).encode(),
        json.dumps(good | {"user_content": "half \ud83d"}).encode(),
        json.dumps(good | {"image": "nowhere.png"}).encode(),
        json.dumps(good | {"image": "a.png", "user_content": "by path"}).encode(),
        b"[" * 100_000,
    ]
    (tmp_path / "data" / "img2svg.jsonl").write_bytes(b"\n".join(lines))
    rows = read(tmp_path / "data", tmp_path)
    assert prompts(rows) == ["good", "by path"]
    assert rows[0]["images"] == [{"bytes": png, "path": None}]
    assert rows[1]["images"] == [{"bytes": None, "path": str(tmp_path / "data" / "a.png")}]
    expected = {"invalid JSON": 2, "invalid UTF-8": 2, "wrong type": 2, "broken image": 1}
    assert Rejects(tmp_path / "rejects.tsv").count() == expected


def test_a_mark_at_the_start_of_a_jsonl_file_costs_no_row(tmp_path, png):
    good = {"user_content": "good", "assistant_content": ANSWER, "image": {"bytes": base64.b64encode(png).decode()}}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "img2svg.jsonl").write_text(f"{json.dumps(good)}\n" * 2, encoding="utf-8-sig")
    assert prompts(read(tmp_path / "data", tmp_path)) == ["good", "good"]


def test_strict_stops_at_the_first_bad_row_and_names_it(tmp_path, png):
    write(tmp_path / "data" / "img2svg.parquet", [*rows_of(4, png), rows_of(1, png)[0] | {"image": b"x"}])
    with pytest.raises(DataError, match=r"img2svg.parquet, row 4: the image is in no format"):
        read(tmp_path / "data", tmp_path, strict=True)


def test_records_and_rl_rows_are_chosen_by_their_own_domain(tmp_path, png):
    lines = [
        {"target": "a.png", "code": "<svg></svg>"},
        {"target": "a.png", "code": "import this", "defective_code": "import that"},
        {"target": "a.png", "code": "from rdkit import Chem"},
        {"target": "a.png", "code": ""},
    ]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.png").write_bytes(png)
    (tmp_path / "data" / "mine.jsonl").write_text("\n".join(map(json.dumps, lines)))

    def codes(*subsets):
        return [row["solution"] for row in read(tmp_path / "data", tmp_path, "records", subsets)]

    assert codes("default") == ["<svg></svg>", "import this", "from rdkit import Chem"]
    assert codes("svg", "chemistry-direct") == ["<svg></svg>", "from rdkit import Chem"]
    assert codes("chart-refine") == ["import this"]
    assert codes("chart-direct") == []


def note_many(path, process):
    for row in range(500):
        Rejects(path).add("some/file.parquet", row, reading.Reason.NO_CODE)
        Rejects(path).add(f"file{process}.parquet", row, reading.Reason.EMPTY_CODE)


def test_several_processes_note_rows_together_and_each_counts_once(tmp_path):
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=note_many, args=(tmp_path / "rejects.tsv", each)) for each in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    summary = Rejects(tmp_path / "rejects.tsv").summary("set")
    assert summary.startswith("set: left out 2,500 rows (empty code 2,000, no code found 500); they are listed in")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_whole_images_pass_and_cut_ones_do_not(format, image_bytes):
    content = image_bytes((300, 200), format=format)
    check_image(content)
    with pytest.raises(ValueError, match="image"):
        check_image(content[: len(content) // 2])


def test_the_largest_image_passes_and_one_beyond_it_does_not(image_bytes):
    side = 8_000
    check_image(image_bytes((side, MAX_PIXELS // side), format="GIF"))
    with pytest.raises(ValueError, match=r"limit"):
        check_image(image_bytes((side, MAX_PIXELS // side + 1), format="PNG"))


def test_every_rules_source_is_in_the_digest(monkeypatch, tmp_path):
    names = ("languages/svg.py", "alignment/fences.py", "data/answers.py", "data/layouts/sft.py", "chart_generate.txt")
    for name in names:
        reading.rules_digest.cache_clear()
        digest = reading.rules_digest()
        [rule] = [path for path in reading.rule_files() if str(path).endswith(name)]
        changed = tmp_path / rule.name
        changed.write_text(rule.read_text("utf-8") + "\n")
        files = [changed if path == rule else path for path in reading.rule_files()]
        monkeypatch.setattr(reading, "rule_files", lambda files=files: files)
        reading.rules_digest.cache_clear()
        assert reading.rules_digest() != digest
        monkeypatch.undo()
        reading.rules_digest.cache_clear()
        assert reading.rules_digest() == digest
