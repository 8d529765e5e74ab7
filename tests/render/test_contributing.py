"""CONTRIBUTING.md's worked example is true: its one file makes a language that every part of the package knows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from repository import ROOT, SUPPORT

SMILES = {
    "name": "smiles",
    "tag": "smi",
    "suffix": ".smi",
    "prompt": "Give the SMILES of this molecule.",
    "codes": ["CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "CC(C)Cc1ccc(cc1)C(C)C(=O)O"],
    "broken": "C(",
}


def test_the_examples_one_file_is_a_language_everywhere(tmp_path: Path) -> None:
    module, *_ = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL)
    package = shutil.copytree(ROOT / "vincicoder", tmp_path / "copy" / "vincicoder")
    (package / "languages" / "smiles.py").write_text(module, "utf-8")
    (tmp_path / "work").mkdir()
    done = subprocess.run(
        [sys.executable, str(SUPPORT / "every_door.py"), str(tmp_path / "work")],
        input=json.dumps(SMILES),
        env={**os.environ, "PYTHONPATH": str(tmp_path / "copy")},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("every door\n")
