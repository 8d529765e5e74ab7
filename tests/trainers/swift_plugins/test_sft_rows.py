"""What the data sets are once ms-swift has loaded them: rows, subsets, samples, streams, caches."""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter

import pyarrow.parquet
import pytest
from needed import needs
from public_layout import BAD, image_bytes, parquet, svg_rows

pytestmark = pytest.mark.swift
needs("swift", "ms-swift is not installed")


@pytest.fixture
def load(sft, monkeypatch):
    """A function that loads a data set as a run would and returns its rows."""
    from swift.dataset import load_dataset

    def rows(name, directory=None, variable="VINCICODER_SFT_DATA", **options):
        monkeypatch.setenv(variable, str(directory) if directory else "")
        dataset, _ = load_dataset(name, **({"remove_unused_columns": True} | options))
        return dataset

    return rows


def contents(rows):
    return [row["messages"][-1]["content"] for row in rows]


@pytest.mark.parametrize("streaming", [False, True])
def test_rows_are_messages_with_the_image_as_it_is(load, public, streaming):
    rows = list(load("vincicoder-sft:svg", public, streaming=streaming))
    images = pyarrow.parquet.read_table(public / "more" / "img2svg_1.parquet")["image"].to_pylist()
    assert sorted(row["images"][0]["bytes"] for row in rows) == sorted(images)
    for row in rows:
        number = images.index(row["images"][0]["bytes"])
        assert row["messages"] == [
            {"role": "user", "content": "<image>SVG, please."},
            {"role": "assistant", "content": f"```svg\n<svg><rect width='{number}'/></svg>\n```"},
        ]
        assert row["images"][0]["path"] is None


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vincicoder-sft", {"python": 7, "html": 6, "svg": 6}),
        ("vincicoder-sft:all", {"python": 7, "html": 6, "svg": 6}),
        ("vincicoder-sft:chart-refine", {"python": 7}),
        ("vincicoder-sft:web-direct/svg", {"html": 6, "svg": 6}),
        ("vincicoder-sft:web/web-direct", {"html": 6}),
        ("vincicoder-sft#5", 5),
        ("vincicoder-sft:web/svg#9", 9),
    ],
)
def test_a_subset_gives_its_rows_and_a_number_that_many(load, public, name, expected, streaming):
    tags = Counter(content[3:].split("\n")[0] for content in contents(load(name, public, streaming=streaming)))
    assert (tags.total() if isinstance(expected, int) else dict(tags)) == expected


def test_a_share_is_set_aside_for_validation(load, sft, public, monkeypatch):
    from swift.dataset import load_dataset

    monkeypatch.setenv("VINCICODER_SFT_DATA", str(public))
    for streaming in (False, True):
        train, val = load_dataset("vincicoder-sft#10", split_dataset_ratio=0.2, streaming=streaming)
        assert (len(list(train)), len(list(val))) == (8, 2)
        assert not set(contents(train)) & set(contents(val))


@pytest.mark.parametrize("streaming", [False, True])
def test_what_is_held_out_is_a_set_of_its_own(load, public, monkeypatch, streaming):
    everything = contents(load("vincicoder-sft", public))
    monkeypatch.setenv("VINCICODER_HELD_OUT", "0.4")
    trained, held_out = (load(name, public, streaming=streaming) for name in SIDES)
    assert {row["channel"] for row in trained} == {"chart-refine", "web-direct", "svg-direct"}
    assert sorted([*contents(trained), *contents(held_out)]) == sorted(everything)
    assert 0 < len(contents(held_out)) < len(everything) / 2
    monkeypatch.setenv("VINCICODER_HELD_OUT", "")
    with pytest.raises(SystemExit, match="none is held out; VINCICODER_HELD_OUT is 0, so hold out more"):
        load(SIDES[1], public, streaming=streaming)


@pytest.mark.parametrize("side", [28, 32])
def test_tokens_of_an_image_are_those_of_qwens_own_rule(side):
    from qwen_vl_utils.vision_process import smart_resize

    from vincicoder.data.measure import image_tokens

    for width, height in itertools.product((1, 27, 49, 500, 1023, 4096, 7001), repeat=2):
        if max(width, height) < 200 * min(width, height):
            rows, columns = smart_resize(height, width, side, 256 * side**2, 4096 * side**2)
            assert image_tokens(width, height, side, 256, 4096) == rows * columns // side**2


SIDES = ("vincicoder-sft", "vincicoder-sft-held-out")


