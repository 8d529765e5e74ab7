"""TRL's real trainer with an environment: a policy that looks at what it draws, and draws it again."""

from __future__ import annotations

import subprocess
import sys

import pytest
from needed import needs_release
from repository import SUPPORT

pytestmark = pytest.mark.timeout(1200)  # not slow: it is there for `tests/run.sh newest`, and skipped elsewhere
needs_release("trl", 1, 16)  # earlier ones make text of what a tool returns


def test_two_turns_earn_what_their_last_render_does(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SUPPORT / "trl_turns.py"), str(tmp_path)], capture_output=True, text=True
    )
    assert done.stdout.strip().endswith("turns agree"), done.stdout + done.stderr[-3000:]
