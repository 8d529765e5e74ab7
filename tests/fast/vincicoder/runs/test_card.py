"""A card holds what a run was made with and what came of it, and nothing that is nobody's business."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vincicoder.errors import ConfigError
from vincicoder.runs import read_recipe
from vincicoder.runs.card import KEYS, Sources, make_card, read_card, write_card
from vincicoder.runs.card_page import table_of
from vincicoder.runs.provenance import data_of, shown

STEPS = 450
AUDIT = {
    "rows": 9,
    "unreadable": 0,
    "bits": 16,
    "samples": {"unisvg": 4},
    "image": {"unisvg": {"a": ["r1"]}},
    "code": {},
}
SCORES = {"benchmark": "unisvg", "model": "mine", "number": 0, "status": "ok"}
RECIPE = """
title: a run
what: for tests
trainers: {swift: {}}
plan: {gpus: 8, rows: 115200}
bands: {execution: {steps: {1: [0.8, 1.0]}, basis: assumed, why: it is a test}}
"""


@pytest.fixture
def run(tmp_path) -> Path:
    directory = tmp_path / "my-run" / "v0"
    directory.mkdir(parents=True)
    rows = [
        {"reward": 0.5 + step / 1000, "vincicoder/execution": 0.7, "global_step/max_steps": f"{step}/450"}
        | {"train_speed(s/it)": 36.0, "grad_norm": float("nan") if step == 1 else 1.0}
        for step in range(1, STEPS + 1)
    ]
    (directory / "logging.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = {
        "learning_rate": 1e-6,
        "hub_token": "hf_x",
        "model": "/data/models/m",
        "nested": {"api_key": "x", "n": 8},
    }
    (directory / "args.json").write_text(json.dumps(settings))
    return tmp_path / "my-run"


@pytest.fixture
def card(run, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.jsonl").write_text("{}\n")
    (tmp_path / "audit.json").write_text(json.dumps(AUDIT))
    values = {"ssim": 0.8, "lpips": 0.2, "clip": 0.9}
    rows = [{**SCORES, "id": name, "values": values} for name in "ab"]
    (tmp_path / "scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "r.yaml").write_text(RECIPE)
    sources = Sources(
        name="my-run",
        notes="a <b>note</b>",
        recipe=read_recipe(tmp_path / "r.yaml"),
        gpus="8 x h100",
        data=[tmp_path / "data"],
        scores=[tmp_path / "scores.jsonl"],
        audit=tmp_path / "audit.json",
    )
    return make_card(run, sources)


def test_it_holds_what_the_run_was_made_with_and_what_came_of_it(card, tmp_path):
    assert set(card) == set(KEYS)
    assert (card["trainer"], card["recipe"], card["steps"]) == ("swift", "r", STEPS)
    assert card["settings"] == {"learning_rate": 1e-6, "model": ".../m", "nested.n": 8}
    assert {"python", "vincicoder"} <= set(card["versions"])
    assert card["data"] == [data_of(tmp_path / "data")]
    assert card["curves"]["reward"][0] == [1, 0.501]
    assert card["curves"]["reward"][-1] == [STEPS, 0.95]
    assert card["curves"]["grad_norm"][0] == [1, None]
    assert max(map(len, card["curves"].values())) <= 201
    assert card["cost"]["hours"] == STEPS * 36 / 3600
    assert card["cost"]["gpu_hours"] == 8 * card["cost"]["hours"]
    assert card["cost"]["planned_hours"] > 1
    assert [each["level"] for each in card["findings"]] == ["off"]
    [evaluation] = card["evaluation"]
    assert (evaluation["benchmark"], evaluation["model"], evaluation["samples"]) == ("unisvg", "mine", 2)
    assert evaluation["columns"]["score"][0] > 0
    assert card["contamination"] == {"rows": 9, "unreadable": 0, "benchmarks": {"unisvg": {"samples": 4, "held": 1}}}


def test_it_is_written_as_json_and_as_a_page_and_read_again(card, tmp_path):
    data, page = write_card(card, tmp_path / "cards")
    assert read_card(data) == json.loads(json.dumps(card))
    text = page.read_text()
    assert "a &lt;b>note&lt;/b>" in text
    assert "| `reward` | 0.501 (1) |" in text
    assert "execution is below its band, 0.8 to 1" in text
    assert "[my-run](results/my-run.md) | r | swift, 8 x h100 | 450 | 0.501 to 0.95" in table_of([card], "results")


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is not JSON"), ("{}", "is no card, as it lacks name"), ("[]", "is no card"), (None, "cannot be read")],
)
def test_what_is_no_card_is_refused(text, said, tmp_path):
    path = tmp_path / "card.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_card(path)


def test_the_digest_of_data_changes_with_names_and_contents_alone(tmp_path):
    for name, file, text in (("a", "x", "1"), ("b", "x", "1"), ("c", "y", "1"), ("d", "x", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text)
    same, again, renamed, changed = (data_of(tmp_path / name)["digest"] for name in "abcd")
    assert same == again
    assert len({same, renamed, changed}) == 3


def test_a_revision_comes_from_the_cache_of_the_hub(tmp_path):
    revision = "0123456789abcdef" * 2 + "01234567"
    path = tmp_path / "snapshots" / revision / "data"
    path.mkdir(parents=True)
    assert data_of(path)["revision"] == revision
    assert data_of(path, "v1")["revision"] == "v1"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("lr", 1e-6, 1e-6),
        ("data.max_tokens", 5, 5),
        ("data.prompt_key", "problem", "problem"),
        ("wandb_api_key", "x", None),
        ("hub_token", "x", None),
        ("swanlab.token", "x", None),
        ("judge.url", "http://10.0.0.1/v1", None),
        ("MASTER_ADDR", "10.0.0.1", None),
        ("model", "/mnt/disk/models/qwen", ".../qwen"),
        ("files", ["~/a/b", "c"], [".../b", "c"]),
        ("text", "x" * 300, "x" * 200 + "..."),
    ],
)
def test_settings_are_shown_without_secrets_addresses_and_directories(name, value, expected):
    assert dict(shown({name: value})) == ({} if expected is None else {name: expected})


def test_settings_that_verl_keeps_as_a_list_are_read():
    assert dict(shown(["trainer.nnodes=2", "+a.b=c=d"])) == {"trainer.nnodes": "2", "+a.b": "c=d"}