def test_machines_that_take_a_part_each_take_every_row_once(load, public, monkeypatch):
    everything = contents(load("vincicoder-sft", public))
    found = []
    for part in ("1/3", "2/3", "3/3"):
        monkeypatch.setenv("VINCICODER_PART", part)
        found += contents(load("vincicoder-sft", public))
    assert sorted(found) == sorted(everything)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("VINCICODER_PART", "4/3", "VINCICODER_PART is '4/3'; expected a part and how many there are, such as 2/8"),
        ("VINCICODER_PART", "9/99", "VINCICODER_PART is '9/99', but the files have only 7 row groups to share"),
        ("VINCICODER_HELD_OUT", "2%", "VINCICODER_HELD_OUT is '2%'; expected a number from 0 to below 1"),
    ],
)
def test_a_wrong_side_or_part_is_refused(load, public, monkeypatch, variable, value, sentence):
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit, match=sentence):
        load("vincicoder-sft", public)


def test_a_directory_may_be_named_itself(load, public, tmp_path):
    directory = tmp_path / "VinciCoder-1.6M-SFT"
    directory.symlink_to(public)
    assert len(load(f"{directory}:svg")) == 6


@pytest.mark.parametrize("streaming", [False, True])
def test_other_data_sets_mix_with_ours(load, public, messy, tmp_path, streaming):
    other = tmp_path / "other.jsonl"
    other.write_text(
        json.dumps({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]})
    )
    rows = list(load(["vincicoder-sft:svg", str(other)], public, streaming=streaming))
    assert len(rows) == 7
    assert "ho" in contents(rows)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_every_row_comes_once_however_many_workers_read_the_stream(load, public, workers):
    from torch.utils.data import DataLoader

    stream = load("vincicoder-sft", public, streaming=True)
    loader = DataLoader(stream, batch_size=None, num_workers=workers)
    assert sorted(contents(loader)) == sorted(contents(load("vincicoder-sft", public)))


def test_several_processes_make_the_same_table(load, public):
    one = contents(load("vincicoder-sft", public, num_proc=1))
    assert contents(load("vincicoder-sft", public, num_proc=3, columns={"nothing": "here"})) == one


def test_a_stream_is_shuffled_across_files(load, public):
    first = contents(load("vincicoder-sft", public, streaming=True))[:6]
    assert len({content[3:].split("\n")[0] for content in first}) == 3


def cache_of(dataset):
    return {each["filename"] for each in dataset.cache_files}


def test_the_cache_is_used_again_until_rules_or_data_change(load, sft, tmp_path, public, monkeypatch):
    directory = tmp_path / "data"
    directory.mkdir()
    file = directory / "img2svg.parquet"
    file.write_bytes((public / "more" / "img2svg_1.parquet").read_bytes())
    first = cache_of(load("vincicoder-sft", directory))
    assert cache_of(load("vincicoder-sft", directory)) == first
    os.utime(file, (1, 1))
    touched = cache_of(load("vincicoder-sft", directory))
    assert not touched & first
    monkeypatch.setattr(sft, "rules_digest", lambda: "other rules")
    assert not cache_of(load("vincicoder-sft", directory)) & (first | touched)


@pytest.mark.parametrize("streaming", [False, True])
def test_rl_rows_have_no_answer_but_the_solution(load, tmp_path, streaming):
    rows = [
        {
            "problem": f"<image>\nWrite SVG {i}.",
            "answer": "```svg\n<svg></svg>\n```",
            "images": [{"bytes": image_bytes(i)}],
        }
        for i in range(3)
    ]
    parquet(tmp_path / "rl" / "train.parquet", rows)
    options = {"remove_unused_columns": False, "streaming": streaming}
    [first, *_] = load("vincicoder-rl", tmp_path / "rl", "VINCICODER_RL_DATA", **options)
    assert {name: first[name] for name in ("messages", "solution", "language")} == {
        "messages": [{"role": "user", "content": "<image>Write SVG 0."}],
        "solution": "<svg></svg>",
        "language": "svg",
    }
    assert first["images"] == [{"bytes": image_bytes(0), "path": None}]
    names = load("vincicoder-rl:svg", tmp_path / "rl", "VINCICODER_RL_DATA").column_names
    assert {"solution", "language"} <= set(names), "the reward needs them whatever is removed"


def test_records_of_ones_own_need_only_image_and_code(load, tmp_path):
    (tmp_path / "a.png").write_bytes(image_bytes(1))
    lines = [
        {"picture": "a.png", "code": "<svg></svg>"},
        {"picture": "a.png", "code": "import x", "defective_code": "y"},
    ]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, lines)))
    rows = list(load("vincicoder-records", tmp_path, "VINCICODER_RECORDS_DATA", columns={"picture": "target"}))
    assert contents(rows) == ["```svg\n<svg></svg>\n```", "```python\nimport x\n```"]
    assert "```python\ny\n```" in rows[1]["messages"][0]["content"]
    assert rows[0]["images"] == [{"bytes": None, "path": str(tmp_path / "a.png")}]


