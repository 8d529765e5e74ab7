"""The reward function inside TRL's real trainer, on CPU."""

from __future__ import annotations

import subprocess
import sys

from needed import needs
from repository import SUPPORT

needs("trl")


def test_grpo_trainer_learns_from_messages_and_images(tmp_path, taught_policy):
    """In a process of its own, since ms-swift changes TRL's classes where both are loaded."""
    command = [sys.executable, str(SUPPORT / "trl_run.py"), str(tmp_path), str(taught_policy("qwen2_5_vl"))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.strip().endswith("2 steps agree"), done.stderr[-3000:]


def test_process_credit_reaches_the_tokens_and_the_log(tmp_path, taught_policy):
    command = [sys.executable, str(SUPPORT / "trl_credit.py"), str(tmp_path), str(taught_policy("qwen2_5_vl"))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.strip().endswith("credit agrees"), done.stderr[-3000:]
