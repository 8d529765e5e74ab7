"""The training scripts: the plumbing runs without a GPU, ms-swift knows every flag, and what is missing is said."""

from __future__ import annotations

import argparse
import json
import math
import os
import shlex
import subprocess
from pathlib import Path

import pytest
from needed import needs
from repository import EXAMPLES

pytestmark = pytest.mark.swift
needs("swift", "ms-swift is not installed")

SCRIPTS = ["qwen3vl_8b_sft.sh", "qwen25vl_7b_sft.sh"]


@pytest.fixture
def script(swift_environment, tmp_path):
    """A function that runs a script with environment variables and returns what it did."""

    def run(name, *arguments, **environment):
        variables = os.environ | {"OUTPUT": str(tmp_path / "out")} | environment
        command = ["bash", str(EXAMPLES / name), *arguments]
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=240)

    return run


def flags_of(done) -> list[str]:
    assert done.returncode == 0, done.stderr
    command = shlex.split(done.stdout)
    assert command[1] == "sft"
    return command[2:]


@pytest.mark.parametrize("name", [SCRIPTS[0], pytest.param(SCRIPTS[1], marks=pytest.mark.slow)])
def test_the_smoke_run_trains(script, tmp_path, name):
    done = script(name, "--seed", "3", SMOKE="1")
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    [log] = (tmp_path / "out").rglob("logging.jsonl")
    losses = [float(row["loss"]) for line in log.read_text().splitlines() if "loss" in (row := json.loads(line))]
    assert len(losses) == 3
    assert all(map(math.isfinite, losses))
    [arguments] = (tmp_path / "out").rglob("args.json")
    assert json.loads(arguments.read_text())["seed"] == 3, "a flag of one's own arrives"


def test_a_smoke_model_that_cannot_be_made_says_why(script):
    done = script(SCRIPTS[0], SMOKE="1", OUTPUT="/dev/null/out")
    assert done.returncode != 0
    assert "Not a directory: '/dev/null/out" in done.stderr


def test_the_smoke_run_takes_rows_of_ones_own(script, public):
    done = script(
        SCRIPTS[0], SMOKE="1", DRY_RUN="1", VINCICODER_SFT_DATA=str(public), DATASET="vincicoder-sft:web#99 a.jsonl"
    )
    flags = flags_of(done)
    start = flags.index("--dataset")
    assert flags[start + 1 : start + 3] == ["vincicoder-sft:web#8", "a.jsonl#8"]
    assert flags[start + 3].startswith("--")


SETTINGS = [
    {},
    {"SHARDING": "zero3", "TUNER": "lora"},
    {"SHARDING": "fsdp2", "PACKING": "false"},
    {"SHARDING": "none", "STREAMING": "true", "MAX_STEPS": "100"},
]


@pytest.mark.parametrize(
    "settings", SETTINGS, ids=lambda settings: " ".join(map("=".join, settings.items())) or "default"
)
@pytest.mark.parametrize("name", SCRIPTS)
def test_every_flag_and_value_is_known_to_ms_swift(script, name, settings):
    from swift.arguments import SftArguments
    from transformers import HfArgumentParser

    parser = HfArgumentParser(SftArguments)
    known, unknown = argparse.ArgumentParser.parse_known_args(parser, flags_of(script(name, DRY_RUN="1", **settings)))
    assert unknown == []
    assert known.dataset[0].startswith("vincicoder-sft")
    for name in (known.deepspeed, known.fsdp):
        config = Path(__import__("swift").__file__).parent / "config" / f"{name}.json"
        assert not name or config.is_file()


def values_of(flags: list[str], name: str) -> list[str]:
    """The values that follow a flag."""
    if name not in flags:
        return []
    rest = flags[flags.index(name) + 1 :]
    return rest[: next((index for index, word in enumerate(rest) if word.startswith("--")), len(rest))]