@pytest.mark.parametrize("hub", [False, True])
def test_without_a_directory_only_what_the_subset_needs_is_downloaded(load, public, monkeypatch, hub):
    import huggingface_hub
    import modelscope

    asked = []

    def download(repository, **options):
        asked.append((repository, options["allow_patterns"]))
        return str(public)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    monkeypatch.setattr(modelscope, "dataset_snapshot_download", download)
    assert len(load("vincicoder-sft:svg", use_hf=hub)) == 6
    assert asked == [("DocTron-Hub/VinciCoder-1.6M-SFT", ["*svg*.jsonl", "*svg*.parquet"])]


def test_a_hub_that_cannot_be_reached_is_one_sentence(load, monkeypatch):
    import huggingface_hub

    def download(*_, **__):
        raise ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    with pytest.raises(SystemExit, match=r"cannot be downloaded from Hugging Face .*set VINCICODER_SFT_DATA"):
        load("vincicoder-sft", use_hf=True)


def test_what_is_not_there_is_one_sentence(load, public, tmp_path):
    with pytest.raises(SystemExit, match=r"nowhere does not exist; set it to the directory that"):
        load("vincicoder-sft", tmp_path / "nowhere")
    with pytest.raises(SystemExit, match=r"has no .parquet or .jsonl file; it has: nothing; download"):
        load("vincicoder-sft", tmp_path)
    with pytest.raises(SystemExit, match=r"no subset 'chart-refined'; did you mean 'chart-refine'"):
        load("vincicoder-sft:chart-refined", public)


def test_a_directory_with_no_usable_row_is_one_sentence(load, tmp_path):
    parquet(tmp_path / "img2svg.parquet", [svg_rows(1)[0] | change for change in BAD.values()])
    for streaming in (False, True):
        with pytest.raises(SystemExit, match=r"no row in .* can be used: .*empty code 1"):
            load("vincicoder-sft", tmp_path, streaming=streaming)


@pytest.mark.parametrize("processes", [1, 2])
def test_strict_ends_at_the_first_bad_row_with_one_sentence(load, tmp_path, processes):
    parquet(tmp_path / "img2svg.parquet", [*svg_rows(4), svg_rows(1)[0] | BAD["empty code"]], group=2)
    with pytest.raises(SystemExit, match=r"img2svg.parquet, row 4: assistant_content is empty"):
        load("vincicoder-sft", tmp_path, strict=True, num_proc=processes)


def test_a_file_damaged_in_its_middle_is_one_sentence(load, tmp_path):
    parquet(tmp_path / "img2svg.parquet", svg_rows(40), group=10)
    content = bytearray((tmp_path / "img2svg.parquet").read_bytes())
    content[len(content) // 2 : len(content) // 2 + 200] = bytes(200)
    (tmp_path / "img2svg.parquet").write_bytes(content)
    with pytest.raises(SystemExit, match=r"img2svg.parquet is damaged behind row \d+ .*; download it again"):
        load("vincicoder-sft", tmp_path)


@pytest.mark.parametrize("kind", ["qwen2_5_vl", "qwen3_vl"])
def test_the_image_reaches_the_model(load, public, tiny_models, kind):
    """As many image tokens as the grid has cells, and a loss that depends on what the image shows."""
    import torch
    from swift.model import get_model_processor
    from swift.template import get_template

    model, processor = get_model_processor(
        str(tiny_models(kind)), model_type=kind, torch_dtype=torch.float32, attn_impl="eager", device_map="cpu"
    )
    template = get_template(processor, template_type=kind, max_length=4096)
    template.set_mode("train")
    template.model = model
    row = next(iter(load("vincicoder-sft:svg", public, streaming=True)))

    def encode(content):
        return template.encode(row | {"images": [{"bytes": content, "path": None}]})

    encoded = encode(row["images"][0]["bytes"])
    cells = encoded["image_grid_thw"].prod().item() // 4
    assert encoded["input_ids"].count(template.image_token_id) == cells > 4

    def loss(content):
        batch = template.data_collator([encode(content)])
        batch = template._post_encode(model, batch) | batch if kind == "qwen2_5_vl" else batch
        with torch.no_grad():
            return model(**{name: value for name, value in batch.items() if name != "_data_keys"}).loss.item()

    same, again, other = loss(image_bytes(1)), loss(image_bytes(1)), loss(image_bytes(7))
    assert same == again != other
