"""Use a language through every door of the package: ``python every_door.py DIRECTORY < JSON``.

Runs in a process of its own, whose package or plugins are those of the test that started it. The JSON has ``name``,
``tag`` (an alias), ``prompt``, ``codes`` (at least three that render differently), ``broken`` (does not parse) and
``suffix``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_recipes.defects import DEFECTS
from vincicoder import RenderPool, RewardRequest, Status, VisualReward, align
from vincicoder.cli import main
from vincicoder.guards import smuggled_raster


def run(*arguments: str) -> tuple[int, str]:
    """Run the command line and return its exit code and what it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        code = main(arguments)
    return code, printed.getvalue()


def check_alignment(language: Mapping[str, Any]) -> None:
    answer = f"Here:\n```{language['tag']}\n{language['codes'][0]}\n```"
    for aligned in (align(answer, language["name"]), align(answer, prompt=language["prompt"])):
        assert (aligned.language, aligned.code) == (language["name"], language["codes"][0]), aligned


def check_rendering(language: Mapping[str, Any], directory: Path) -> None:
    with RenderPool(workers=1) as pool:
        assert pool.render(language["broken"], language["tag"]).status is Status.SYNTAX_ERROR
        render = pool.render(language["codes"][0], language["name"])
        assert render.image is not None, render
        assert len(render.image.convert("RGB").getcolors(1 << 20)) > 2
    for number, code in enumerate(language["codes"]):
        path = directory / f"{number}{language['suffix']}"
        path.write_text(code, "utf-8")
        assert run("render", str(path), "-o", str(directory / f"{number}.png"))[0] == 0


def check_scores(language: Mapping[str, Any], directory: Path) -> None:
    response = f"```{language['name']}\n{language['codes'][0]}\n```"
    with VisualReward(encoder="embedded", workers=1) as reward:
        targets = [directory / "0.png", directory / "1.png"]
        same, other = reward.score([RewardRequest(response, str(each), language=language["name"]) for each in targets])
    assert (same.status, other.status) == (Status.OK, Status.OK), (same, other)
    assert same.overall > 0.99 > other.overall, (same.overall, other.overall)
    raster = "data:image/png;base64," + "A" * 8000
    assert smuggled_raster(language["codes"][0], language["name"]) is None
    assert smuggled_raster(raster, language["name"]) is not None


def check_doctor(language: Mapping[str, Any]) -> None:
    code, printed = run("doctor", "--json", "--encoder", "embedded", "--require", language["tag"])
    [found] = [each for each in json.loads(printed)["checks"] if each["name"] == language["name"]]
    assert (code, found["state"]) == (0, "ok"), found


def check_recipes(language: Mapping[str, Any], directory: Path) -> None:
    (directory / "rows").mkdir()
    with (directory / "rows" / "train.jsonl").open("w", encoding="utf-8") as file:
        for number, code in enumerate(language["codes"]):
            target = str(directory / f"{number}.png")
            file.write(json.dumps({"target": target, "code": code, "language": language["tag"]}) + "\n")
    collected, sampled = str(directory / "collected"), str(directory / "sampled")
    assert run("data", "collect", "records", "--from", str(directory / "rows"), "--out", collected)[0] == 0
    assert run("data", "sample", collected, "--out", sampled)[0] == 0
    code, printed = run("data", "validate", sampled, "--workers", "1")
    found = json.loads(printed.splitlines()[-1])
    assert (code, found["earned"]) == (0, len(language["codes"])), printed
    exported = str(directory / "exported")
    assert run("data", "export", sampled, "--layout", "sft", "--out", exported)[0] == 0
    found = json.loads(run("data", "validate", exported, "--workers", "1")[1].splitlines()[-1])
    assert found["earned"] == len(language["codes"]), found


def check_refinements(language: Mapping[str, Any], directory: Path) -> None:
    sampled, refined = str(directory / "sampled"), str(directory / "refined")
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code, _ = run("data", "refine", sampled, "--out", refined, "--workers", "1")
    if language["name"] in DEFECTS:
        assert code == 0, said.getvalue()
    else:
        assert code != 0
        assert f"{language['name']} has no defects yet" in said.getvalue(), said.getvalue()


if __name__ == "__main__":
    described = json.load(sys.stdin)
    work = Path(sys.argv[1])
    os.chdir(work)
    check_alignment(described)
    check_rendering(described, work)
    check_scores(described, work)
    check_doctor(described)
    check_recipes(described, work)
    check_refinements(described, work)
    print("every door")
