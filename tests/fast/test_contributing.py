"""CONTRIBUTING.md's components are true: one file each, and they are options of the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from repository import ROOT

RESPONSE = (
    "```svg\n<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'><rect width='32' height='64'/></svg>\n```"
)


def test_each_file_of_the_examples_is_a_component(tmp_path: Path) -> None:
    _, *modules = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL)
    package = shutil.copytree(ROOT / "vincicoder", tmp_path / "copy" / "vincicoder")
    for name, module in zip(("ink", "brevity"), modules, strict=True):
        (package / "reward" / "components" / f"{name}.py").write_text(module, "utf-8")
    request = {"response": RESPONSE, "target": "target.png", "language": "svg", "reference": RESPONSE}
    (tmp_path / "requests.jsonl").write_text("\n".join(map(json.dumps, [request, {**request, "reference": None}])))
    Image.new("RGB", (64, 64), "black").save(tmp_path / "target.png")
    command = "-m vincicoder score requests.jsonl --output results.jsonl --encoder embedded --workers 1"
    components = {"ink": 0.2, "brevity": {"weight": 0.1, "floor": "0.3"}}
    done = subprocess.run(
        [sys.executable, *command.split(), "--components", json.dumps(components)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "copy")},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = (json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines())
    assert 0.45 < first["scores"]["ink"] < 0.55
    assert (first["scores"]["brevity"], second["scores"]["brevity"]) == (1.0, None)
    paper, ink = first["scores"]["paper"], first["scores"]["ink"]
    assert first["visual"] == pytest.approx((paper + 0.2 * ink + 0.1) / 1.3)
    assert second["visual"] == pytest.approx((paper + 0.2 * ink) / 1.2)
