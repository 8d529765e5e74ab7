"""Logs of four trainers come in one form. Logs that the trainers themselves wrote are read in ``tests/trainers``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vincicoder.errors import ConfigError
from vincicoder.runs import read_log

RAY = "\x1b[36m(Runner pid=31)\x1b[0m "
EASYR1 = {
    "reward": {"overall": 0.6, "execution": 0.8, "language": {"svg": {"share": 0.5, "execution": 0.35}}},
    "timing_s": {"step": 20},
}
EASYR1_PRINTED = "Step 1\nreward:\n  execution: 0.8\n  language:\n    svg:\n      execution: 0.35\n      share: 0.5\n  overall: 0.6\ntiming_s:\n  step: 20.0\n"
VERL = {"critic/score/mean": 0.6, "timing_s/step": 20.0}
SWIFT = {"reward": 0.6, "vincicoder/execution": 0.8, "global_step/max_steps": "1/9", "train_speed(s/it)": 20.0}
TRL = {"reward": 0.6, "vincicoder/execution": 0.8, "step": 1, "step_time": 20.0}

FILES = {
    ("easyr1", "experiment_log.jsonl"): json.dumps({"step": 1, **EASYR1}),
    ("easyr1", "printed.log"): EASYR1_PRINTED,
    ("easyr1", "ray.log"): "".join(f"{RAY}{line}\n" for line in EASYR1_PRINTED.splitlines()),
    ("verl", "vincicoder.jsonl"): json.dumps({"step": 1, "data": VERL}),
    ("verl", "printed.out"): "(TaskRunner pid=7) step:1 - critic/score/mean:np.float64(0.6) - timing_s/step:20.0",
    ("swift", "logging.jsonl"): json.dumps(SWIFT),
    ("trl", "trainer_state.json"): json.dumps({"log_history": [TRL]}, indent=1),
}


@pytest.mark.parametrize(("trainer", "file"), FILES)
def test_every_form_of_every_trainer_is_found_and_read(trainer, file, tmp_path):
    path = tmp_path / "deep" / file
    path.parent.mkdir()
    path.write_text(f"some words before\n{FILES[trainer, file]}\n" if path.suffix != ".json" else FILES[trainer, file])
    for run in (tmp_path, path):
        log = read_log(run)
        assert (log.trainer, log.step, log.path) == (trainer, 1, path)
        assert log.series("reward") == [(1, 0.6)]
        assert log.series("step_seconds") == [(1, 20.0)]
        if trainer != "verl":
            assert log.series("execution") == [(1, 0.8)]
        if trainer == "easyr1":
            assert log.series("language/svg/execution") == [(1, 0.7)]


def test_the_metrics_of_verls_responses_are_means_by_step_without_those_of_validation(tmp_path):
    (tmp_path / "log.jsonl").write_text("".join(json.dumps({"step": n, "data": VERL}) + "\n" for n in (1, 2)))
    for name, shares in (("rollouts/1", (1.0, 0.0)), ("rollouts/2", (1.0, 1.0)), ("validation/2", (0.0, 0.0))):
        path = tmp_path / f"{name}.jsonl"
        path.parent.mkdir(exist_ok=True)
        rows = [{"output": "x", "step": 1, "execution": share, "language/svg/execution": None} for share in shares]
        path.write_text("\n".join(map(json.dumps, rows)))
    assert read_log(tmp_path).series("execution") == [(1, 0.5), (2, 1.0)]


def test_what_our_sampler_adds_to_verls_own_log_is_read(tmp_path):
    shares = {"vincicoder/execution": 0.5, "vincicoder/group/below_noise": 0.25}
    (tmp_path / "log.jsonl").write_text(json.dumps({"step": 1, "data": {**VERL, **shares}}))
    printed = " - ".join(f"{name}:np.float64({value})" for name, value in {**VERL, **shares}.items())
    (tmp_path / "printed.out").write_text(f"step:1 - {printed}\n")
    for name in ("log.jsonl", "printed.out"):
        log = read_log(tmp_path / name)
        assert (log.series("execution"), log.series("below_noise")) == ([(1, 0.5)], [(1, 0.25)])


def test_a_line_that_is_still_being_written_and_lines_of_others_are_passed_over(tmp_path):
    path = tmp_path / "logging.jsonl"
    path.write_text(f'{json.dumps(SWIFT)}\n{{"train_runtime": 3}}\nnull\n[1]\n{{"reward": 0.7, "global_st')
    assert read_log(path).series("reward") == [(1, 0.6)]


def test_a_step_that_was_done_again_counts_as_it_was_the_last_time(tmp_path):
    path = tmp_path / "experiment_log.jsonl"
    path.write_text("".join(json.dumps({"step": 1, "reward": {"overall": value}}) + "\n" for value in (0.1, 0.2)))
    assert read_log(path).series("reward") == [(1, 0.2)]


def test_numbers_that_are_none_are_kept_so_that_they_can_be_told(tmp_path):
    path = tmp_path / "logging.jsonl"
    path.write_text(json.dumps({**SWIFT, "grad_norm": float("nan")}))
    [(_, value)] = read_log(path).series("grad_norm")
    assert value != value


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "does not exist; give the directory of a run"),
        (lambda path: path.mkdir(), "there is no log with a step in"),
        (lambda path: path.write_text("hello\n"), "expected one of experiment_log.jsonl, logging.jsonl"),
    ],
)
def test_a_run_without_a_log_is_an_error_that_says_what_is_looked_for(make, said, tmp_path):
    run: Path = tmp_path / "run"
    make(run)
    with pytest.raises(ConfigError, match=said):
        read_log(run)


def test_an_unknown_trainer_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="trainer is 'nemo'; expected one of: easyr1, swift, verl, trl"):
        read_log(tmp_path, "nemo")
