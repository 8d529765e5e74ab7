"""The reward function inside TRL's real trainer, on CPU."""

from __future__ import annotations

import subprocess
import sys

import pytest
from repository import SUPPORT

pytest.importorskip("trl")


def test_grpo_trainer_learns_from_messages_and_pictures(tmp_path):
    """In a process of its own, since ms-swift changes TRL's classes where both are loaded."""
    done = subprocess.run([sys.executable, str(SUPPORT / "trl_run.py"), str(tmp_path)], capture_output=True, text=True)
    assert done.stdout.strip().endswith("2 steps agree"), done.stderr[-3000:]
