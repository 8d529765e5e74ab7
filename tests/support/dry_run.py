"""What an example script would run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from repository import EXAMPLES


def dry_run(script: Path, directory: Path, **environment: str) -> list[str]:
    """Return the words of the command that a Bash file would run in the end, without running it.

    Nothing needs to be installed: a file that does nothing stands for the command ``swift``.
    """
    swift = directory / "swift"
    swift.write_text("#!/bin/sh\n")
    swift.chmod(0o755)
    known = {"PATH": os.environ["PATH"], "HOME": str(directory), "EXAMPLES": str(EXAMPLES), "DRY_RUN": "1"}
    known |= {"PYTHON": sys.executable, "SWIFT": str(swift), "TRAIN_FILES": "/data/train.parquet"}
    done = subprocess.run(
        ["bash", str(script)], env=known | environment, capture_output=True, text=True, cwd=directory, check=False
    )
    assert done.returncode == 0, done.stderr
    return shlex.split(done.stdout)


def variables_of(script: str) -> set[str]:
    """Return the environment variables that an example script reads and explains."""
    text = (EXAMPLES / script).read_text("utf-8")
    for sourced in re.findall(r'/(\w+\.sh)"\n', text):
        text += (EXAMPLES / sourced).read_text("utf-8")
    read = set(re.findall(r"\$\{(\w+):=", text))
    return read | set(re.findall(r"^#   (VINCICODER_\w+)", text, re.MULTILINE))
