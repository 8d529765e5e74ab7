"""A run that goes wrong is told from one that does not, with the likely cause."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vincicoder.cli import main
from vincicoder.errors import ConfigError
from vincicoder.runs import Entry, Level, Log, read_recipe, watch

FINE = {"reward": 0.5, "execution": 0.9, "alignment": 1.0, "length": 900.0, "entropy": 0.4, "code_error": 0.1}
RECIPE = """
title: a run
what: for tests
trainers: {swift: {}}
plan: {gpus: 8, rows: 5120}
bands:
  execution: {steps: {1: [0.8, 1.0], end: [0.9, 1.0]}, stop_below: 0.5, basis: assumed, why: it is a test}
  kl: {steps: {1: [0, 0.01]}, basis: assumed, why: it is a test}
"""


def run(steps: int = 30, **moving) -> Log:
    """A log that learns; ``moving`` gives values by the share of the run that is over."""
    moving = {"reward": lambda share: 0.5 + 0.2 * share, **moving}
    entries = (
        Entry(step, FINE | {name: move(step / steps) for name, move in moving.items()}) for step in range(1, steps + 1)
    )
    return Log("swift", Path("logging.jsonl"), tuple(entries))


def test_nothing_is_off_in_a_run_that_learns():
    assert watch(run()).findings == ()


@pytest.mark.parametrize(
    ("moving", "level", "measure", "message", "cause"),
    [
        (
            {"reward": lambda s: 0.5, "timeout": lambda s: 0.3 * s, "alignment": lambda s: 0.95},
            Level.OFF,
            "reward",
            r"the reward is flat: \+0.000 in 29 steps",
            r"timeout 0.28 \(was 0.03\); code_error 0.10; no aligned code 0.05",
        ),
        ({"reward": lambda s: 0.5 - 0.2 * s}, Level.STOP, "reward", "fallen by 0.167", "code_error"),
        ({"length": lambda s: 900 - 600 * s}, Level.OFF, "length", "shrunk from 840 to 340 tokens", "empty or trivial"),
        ({"entropy": lambda s: 0.4 - 0.39 * s}, Level.OFF, "entropy", "entropy has fallen", "explores no more"),
        (
            {"language/svg/execution": lambda s: 0.9 - 0.3 * s, "language/html/execution": lambda s: 0.95},
            Level.OFF,
            "language/svg/execution",
            "share of svg code that runs has fallen from 0.87 to 0.62",
            "code_error",
        ),
        ({"infrastructure": lambda s: 0.02}, Level.OFF, "infrastructure", "failed to score 2.0%", "vincicoder doctor"),
        ({"guarded": lambda s: 0.1}, Level.OFF, "guarded", "10.0% of responses are blank", "found blank or copied"),
        ({"reward_share": lambda s: 0.6}, Level.NOTE, "reward_share", "waits for the reward in 60%", "more cores"),
        ({"bad_target": lambda s: 0.01}, Level.NOTE, "bad_target", "target of 1.0% of responses", "cannot be read"),
        ({"grad_norm": lambda s: float("nan")}, Level.STOP, "grad_norm", "no longer a number", "last checkpoint"),
    ],
    ids=lambda value: value if isinstance(value, str) and "/" not in value and len(value) < 16 else "",
)
def test_what_goes_wrong_is_named_with_its_likely_cause(moving, level, measure, message, cause):
    import re

    [found] = watch(run(**moving)).findings
    assert (found.level, found.measure) == (level, measure)
    assert re.search(message, found.message)
    assert re.search(cause, found.cause)


def test_a_run_that_has_just_begun_is_not_judged_by_trends():
    assert watch(run(4, reward=lambda s: 0.5, length=lambda s: 900 - 800 * s)).findings == ()


@pytest.fixture
def recipe(tmp_path) -> Path:
    path = tmp_path / "r.yaml"
    path.write_text(RECIPE)
    return path


@pytest.mark.parametrize(("execution", "level"), [(0.95, None), (0.7, Level.OFF), (0.4, Level.STOP)])
def test_a_run_is_held_against_the_bands_of_its_recipe(execution, level, recipe):
    report = watch(run(10, execution=lambda s: execution), read_recipe(recipe))
    assert report.level == level
    assert report.last == 20, "5,120 rows by 256 prompts"
    assert report.unlogged == ("kl",)
    [row] = [row for row in report.rows if row.measure == "execution"]
    assert (row.band, row.level) == ((pytest.approx(0.847368), 1.0), level)


def test_one_step_outside_a_band_is_chance_but_not_the_first_one(recipe):
    spike = [Entry(step, {"execution": 0.3 if step == 5 else 0.95}) for step in range(1, 6)]
    assert watch(Log("swift", Path("a"), tuple(spike)), read_recipe(recipe)).findings == ()
    assert watch(Log("swift", Path("a"), (Entry(1, {"execution": 0.3}),)), read_recipe(recipe)).level == Level.STOP


def written(directory: Path, log: Log) -> Path:
    names = {"reward": "reward", "length": "completions/mean_length"}
    rows = (
        {names.get(k, f"vincicoder/{k}"): v for k, v in entry.values.items()}
        | {"global_step/max_steps": f"{entry.step}/20"}
        for entry in log.entries
    )
    (directory / "logging.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return directory


@pytest.mark.parametrize(("execution", "code"), [(0.95, 0), (0.7, 1), (0.4, 3)])
def test_the_exit_status_tells_a_scheduler(execution, code, recipe, tmp_path, capsys):
    directory = written(tmp_path, run(10, execution=lambda s: execution))
    assert main(["watch", str(directory), "--recipe", str(recipe), "--json"]) == code
    report = json.loads(capsys.readouterr().out)
    assert report["level"] == {0: None, 1: "off", 3: "stop"}[code]
    assert main(["watch", str(directory), "--recipe", str(recipe)]) == code
    assert "swift, step 10 of 20; recipe r" in capsys.readouterr().out


def test_following_ends_with_the_last_step(recipe, tmp_path, capsys):
    directory = written(tmp_path, run(20, execution=lambda s: 0.97))
    assert main(["watch", str(directory), "--recipe", str(recipe), "--follow", "--interval", "0.01"]) == 0
    assert capsys.readouterr().out.count("step 20 of 20") == 1


def test_a_missing_run_is_a_usage_error(tmp_path, capsys):
    assert main(["watch", str(tmp_path / "none")]) == 2
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ("title: a run", "title: [", "is not YAML"),
        ("what: for tests", "", "lacks what"),
        ("  execution:", "  exection:", "'exection', which is no measure; expected one of: reward, execution"),
        ("0.8, 1.0", "1.0, 0.8", r"a range is \[1.0, 0.8\]; expected \[lowest, highest\]"),
        ("basis: assumed", "basis: hoped", "basis must be one of measured, assumed"),
        ("trainers:", "trainer:", "it has trainer; expected of"),
        ("1: [0.8", "one: [0.8", "a step is 'one'; expected a whole number or 'end'"),
    ],
)
def test_a_recipe_that_cannot_be_meant_is_an_error_that_names_the_place(line, instead, said, tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(RECIPE.replace(line, instead, 1))
    with pytest.raises(ConfigError, match=said):
        read_recipe(path)
