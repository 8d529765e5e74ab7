"""``vincicoder eval run`` from a served model to the report, killed in between; and what it says when it cannot work."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from chat_server import chatting
from command_line import COMMAND
from tiny_benchmarks import icon, references, unisvg

from vincicoder.cli import main
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.evaluation import Evaluation

COUNT = 6
ARGUMENTS = ["eval", "run", "unisvg", "--workers", "1", "--concurrency", "2"]
ARGUMENTS += ["--without", "lpips", "--without", "clip"]
ANSWERS = {base64.b64encode(icon(code)).decode(): code for _, code, _ in references("svg", COUNT)}


def good(body) -> str:
    [image, _] = body["messages"][0]["content"]
    return f"```svg\n{ANSWERS[image['image_url']['url'].partition(',')[2]]}\n```"


def started(url: str, model: str, directory: Path, data: Path) -> subprocess.Popen[str]:
    options = ["--url", url, "--model", model, "--out", str(directory), "--data", str(data)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(directory / "cache")}
    return subprocess.Popen(
        [*COMMAND, *ARGUMENTS, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    unisvg(tmp_path / "data" / "unisvg", COUNT)
    return tmp_path / "data"


def test_a_run_that_is_killed_while_it_scores_goes_on_and_reports(tmp_path: Path, data: Path) -> None:
    out = tmp_path / "out"
    scores = out / "scores" / "unisvg" / "org_good-model.jsonl"
    with chatting(good) as server:
        run = started(server.url, "org/good-model", out, data)
        deadline = time.monotonic() + 300
        while not (scores.exists() and b"\n" in scores.read_bytes()) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(run.pid, signal.SIGKILL)
        run.communicate()
        kept = scores.read_bytes().splitlines()[0]
        assert len(server.requests) == COUNT
        again = started(server.url, "org/good-model", out, data)
        _, complained = again.communicate()
        assert again.returncode == 0, complained
        assert len(server.requests) == COUNT  # no answer is asked for again
    assert scores.read_bytes().splitlines()[0] == kept
    evaluation = Evaluation.read(scores)
    assert (evaluation.model, evaluation.columns) == ("org/good-model", {"execution": 100.0, "ssim": 100.0})
    with chatting(lambda body: "no code") as server:
        other = started(server.url, "bad", out, data)
        _, complained = other.communicate()
        assert other.returncode == 0, complained
    markdown = (out / "report" / "report.md").read_text()
    assert "org/good-model less bad" in markdown
    for name, value in (("org/good-model", "**100.0** (100.0–100.0)"), ("bad", "**0.0** (0.0–0.0)")):
        assert f"| {name} | {value} | {value} |" in markdown
    assert "left out here, clip: not wanted" in markdown
    assert len(list((out / "report" / "images").glob("unisvg-target-*.jpg"))) == COUNT


@pytest.mark.parametrize(
    ("url", "where", "code", "told"),
    [
        (
            "http://127.0.0.1:9/v1",
            "nowhere",
            2,
            "--data is the directory that holds a directory of each benchmark's name",
        ),
        ("localhost", "data", 2, "'localhost' is not the address of an endpoint"),
        ("http://127.0.0.1:9/v1", "broken", 2, "item 0 has no 'q_text'"),
    ],
)
def test_what_cannot_work_is_said_in_one_sentence(
    tmp_path: Path, data: Path, url: str, where: str, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken" / "unisvg").mkdir(parents=True)
    (tmp_path / "broken" / "unisvg" / "test.json").write_text("[{}]")
    options = ["--url", url, "--model", "m", "--out", str(tmp_path / "out"), "--data", str(tmp_path / where)]
    assert main([*ARGUMENTS, *options]) == code
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("vincicoder: error: ")]
    assert len(errors) == 1
    assert told in errors[0]


def test_an_endpoint_that_refuses_everything_is_named(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with chatting(lambda body: 401) as server:
        options = ["--url", server.url, "--model", "m", "--out", str(tmp_path / "out"), "--data", str(data)]
        assert main([*ARGUMENTS, *options]) == 1
    [error] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("vincicoder: error: ")]
    assert "none of 6 questions was answered" in error
    assert "does it serve 'm'?" in error


def test_predictions_for_another_benchmark_are_named(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    predictions = tmp_path / "predictions.jsonl"
    predictions.write_text(json.dumps({"id": "icon-7", "response": "x"}) + "\n")
    arguments = ["score", "unisvg", str(predictions), "--source", str(data / "unisvg")]
    assert main(["eval", *arguments, "--output", str(tmp_path / "scores.jsonl")]) == 2
    assert "it has no sample 'icon-7' but such as '0-" in capsys.readouterr().err


def test_a_name_goes_before_that_of_the_predictions(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    predictions, scores = tmp_path / "predictions.jsonl", tmp_path / "scores.jsonl"
    [name, *_] = [sample.id for sample in BENCHMARKS.get("unisvg").load(data / "unisvg")]
    predictions.write_text(json.dumps({"id": name, "response": "none", "model": "theirs"}) + "\n")
    arguments = ["eval", "score", "unisvg", str(predictions), "--source", str(data / "unisvg"), "--output", str(scores)]
    arguments += ["--workers", "1"]
    assert main([*arguments, "--name", "mine"]) == 0
    assert Evaluation.read(scores).model == "mine"
    capsys.readouterr()
    assert main([*arguments, "--name", "other"]) == 2
    assert "results of other settings (model: mine there, other now)" in capsys.readouterr().err
