"""CONTRIBUTING.md's worked example is true: its three blocks make a renderer."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from repository import ROOT

CHECK = """
import vincicoder
from vincicoder import RenderPool, Status, align
from pathlib import Path

assert Path(vincicoder.__file__).is_relative_to(Path.cwd()), vincicoder.__file__
code = align("Here:\\n```smi\\nCC(=O)Oc1ccccc1C(=O)O\\n```", prompt="Give the SMILES of this molecule.").code
with RenderPool(workers=1, renderer_options={"smiles": {"size": 200}}) as pool:
    render = pool.render(code, "smiles")
    assert render.image is not None, render
    assert render.image.size == (200, 200)
    assert len(render.image.getcolors(100_000)) > 2
    assert pool.render("C(", "smi").status is Status.SYNTAX_ERROR
"""


def test_the_example_renderer_draws(tmp_path):
    module, line, entry = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL)
    package = shutil.copytree(ROOT / "vincicoder", tmp_path / "vincicoder")
    (package / "rendering" / "smiles.py").write_text(module, "utf-8")
    insert(package / "rendering" / "__init__.py", "RENDERERS: dict[str, tuple[str, str]] = {\n", line)
    insert(package / "languages.py", "    for language in (\n", entry)
    result = subprocess.run(
        [sys.executable, "-c", CHECK], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr


def insert(path: Path, anchor: str, text: str) -> None:
    source = path.read_text("utf-8")
    assert source.count(anchor) == 1
    path.write_text(source.replace(anchor, anchor + text), "utf-8")
