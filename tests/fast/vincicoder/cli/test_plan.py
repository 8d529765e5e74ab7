"""The command ``vincicoder plan``: its text, its JSON, its exit codes, and the file that it writes."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys

import pytest
from repository import ROOT

from vincicoder.cli import main
from vincicoder.cli.parser import FAULT, FINE, USAGE


def test_a_plan_that_fits_is_shown_with_hours_that_nobody_measured(capsys):
    assert main(["plan", "--gpus", "8", "--gpu-memory", "80", "--model", "8b"]) == FINE
    text = capsys.readouterr().out
    assert "It fits" in text
    assert "KV cache 144 KiB a token" in text
    assert "measured by nobody" in text
    assert "Formulas" not in text


def test_a_plan_that_does_not_fit_has_exit_code_1_and_writes_nothing(capsys, tmp_path):
    written = tmp_path / "run.sh"
    assert main(["plan", "--model", "32b", "--trainer", "verl", "--write", str(written)]) == FAULT
    shown = capsys.readouterr()
    assert "The nearest change that fits: --gpus 16." in shown.out
    assert f"{written} was not written, as the run does not fit" in shown.err
    assert not written.exists()


def test_explain_shows_the_formula_of_the_cache(capsys):
    main(["plan", "--explain"])
    assert "KV cache a token = 2 x 36 layers x 8 heads x 128 x 2 bytes = 144 KiB" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--stage", "sft"], ["--model", "32b", "--trainer", "verl"]], ids=str)
def test_json_is_one_object_that_says_the_same(capsys, arguments):
    code = main(["plan", "--json", *arguments])
    data = json.loads(capsys.readouterr().out)
    assert data["fits"] == (code == FINE)
    assert data["measured"] is False
    assert data["gpu_hours"] == pytest.approx(data["hours"] * data["run"]["gpus"])
    assert bool(data["nearest"]) != data["fits"]


def test_json_of_a_run_without_hours_has_none(capsys):
    assert main(["plan", "--json", "--gpus", "1", "--gpu-memory", "8", "--model", "32b"]) == FAULT
    data = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert (data["hours"], data["step"], data["nearest"]) == (None, None, None)


def test_the_written_file_names_the_command_that_made_it(tmp_path, capsys):
    written = tmp_path / "run.sh"
    assert main(["plan", "--gpus", "16", "--trainer", "verl", "--cpus", "64", "--write", str(written)]) == FINE
    text = written.read_text()
    assert "# Made by: vincicoder plan --gpus 16 --trainer verl --cpus 64\n" in text
    assert "export REWARD_WORKERS=64\n" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "9b"], "model is '9b'; expected one of: 2b"),
        (["--gpus", "12"], "gpus is 12; expected a multiple of gpus_per_node, which is 8"),
        (["--write", "/nowhere/run.sh"], "write is '/nowhere/run.sh', which cannot be written"),
    ],
)
def test_a_wrong_option_is_one_sentence(arguments, said, capsys):
    assert main(["plan", *arguments]) == USAGE
    assert said in capsys.readouterr().err


SHOWN = re.findall(r"```console\n\$ vincicoder (.*)\n((?:.*\n)*?)```", (ROOT / "docs" / "plan.md").read_text("utf-8"))


@pytest.mark.parametrize(("arguments", "text"), SHOWN, ids=[arguments for arguments, _ in SHOWN])
def test_the_page_shows_what_the_command_prints(arguments, text, capsys):
    main(shlex.split(arguments))
    assert capsys.readouterr().out == text


def test_the_page_shows_a_plan_that_fits_and_one_that_does_not():
    assert {"It does not fit" in text for _, text in SHOWN} == {True, False}


def test_planning_loads_no_framework():
    code = "import sys; from vincicoder.cli import main; main(['plan']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert not loaded & {"torch", "numpy", "PIL", "transformers", "ray", "verl", "swift"}
