"""The script that measures the checkpoints of a run serves each, stops it again, and compares all."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from repository import EXAMPLES, SUPPORT
from tiny_benchmarks import references, unisvg

SCRIPT = EXAMPLES / "choose_checkpoint.sh"
FLAGS = ["unisvg", "--workers", "1", "--without", "lpips", "--without", "clip"]


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


@pytest.fixture
def choose(tmp_path):
    """A function that runs the script on a directory."""
    python = shlex.quote(sys.executable)

    def run(directory: Path, *flags: str, **environment: str):
        variables = {
            "SERVE": f"{python} {SUPPORT / 'serve_checkpoint.py'} {{checkpoint}} {{port}}",
            "PORT": free_port(),
        }
        variables |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        variables |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": str(SUPPORT.parents[1])}
        command = ["bash", str(SCRIPT), str(directory), *flags]
        return subprocess.run(
            command, env=os.environ | variables | environment, capture_output=True, text=True, timeout=300, check=False
        )

    return run


def checkpoint(directory: Path, answer: str) -> None:
    directory.mkdir(parents=True)
    (directory / "answer.txt").write_text(answer)


def test_checkpoints_are_measured_one_after_the_other_and_compared(choose, tmp_path):
    unisvg(tmp_path / "data" / "unisvg", 2)
    run = tmp_path / "run"
    [(_, code, _)] = references("svg", 1)
    checkpoint(run / "v0-a" / "checkpoint-100", "I would rather not.")
    checkpoint(run / "v0-a" / "checkpoint-1000", f"```svg\n{code}\n```")
    done = choose(run, *FLAGS, "--data", str(tmp_path / "data"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"All 2 checkpoints are compared in {run}/evaluation/report/report.md"
    report = (run / "evaluation" / "report" / "report.md").read_text()
    assert "| v0-a-checkpoint-1000 | **100.0** (100.0" in report
    assert "| v0-a-checkpoint-100 | **0.0** (0.0" in report
    again = choose(run, *FLAGS, "--data", str(tmp_path / "data"))
    assert again.returncode == 0, "a port that was let go, and nothing left to do"


@pytest.mark.parametrize(
    ("made", "environment", "sentence"),
    [
        (False, {}, "run has no checkpoints; expected directories checkpoint-100 and so on"),
        (True, {"SERVE": "false {checkpoint}"}, "checkpoint-1 could not be served: the command ended: false "),
        (True, {"SERVE": "sleep 60", "PATIENCE": "0"}, "checkpoint-1 was not served within 0 seconds"),
    ],
)
def test_what_cannot_be_measured_is_said(choose, tmp_path, made, environment, sentence):
    (tmp_path / "run").mkdir()
    if made:
        checkpoint(tmp_path / "run" / "checkpoint-1", "")
    done = choose(tmp_path / "run", *FLAGS, **environment)
    assert done.returncode == 2
    assert sentence in done.stderr
