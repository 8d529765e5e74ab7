"""CONTRIBUTING.md's component is true: one file, and it is an option of the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image
from repository import ROOT

RESPONSE = (
    "```svg\n<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'><rect width='32' height='64'/></svg>\n```"
)


def test_the_examples_one_file_is_a_component(tmp_path: Path) -> None:
    _, module = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL)
    package = shutil.copytree(ROOT / "vincicoder", tmp_path / "copy" / "vincicoder")
    (package / "reward" / "components" / "ink.py").write_text(module, "utf-8")
    Image.new("RGB", (64, 64), "black").save(tmp_path / "target.png")
    (tmp_path / "response.md").write_text(RESPONSE)
    command = "-m vincicoder score --target target.png --response response.md --language svg --encoder embedded --json"
    done = subprocess.run(
        [sys.executable, *command.split(), "--components", '{"ink": 0.2}', "--workers", "1"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "copy")},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert 0.45 < result["scores"]["ink"] < 0.55
    assert result["visual"] == (result["scores"]["paper"] + 0.2 * result["scores"]["ink"]) / 1.2