@pytest.mark.parametrize(
    ("settings", "datasets", "held_out", "shares"),
    [
        ({}, ["vincicoder-sft"], ["vincicoder-sft-held-out"], []),
        ({"HELD_OUT": "0"}, ["vincicoder-sft"], [], []),
        (
            {"DATASET": "vincicoder-sft:chart/web#1000 mine.jsonl vincicoder-records"},
            ["vincicoder-sft:chart/web#1000", "mine.jsonl", "vincicoder-records"],
            ["vincicoder-sft-held-out:chart/web", "vincicoder-records-held-out"],
            [],
        ),
        (
            {"MIX": "chart=2 svg/latex=1 web-direct=1", "REFINE_SHARE": "0.25"},
            [f"vincicoder-sft:{each}" for each in ("chart-direct", "chart-refine", "svg-direct/latex-direct")]
            + ["vincicoder-sft:svg-refine/latex-refine", "vincicoder-sft:web-direct"],
            ["vincicoder-sft-held-out"],
            [0.375, 0.125, 0.1875, 0.0625, 0.25],
        ),
        (
            {"MIX": "chart=2 svg=1"},
            ["vincicoder-sft:chart", "vincicoder-sft:svg"],
            ["vincicoder-sft-held-out"],
            [2 / 3, 1 / 3],
        ),
    ],
    ids=lambda value: " ".join(map("=".join, value.items())) if isinstance(value, dict) else "",
)
def test_settings_of_the_mixture_become_data_sets_with_shares(script, settings, datasets, held_out, shares):
    flags = flags_of(script(SCRIPTS[0], DRY_RUN="1", **settings))
    assert values_of(flags, "--dataset") == datasets
    assert values_of(flags, "--val_dataset") == held_out
    found = [float(share) for share in values_of(flags, "--interleave_prob")]
    assert found == pytest.approx(shares, abs=1e-9)
    assert not found or sum(found) == pytest.approx(1, abs=1e-10)


def test_a_run_takes_the_parts_of_a_cache_and_its_mean_row(script, tmp_path):
    def part(number: int, rows: int, tokens: int) -> Path:
        directory = tmp_path / "cache" / f"part-{number}-of-2"
        (directory / "val").mkdir(parents=True)
        (directory / "encoded.txt").write_text("MODEL_TYPE=qwen3_vl MAX_LENGTH=16384 MIN_TOKENS=256 MAX_TOKENS=4096\n")
        (directory / "lengths.json").write_text(f'{{"rows": {rows}, "tokens": {tokens}, "edges": [1, 2]}}\n')
        return directory

    settings = {"DRY_RUN": "1", "CACHE": str(tmp_path / "cache")}
    first = part(1, 100, 100_000)
    assert "a part is missing or unfinished" in script(SCRIPTS[0], **settings).stderr
    second = part(2, 300, 1_500_000)
    done = script(SCRIPTS[0], **settings)
    flags = flags_of(done)
    assert values_of(flags, "--dataset") == values_of(flags, "--val_dataset") == []
    assert values_of(flags, "--cached_dataset") == [f"{each}/train" for each in (first, second)]
    assert values_of(flags, "--cached_val_dataset") == [f"{each}/val" for each in (first, second)]
    # 128 rows of 4,000 tokens are 31 sequences.
    assert values_of(flags, "--gradient_accumulation_steps") == ["4"]
    assert "it has 32 sequences, about 131 rows, 524288 tokens" in done.stderr
    other = script(SCRIPTS[0], **settings, MAX_TOKENS="1024")
    assert "but this run has MODEL_TYPE=qwen3_vl MAX_LENGTH=16384 MIN_TOKENS=256 MAX_TOKENS=1024" in other.stderr
    encoding = flags_of_export(script(SCRIPTS[0], **settings, ENCODE="1", PART="2/3"))
    assert values_of(encoding, "--output_dir") == [str(tmp_path / "cache" / "part-2-of-3")]
    assert (
        "is encoded already; remove it to encode it again"
        in script(SCRIPTS[0], **settings, ENCODE="1", PART="2/2").stderr
    )


def flags_of_export(done) -> list[str]:
    from swift.arguments import ExportArguments
    from transformers import HfArgumentParser

    assert done.returncode == 0, done.stderr
    command = shlex.split(done.stdout)
    assert command[1] == "export"
    _, unknown = argparse.ArgumentParser.parse_known_args(HfArgumentParser(ExportArguments), command[2:])
    assert unknown == []
    return command[2:]


def test_a_run_is_resumed_from_its_newest_whole_checkpoint(script, tmp_path):
    settings = {"DRY_RUN": "1", "RESUME": "auto"}
    assert "--resume_from_checkpoint" not in flags_of(script(SCRIPTS[0], **settings)), "there is none yet"
    for version, step, whole in (("v0-a", 900, True), ("v1-b", 1000, True), ("v1-b", 1500, False)):
        checkpoint = tmp_path / "out" / version / f"checkpoint-{step}"
        checkpoint.mkdir(parents=True)
        if whole:
            (checkpoint / "trainer_state.json").touch()
    newest = str(tmp_path / "out" / "v1-b" / "checkpoint-1000")
    assert values_of(flags_of(script(SCRIPTS[0], **settings)), "--resume_from_checkpoint") == [newest]
    assert values_of(flags_of(script(SCRIPTS[0], **settings | {"RESUME": newest})), "--resume_from_checkpoint") == [
        newest
    ]


