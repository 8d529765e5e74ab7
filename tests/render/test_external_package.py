"""A package of its own brings a language, an encoder and a component by entry points, and every door knows them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from plugin import run_with, write_plugin
from repository import SUPPORT
from served import served

DOT = {
    "name": "dot",
    "tag": "gv",
    "suffix": ".gv",
    "prompt": "Write Graphviz code for this graph.",
    "codes": [
        "digraph { a -> b -> c }",
        "graph { rankdir=LR; a -- b; b -- c; c -- a }",
        "digraph { x [shape=box]; x -> y; x -> z }",
    ],
    "broken": "digraph { a -> ",
}


def test_the_language_is_known_everywhere(dot_site: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SUPPORT / "every_door.py"), str(tmp_path)],
        input=json.dumps(DOT),
        env={**os.environ, "PYTHONPATH": str(dot_site)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("every door\n")


def test_a_score_uses_its_encoder_and_its_component(dot_site: Path, tmp_path: Path) -> None:
    code = """
import json
from vincicoder import RenderPool, RewardRequest, VisualReward
from vincicoder.cli import main
with RenderPool(1) as pool:
    pool.render("digraph { a -> b -> c }", "dot").image.save("target.png")
with VisualReward(encoder="grey:14", components={"ink": 1.0}, workers=1) as reward:
    answers = [f"```dot\\n{code}\\n```" for code in ("digraph { a -> b -> c }", "graph { a; b; c; d }")]
    same, other = reward.score([RewardRequest(each, "target.png", language="dot") for each in answers])
assert (same.encoder, same.scores["ink"]) == ("grey:14", 1.0), same
assert 0 < other.scores["ink"] < 0.9, other
assert same.overall > 0.99 > other.overall, (same, other)
open("answer.md", "w").write(answers[1])
arguments = ["score", "--target", "target.png", "--response", "answer.md", "--language", "gv", "--encoder", "grey:14"]
assert main([*arguments, "--components", '{"ink": 1.0}', "--json"]) == 0
"""
    printed = json.loads(run_with(code, dot_site, cwd=tmp_path).splitlines()[-1])
    assert (printed["status"], printed["encoder"], printed["language"]) == ("ok", "grey:14", "dot")
    assert 0 < printed["scores"]["ink"] < 0.9


def test_its_renderer_is_confined(dot_site: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    code = f"""
from PIL import Image
from vincicoder import RenderPool, Status
from vincicoder.guards import smuggled_raster
Image.new("RGB", (300, 300), "red").save({str(secret)!r})
with RenderPool(1) as pool:
    code = 'digraph {{ a [label="", shape=none, image="{secret}"] }}'
    render = pool.render(code, "dot")
    assert render.image is None or (255, 0, 0) not in render.image.getdata(), render
    assert "image file" in smuggled_raster(code, "dot")
    assert pool.render("digraph {{ a [shape=box, width=9999, height=9999] }}", "dot").status is not Status.OK
    assert pool.start("dot")["graphviz"]
print("confined")
"""
    assert run_with(code, dot_site, cwd=tmp_path).endswith("confined\n")


def test_a_misspelt_name_and_its_own_errors_are_told(dot_site: Path) -> None:
    code = """
from vincicoder.errors import ConfigError
from vincicoder.languages import get_language
from vincicoder.similarity import load_encoder
for call, name in ((load_encoder, "gray"), (load_encoder, "grey:5"), (get_language, "graphvis")):
    try:
        call(name)
    except ConfigError as error:
        print(str(error).replace("\\n", " "))
"""
    lines = run_with(code, dot_site).splitlines()
    assert lines[0].endswith("Did you mean 'grey'?")
    assert "an N that divides 448" in lines[1]
    assert lines[2].endswith("Did you mean 'graphviz'?")


def test_a_server_on_this_machine_uses_all_three(dot_site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("uvicorn", reason="the extra 'serve' is not installed")
    monkeypatch.setenv("PYTHONPATH", str(dot_site))
    with served("--encoder", "grey", "--components", '{"ink": 1.0}') as client:
        status, text = client.ask("POST", "/v1/render", {"code": DOT["codes"][0], "language": "gv"})
        rendered = json.loads(text)
        assert (status, rendered["status"]) == (200, "ok"), text
        sample = {"response": f"```gv\n{DOT['codes'][0]}\n```", "target": rendered["image"], "language": "dot"}
        [result] = client.score(sample)
    assert (result["status"], result["encoder"], result["language"]) == ("ok", "grey", "dot")
    assert result["overall"] > 0.99
    assert result["scores"]["ink"] == 1.0


PLAIN = """
import sys
from vincicoder.languages import Language
from vincicoder.rendering.renderer import Policy


class Renderer:
    jobs_per_child = 1

    def policy(self):
        return Policy()

    def preload(self):
        import PIL.Image
        registry = sys.modules["vincicoder.registry"]
        return {"path": sys.path, "scanned": registry._plugins is not None}

    def render(self, code, workspace, options):
        import plain_helper  # read inside the sandbox, from the package's own directory
        return plain_helper.square(int(code))


LANGUAGE = Language("plain", Renderer, sample="9", uses=("python",))
"""
HELPER = "import PIL.Image\ndef square(side): return PIL.Image.new('RGB', (side, side), 'red')\n"


def test_its_fork_server_may_run_another_interpreter_and_scans_nothing(tmp_path: Path) -> None:
    site, other = tmp_path / "site", tmp_path / "python"
    plugin = {"vincicoder.languages": {"plain": "plain:LANGUAGE"}}
    write_plugin(site, "plain-language", plugin, {"plain": PLAIN, "plain_helper": HELPER})
    other.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    other.chmod(0o755)
    code = f"""
from vincicoder import RenderPool
with RenderPool(1, python={str(other)!r}) as pool:
    details = pool.start("plain")
    assert {str(site)!r} in details["path"] and not details["scanned"], details
    assert pool.render("7", "plain").image.size == (7, 7)
print("rendered")
"""
    assert run_with(code, site, cwd=tmp_path).endswith("rendered\n")
