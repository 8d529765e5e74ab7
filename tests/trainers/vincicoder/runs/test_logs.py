"""Logs that verl's and EasyR1's own loggers write are read. Those of ms-swift and TRL are read where these train."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vincicoder.runs import read_log

VALUES = {
    "critic/score/mean": 0.5,
    "actor/entropy": 0.3,
    "actor/pg_clipfrac": 0.01,
    "response_length/mean": 120.0,
    "response_length/clip_ratio": 0.1,
    "rollout_corr/kl": 0.002,
    "timing_s/step": 20.0,
    "training/epoch": 0,
}
EASYR1 = """
import json, sys
import numpy as np
from verl.utils.logger.logger import Tracker
values = {name: np.float64(value) for name, value in json.loads(sys.argv[2]).items()}
tracker = Tracker(["console", "file"], {"trainer": {"save_checkpoint_path": sys.argv[1]}})
for step in (1, 2):
    tracker.log(values, step)
"""


@pytest.mark.verl
def test_files_and_printed_lines_of_verls_own_tracking_are_read(tmp_path, monkeypatch, capsys):
    tracking = pytest.importorskip("verl.utils.tracking", reason="verl is not installed")
    monkeypatch.setenv("VERL_FILE_LOGGER_ROOT", str(tmp_path))
    tracker = tracking.Tracking("vincicoder", "run", ["console", "file"], {})
    for step in (1, 2):
        tracker.log(VALUES, step)
    del tracker
    printed = tmp_path / "printed.log"
    printed.write_text(capsys.readouterr().out)
    for log in (read_log(tmp_path), read_log(printed)):
        assert (log.trainer, log.step) == ("verl", 2)
        expected = {"reward": 0.5, "entropy": 0.3, "clip": 0.01, "length": 120, "cut": 0.1, "kl": 0.002}
        assert dict(log.entries[-1].values) == {**expected, "step_seconds": 20}


@pytest.mark.skipif("EASYR1_HOME" not in os.environ, reason="EASYR1_HOME names no checkout of EasyR1")
def test_files_and_printed_lines_of_easyr1s_own_loggers_are_read(tmp_path):
    values = {"reward/overall": 0.5, "reward/execution": 0.8, "reward/language/svg/share": 0.5}
    values |= {"reward/language/svg/execution": 0.35}
    values |= {"actor/pg_clipfrac_higher": 0.01, "actor/pg_clipfrac_lower": 0.02, "response_length/mean": 120.0}
    environment = {**os.environ, "PYTHONPATH": os.environ["EASYR1_HOME"]}
    command = [sys.executable, "-c", EASYR1, str(tmp_path), json.dumps(values)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    printed: Path = tmp_path / "printed.txt"
    printed.write_text(done.stdout)
    for log in (read_log(tmp_path), read_log(printed)):
        assert (log.trainer, log.step) == ("easyr1", 2)
        expected = {"reward": 0.5, "execution": 0.8, "language/svg/execution": 0.7, "clip": 0.03, "length": 120}
        assert dict(log.entries[-1].values) == pytest.approx(expected)
