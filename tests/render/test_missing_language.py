"""Languages are independent: with the file of one deleted the others work, and whatever needs it says so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from repository import ROOT

CODE = {
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle cx="9" cy="9" r="7"/></svg>',
    "latex": "\\begin{tikzpicture}\\draw (0,0) circle (1);\\end{tikzpicture}",
    "python": "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.savefig('a.png')\n",
}
SUFFIX = {"svg": ".svg", "latex": ".tex"}
OTHERS = {
    "latex": ("tests/fast/vincicoder/rendering/test_svg.py", "opacity or a_use_of_nothing or ground"),
    "svg": ("tests/render/vincicoder/rendering/test_latex.py", "article or first_page or placed"),
}
"""Tests of another language: those that run in a second or two."""

CHECKS = """
import importlib, json, os, pkgutil, sys
from pathlib import Path
import vincicoder
from vincicoder import RenderPool, RewardRequest, VisualReward, align
from vincicoder.cli import main
from vincicoder.errors import ConfigError

gone, code = json.loads(sys.argv[1])
assert Path(vincicoder.__file__).is_relative_to(Path.cwd()), vincicoder.__file__
for module in pkgutil.walk_packages(vincicoder.__path__, "vincicoder."):
    apart = ("vincicoder.cluster", "vincicoder.server", "vincicoder.trainers.flow_factory")
    if not module.name.startswith(apart) and not module.name.endswith(("__main__", "_hooks")):
        importlib.import_module(module.name)

other = "svg" if gone == "latex" else "latex"
with RenderPool(workers=1) as pool:
    for language in ("python", other):
        assert pool.render(code[language], language).image is not None
    if gone == "svg":
        render = pool.render(f"open('a.svg', 'w').write('''{code['svg']}''')", "python")
        assert render.image is None and "needs the svg renderer" in render.message, render
    try:
        pool.render(code[gone], gone)
    except ConfigError as error:
        assert f"language {gone!r} is not known" in str(error)
    else:
        raise AssertionError("rendered without its language")

try:
    align("x", gone)
except ConfigError as error:
    assert f"language {gone!r} is not known" in str(error)
from PIL import Image
Image.new("RGB", (9, 9)).save("out.png")
with VisualReward(encoder="embedded", workers=1) as reward:
    [result] = reward.score([RewardRequest(f"```{gone}\\n{code[gone]}\\n```", "out.png", language=gone)])
assert result.status == "bad_request" and gone in result.message, result

assert main(["doctor", "--encoder", "embedded"]) == 0
assert main(["doctor", "--encoder", "embedded", "--require", gone]) == 2
assert main(["render", sys.argv[2], "-o", "out.png"]) == (0 if gone == "svg" else 2)  # to HTML any markup is a page
"""


@pytest.mark.parametrize("gone", ["latex", pytest.param("svg", marks=pytest.mark.slow)])
def test_without_its_file_a_language_is_gone_and_the_others_work(gone: str, tmp_path: Path) -> None:
    package = shutil.copytree(
        ROOT / "vincicoder", tmp_path / "vincicoder", ignore=shutil.ignore_patterns("__pycache__")
    )
    (package / "languages" / f"{gone}.py").unlink()
    source = tmp_path / f"figure{SUFFIX[gone]}"
    source.write_text(CODE[gone], "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", CHECKS, json.dumps([gone, CODE]), str(source)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    assert gone not in {line.split()[1] for line in done.stdout.splitlines() if line.startswith(("ok", "MISSING"))}
    assert "--require names" in done.stderr
    pytest_of_others = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", OTHERS[gone][1]]
    done = subprocess.run(
        [*pytest_of_others, str(ROOT / OTHERS[gone][0])],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "passed" in done.stdout
