"""Scripts in a throw-away mount namespace, where disks are small and files come and go without anybody else's harm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from repository import ROOT

PRELUDE = f"""
import json, os, subprocess, sys
sys.path.insert(0, {str(ROOT)!r})
from vincicoder.errors import RendererUnavailable
from vincicoder.languages import LANGUAGES
from vincicoder.rendering import Limits, RenderPool
TMPDIR = os.environ["TMPDIR"]
def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)
def sample(name, number):
    comment = {{"python": "# %d", "svg": "<!-- %d -->", "html": "<!-- %d -->", "latex": "%% %d"}}[name]
    return LANGUAGES.get(name).sample + "\\n" + comment % number
"""


def run_with_own_mounts(directory: Path, setup: str, script: str) -> Any:
    """Run Python that prints JSON, as root of a mount namespace of its own; skip where there can be none.

    Args:
        directory: Its directory for temporary files, ``$TMPDIR``.
        setup: Shell commands before it; where these fail, the test is skipped.
        script: What comes after `PRELUDE`.
    """
    namespace = ["unshare", *([] if os.getuid() == 0 else ["-r"]), "-m"]
    environment = {**os.environ, "TMPDIR": str(directory)}
    if subprocess.run([*namespace, "sh", "-ec", setup], env=environment, capture_output=True).returncode:
        pytest.skip("no mount namespace can be made here")
    command = [*namespace, "sh", "-ec", f'{setup}\nexec "$0" -c "$1"', sys.executable, PRELUDE + script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
