"""``vincicoder fidelity`` end to end on one SVG reference."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest
from command_line import COMMAND

from vincicoder.cli import main
from vincicoder.fidelity.references import snippets

_ARGUMENTS = ["--encoder", "embedded", "--workers", "1", "--languages", "svg", "--limit", "1"]


def test_the_command_measures_and_shows_the_worst(tmp_path, capsys):
    scores, report = tmp_path / "scores.jsonl", tmp_path / "report"
    assert main(["fidelity", *_ARGUMENTS, "--output", str(scores), "--report", str(report)]) == 0
    told = capsys.readouterr()
    assert "preset paper" in told.out
    assert "hacks_without_raster" in told.out
    page = (report / "index.html").read_text()
    assert "Worst misjudgements of the preset paper" in page
    assert "1. mediocre-" in page or "1. slight" in page
    assert len(list((report / "images").glob("render-*.webp"))) in range(10, 21, 2)
    assert len(list((report / "images").glob("plot-*.svg"))) == 6
    assert main(["fidelity", *_ARGUMENTS, "--output", str(scores), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["presets"]["paper"]["all"]["references"] == 1


@pytest.mark.slow
def test_all_of_it_for_two_presets(tmp_path, capsys):
    scores, report = tmp_path / "scores.jsonl", tmp_path / "report"
    arguments = ["--compare", "robust", "--validity", "--search", "24", "--output", str(scores)]
    assert main(["fidelity", *_ARGUMENTS, *arguments, "--report", str(report)]) == 0
    told = capsys.readouterr().out
    for said in ("tau-b with official metrics", "svg: ssim", "lpips is left out", "none found", "below_noise"):
        assert said in told
    page = (report / "index.html").read_text()
    assert "Worst misjudgements of the presets paper and robust" in page
    assert "paper 1. " in page  # robust may have none to show
    assert "honest work" in page
    found = {path.name for path in tmp_path.glob("*.jsonl")}
    assert found == {"scores.jsonl", "scores.search.jsonl", "scores.unisvg.jsonl"}
    assert main(["fidelity", *_ARGUMENTS, *arguments, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["search"]["paper"]["targets"] == again["search"]["robust"]["targets"] == 1
    assert set(again["validity"]["domains"]["svg"]["presets"]) == {"paper", "robust"}


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    scores = tmp_path / "scores.jsonl"
    command = [*COMMAND, "fidelity", *_ARGUMENTS, "--output", str(scores), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 100
    while not (scores.exists() and scores.read_bytes().count(b"\n") >= 5) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    kept = scores.read_bytes()
    kept = kept[: kept.rfind(b"\n") + 1]
    assert kept.count(b"\n") >= 5
    done = subprocess.run(command, capture_output=True, timeout=300, check=True)
    assert scores.read_bytes().startswith(kept)
    assert json.loads(done.stdout)["presets"]["paper"]["all"]["references"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.jsonl"], "'nowhere.jsonl' does not exist"),
        (["--languages", "cobol"], "cobol"),
        (["--split", "training"], "no reference is left for split 'training'"),
    ],
)
def test_what_cannot_work_is_said(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert main(["fidelity", "--encoder", "embedded", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_records_of_ones_own(tmp_path, capsys):
    each = next(each for each in snippets() if each.name == "layers")
    (tmp_path / "broken.png").write_bytes(b"no image")
    path = tmp_path / "records.jsonl"
    path.write_text(json.dumps({"id": "mine", "target": "broken.png", "code": each.code}))
    assert main(["fidelity", str(path), "--encoder", "embedded", "--workers", "1"]) == 2
    assert "no reference has an image" in capsys.readouterr().err
    assert Path(path).is_file()
