"""Tiny models, data in the public layout, and the real ``swift`` command, without network or GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import tiny_vlm
from public_layout import BAD, chart_rows, parquet, svg_rows, web_rows
from repository import ROOT

PLUGINS = ROOT / "swift_plugins"


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory):
    """A function that returns the directory of a tiny model of a kind, made once."""
    made: dict[str, Path] = {}

    def model(kind: str) -> Path:
        if kind not in made:
            made[kind] = tiny_vlm.make_tiny_vlm(tmp_path_factory.mktemp(kind), kind)
        return made[kind]

    return model


@pytest.fixture(scope="session")
def swift_environment(tmp_path_factory):
    """The environment of a run that must not reach for a network or for anybody's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELSCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("PYTHONUNBUFFERED", "1")
        patch.setenv("OMP_NUM_THREADS", "1")  # the models are too small for more to help
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        for name in ("VINCICODER_SFT_DATA", "VINCICODER_RL_DATA", "VINCICODER_RECORDS_DATA", "USE_HF"):
            patch.delenv(name, raising=False)
        yield


@dataclass
class Run:
    """What a command left behind."""

    status: int
    output: str
    directory: Path

    @property
    def log(self) -> list[dict]:
        """The lines of the training log that hold a loss."""
        [path] = self.directory.rglob("logging.jsonl")
        rows = (json.loads(line) for line in path.read_text().splitlines())
        return [row for row in rows if "loss" in row]


@pytest.fixture(scope="session")
def swift_sft(tiny_models, swift_environment, tmp_path_factory):
    """A function that runs ``swift sft`` with a tiny model and returns its :class:`Run`."""

    def run(kind: str, dataset: str | list[str], *flags: object, **environment: object) -> Run:
        directory = tmp_path_factory.mktemp("run")
        names = [dataset] if isinstance(dataset, str) else dataset
        model = tiny_models(kind)
        arguments = (
            f"--model {model} --model_type {kind} --template {kind} --output_dir {directory} --check_model false "
        )
        arguments += "--torch_dtype float32 --attn_impl eager --tuner_type full --max_steps 3 --logging_steps 1 "
        arguments += "--per_device_train_batch_size 2 --gradient_accumulation_steps 1 --learning_rate 1e-3 "
        arguments += "--max_length 4096 --save_strategy no --report_to none --dataset_num_proc 1 "
        arguments += f"--dataloader_num_workers 0 --external_plugins {PLUGINS / 'vincicoder_sft.py'} "
        arguments += f"{tiny_vlm.TOKENS_PLUGIN}"
        command = ["swift", "sft", *arguments.split(), "--dataset", *names, *map(str, flags)]
        variables = {name: str(value) for name, value in environment.items()}
        done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, timeout=240)
        return Run(done.returncode, done.stdout + done.stderr, directory)

    return run


@pytest.fixture(scope="session")
def public(tmp_path_factory) -> Path:
    """A directory in the layout of the public set: 7 refinements of charts, 6 pages, 6 icons."""
    directory = tmp_path_factory.mktemp("public")
    parquet(directory / "chart2code_refine.parquet", chart_rows(7))
    parquet(directory / "web2html_1.parquet", web_rows(6))
    parquet(directory / "more" / "img2svg_1.parquet", svg_rows(6))
    return directory


@pytest.fixture(scope="session")
def messy(tmp_path_factory) -> Path:
    """4 good rows in a file whose name tells nothing, and a bad row of every kind twice."""
    directory = tmp_path_factory.mktemp("messy")
    good = svg_rows(4)
    bad = [good[0] | change for change in BAD.values() for _ in range(2)]
    parquet(directory / "surprise.parquet", [*bad[:5], *good[:2], *bad[5:], *good[2:]])
    return directory


@pytest.fixture(scope="session")
def sft(swift_environment):
    """The plugin, loaded by ms-swift as its command line does."""
    pytest.importorskip("swift.dataset")
    from swift.utils import import_external_file

    import_external_file(str(tiny_vlm.TOKENS_PLUGIN))
    return import_external_file(str(PLUGINS / "vincicoder_sft.py"))