def test_ms_swift_accepts_the_settings_as_a_whole(script, tiny_models, sft, monkeypatch):
    """Beyond the names: its own checks of values that must go together, which without a GPU refuse bfloat16."""
    from swift.arguments import SftArguments
    from swift.utils import parse_args

    for variables in ({}, {"STREAMING": "true", "MAX_STEPS": "9"}, {"PACKING": "false", "TUNER": "lora"}):
        settings = {"SHARDING": "none", "MODEL": str(tiny_models("qwen3_vl")), "REPORT_TO": "none"}
        flags = flags_of(script(SCRIPTS[0], "--torch_dtype", "float32", DRY_RUN="1", **settings, **variables))
        arguments, unknown = parse_args(SftArguments, flags)
        assert unknown == []
        assert arguments.packing == (variables.get("PACKING") != "false")


def test_several_nodes_are_told_to_ms_swift(script, tmp_path):
    fake = tmp_path / "swift"
    fake.write_text('#!/bin/sh\necho "$NNODES $NODE_RANK $MASTER_ADDR $MASTER_PORT $NPROC_PER_NODE"\n')
    (tmp_path / "python").write_text("#!/bin/sh\necho 4\n")
    for each in (fake, tmp_path / "python"):
        each.chmod(0o755)
    cluster = {"NNODES": "2", "NODE_RANK": "1", "MASTER_ADDR": "10.0.0.7", "MASTER_PORT": "2950", "GPUS_PER_NODE": "4"}
    done = script(SCRIPTS[0], SWIFT=str(fake), **cluster)
    assert done.stdout.splitlines()[-1] == "2 1 10.0.0.7 2950 4", done.stderr


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"SWIFT": "no-such-swift"}, "there is no command 'no-such-swift'; install it with: pip install"),
        ({"VINCICODER_SFT_DATA": "/no/where"}, "VINCICODER_SFT_DATA is '/no/where', which does not exist"),
        ({"GPUS_PER_NODE": "64"}, "GPUS_PER_NODE is 64, but this machine has"),
        ({"BATCH": "100", "BATCH_UNIT": "sequences"}, "BATCH is 100, which is no multiple of MICRO_BATCH x GPUs = 8"),
        ({"BATCH_UNIT": "pages"}, "BATCH_UNIT is 'pages'; expected rows, tokens or sequences"),
        ({"MIX": "chart=many"}, "MIX has 'chart=many'; expected a subset and its share, such as chart=2"),
        (
            {"MIX": "chart=1", "DATASET": "a.jsonl"},
            "MIX and REFINE_SHARE choose among vincicoder-sft, but DATASET is 'a.j",
        ),
        ({"REFINE_SHARE": "30"}, "REFINE_SHARE is '30'; expected 0 to 1"),
        ({"RESUME": "/no/where"}, "RESUME is '/no/where', which is no checkpoint; expected auto or a directory"),
        ({"CACHE": "/no/where"}, "CACHE is '/no/where', which holds no encoded rows; make them with ENCODE=1"),
        ({"ENCODE": "1"}, "ENCODE=1 needs CACHE, the directory that the encoded rows go to"),
        (
            {"ENCODE": "1", "CACHE": "a", "PART": "3"},
            "PART is '3'; expected a part and how many there are, such as 2/4",
        ),
        ({"PACK_LENGTH": "20000"}, "PACK_LENGTH is 20000; expected at most MAX_LENGTH, which is 16384"),
        ({"STREAMING": "true"}, "the length of a stream is unknown; set MAX_STEPS"),
        ({"TUNER": "qlora"}, "TUNER is 'qlora'; expected full or lora"),
    ],
)
def test_what_is_missing_is_said_before_anything_starts(script, environment, sentence):
    done = script(SCRIPTS[0], **environment)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{SCRIPTS[0]}: {sentence}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_names_every_variable(script, name):
    text = script(name, "--help").stdout
    source = (EXAMPLES / "swift_sft.sh").read_text()
    for variable in (
        "MODEL",
        "DATASET",
        "SHARDING",
        "PACKING",
        "BATCH",
        "BATCH_UNIT",
        "PACK_LENGTH",
        "MAX_LENGTH",
        "OUTPUT",
        "NNODES",
        "FREEZE_VIT",
        "MIX",
        "REFINE_SHARE",
        "HELD_OUT",
        "CACHE",
        "RESUME",
    ):
        assert f"  {variable}" in text or f", {variable}" in text
        assert f"${variable}" in source or f"{{{variable}:=" in source
