"""The command line: flags, exit codes, and the keys of what it prints and writes.

The console script's function is called in this process, which is what the script ``vincicoder`` does and saves the start
of an interpreter for every case. One case starts ``python -m vincicoder`` for real.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from golden_environment import inside, variables
from golden_images import RESPONSES, blocks

COMMANDS = ("score", "render", "doctor", "serve", "data", "eval", "refine")
RECIPES = ("demo", "collect", "sample", "refine", "attempts", "rl", "export", "validate", "report")

STEPS = ("list", "generate", "score", "report", "run", "audit", "drift", "export")

LAYOUTS = ("records", "sft", "rl", "easyr1", "verl", "swift")

_EMBEDDED = "--encoder embedded --workers 1"
_PAIR = f"score --target target.png {_EMBEDDED}"
CASES = {
    "version": "--version",
    "no command": "",
    "unknown command": "paint",
    "pair": f"{_PAIR} --response perfect.md --language svg --json",
    "pair for people": f"{_PAIR} --response perfect.md --language svg",
    "pair, language by the prompt": f"{_PAIR} --response perfect.md --prompt SVG,please --json",
    "pair without code": f"{_PAIR} --response no_code.md --language svg --json",
    "pair without a fence": f"{_PAIR} --response bare.md --language svg --no-fence --json",
    "pair with a report": f"{_PAIR} --response perfect.md --language svg --report report",
    "pair, broken target": f"score --target broken.png --response perfect.md --language svg {_EMBEDDED} --json",
    "pair, no target": f"score --target missing.png --response perfect.md {_EMBEDDED}",
    "pair, no response": f"{_PAIR} --response missing.md",
    "pair, unknown language": f"{_PAIR} --response perfect.md --language cobol",
    "pair, unknown preset": f"{_PAIR} --response perfect.md --preset kind",
    "pair, weight out of range": f"{_PAIR} --response perfect.md --alignment-weight 2",
    "pair, limit out of range": f"{_PAIR} --response perfect.md --cpu-seconds -1",
    "pair, no encoder": "score --target target.png --response perfect.md --encoder ./missing",
    "pair, half of it": "score --target target.png",
    "pair and file": f"score requests.jsonl --target target.png {_EMBEDDED}",
    "file": f"score requests.jsonl {_EMBEDDED} --output results.jsonl --json",
    "file again": f"score requests.jsonl {_EMBEDDED} --output results.jsonl --json",
    "file, first line only": f"score requests.jsonl {_EMBEDDED} --limit 1 --json",
    "file with faults": f"score faults.jsonl {_EMBEDDED} --output faults_results.jsonl --json",
    "file with --language": f"score requests.jsonl {_EMBEDDED} --language svg",
    "file, not there": f"score missing.jsonl {_EMBEDDED}",
    "file, wrong format": f"score target.png {_EMBEDDED}",
    "file, no column": f"score columns.jsonl {_EMBEDDED}",
    "file, output of something else": f"score requests.jsonl {_EMBEDDED} --output columns.jsonl",
    "file, limit out of range": f"score requests.jsonl {_EMBEDDED} --limit 0",
    "render": "render icon.svg -o icon.png --json",
    "render for people": "render icon.svg -o icon.png",
    "render, language given": "render icon.txt -o icon.png --language SVG --json",
    "render, language seen": "render icon.txt -o icon.png --json",
    "render, broken code": "render broken.svg -o broken.png --json",
    "render, no code": "render missing.svg -o icon.png",
    "render, no such format": "render icon.svg -o icon.xyz",
    "render, unknown language": "render icon.svg -o icon.png --language cobol",
    "render, no output": "render icon.svg",
    "doctor, unknown check": "doctor --require teapot",
    "serve, open to all": "serve --host 0.0.0.0",
    "serve, empty token": "serve --token-file empty.txt",
    "serve, port out of range": "serve --port 0",
    "data, unknown recipe": "data bake",
    "data, no output": "data demo",
}
"""Command lines by what they show; each runs in the directory that ``prepare`` fills."""

JSONL = {"file": "results.jsonl", "file with faults": "faults_results.jsonl"}
"""Cases and the file of results that each writes."""

_VALUES = (
    *("overall", "visual", "coarse", "fine", "alignment", "execution", "status", "language", "encoder", "preset"),
    *(
        "grid",
        "n",
        "statuses",
        "expected",
        "as_expected",
        "broken",
        "by_kind",
        "by_domain",
        "output",
        "width",
        "height",
    ),
)
"""What is held of the printed objects, besides their keys."""

_OPTION = re.compile(r"^ {2,8}(-.*?)(?:\s{2,}|$)")


def run(*arguments: str) -> tuple[int, str, str]:
    """Call the console script; return its exit code, what it printed and what it complained of."""
    [script] = importlib.metadata.entry_points(group="console_scripts", name="vincicoder")
    printed, complained = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["vincicoder", *arguments]
    try:
        with variables({}), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complained):
            code = script.load()()
    except SystemExit as end:
        code = end.code
    finally:
        sys.argv = before
    return int(code or 0), printed.getvalue(), complained.getvalue()


def prepare(directory: Path) -> None:
    """Write the files that the cases name."""
    blocks().save(directory / "target.png")
    (directory / "broken.png").write_text("no image")
    for name, response in RESPONSES.items():
        (directory / f"{name}.md").write_text(response)
    for name in ("icon.svg", "icon.txt"):
        (directory / name).write_text(RESPONSES["bare"])
    (directory / "broken.svg").write_text("<svg")
    (directory / "empty.txt").write_text("")
    (directory / "columns.jsonl").write_text('{"answer": "x", "image": "y"}\n')
    row = {"target": "target.png", "language": "svg", "domain": "icon", "group": "g"}
    rows = [
        row | {"id": name, "response": RESPONSES[name], "kind": kind, "expected_status": status}
        for name, kind, status in (("perfect", "good", "ok"), ("partial", "good", "ok"), ("blank", "poor", "ok"))
    ]
    _write(directory / "requests.jsonl", rows)
    faults = [rows[1], rows[0] | {"target": "missing.png"}, rows[2], rows[0] | {"language": 7}, "{broken"]
    _write(directory / "faults.jsonl", faults)


def _write(path: Path, rows: list[dict[str, Any] | str]) -> None:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))


def commands(directory: Path) -> dict[str, Any]:
    """Collect all of the command line but ``doctor``'s checks.

    Args:
        directory: An empty directory to work in.
    """
    prepare(directory)
    cases: dict[str, Any] = {}
    with inside(directory):
        for name, line in CASES.items():
            code, printed, _ = run(*line.split())
            cases[name] = {"exit": code, **_described(printed)}
            if name in JSONL:
                lines = [json.loads(each) for each in Path(JSONL[name]).read_text().splitlines()]
                cases[name]["results"] = {
                    "keys": sorted(set.intersection(*(set(each) for each in lines))),
                    **{each["id"]: _held(each) for each in lines},
                }
    version = subprocess.run([sys.executable, "-m", "vincicoder", "--version"], check=False, capture_output=True)
    return {
        "entry_points": _entry_points(),
        "module": version.returncode,
        "flags": {name: flags(name) for name in COMMANDS} | {f"eval {name}": flags("eval", name) for name in STEPS},
        "cases": cases,
    }


def recipes() -> dict[str, Any]:
    """Collect the flags of the data recipes and the layouts that they write."""
    return {
        "flags": {name: flags("data", name) for name in RECIPES},
        "layouts": [name for name in LAYOUTS if _taken("--layout", "export", "missing", "--layout", name)],
        "no such layout": _taken("--layout", "export", "missing", "--layout", "papyrus"),
    }


def _taken(option: str, *arguments: str) -> bool:
    """Whether a recipe takes an option's value; it ends for want of input, or else complains of the option."""
    with tempfile.TemporaryDirectory() as directory, inside(Path(directory)):
        code, _, complaint = run("data", *arguments, "--out", "out")
    assert code
    return f"argument {option}" not in complaint


def checks() -> dict[str, Any]:
    """Return what ``doctor`` says of this machine, and its exit code as ``exit``."""
    code, printed, _ = run("doctor", "--json", "--encoder", "embedded", "--require", "svg,sandbox,encoder")
    data: dict[str, Any] = json.loads(printed)
    return data | {"exit": code}


def doctor(data: dict[str, Any]) -> dict[str, Any]:
    """Collect what ``doctor`` looks at, and how.

    Args:
        data: What ``checks`` returned.
    """
    found = data["checks"]
    required = [check for check in found if check["required"]]
    return {
        "exit": data["exit"],
        "ok": data["ok"],
        "keys": [key for key in data if key != "exit"],
        "check": sorted(set.intersection(*(set(check) for check in found))),
        "names": [check["name"] for check in found],
        "required": {check["name"]: check["state"] for check in required},
    }


def flags(*command: str) -> dict[str, Any]:
    """Return the options that a command's help lists."""
    code, text, _ = run(*command, "--help")
    found: list[str] = []
    for line in text.splitlines():
        if match := _OPTION.match(line):
            found += [each.split()[0] for each in match[1].split(", ") if each.startswith("-")]
    return {"help": code, "flags": found}


def _described(printed: str) -> dict[str, Any]:
    """Return keys and values of a printed JSON object, or nothing for other output."""
    try:
        data = json.loads(printed)
    except ValueError:
        return {}
    return {"keys": list(data), **_held(data)} if isinstance(data, dict) else {}


def _held(data: dict[str, Any]) -> dict[str, Any]:
    held = {name: data[name] for name in _VALUES if name in data}
    return held | ({"seconds": list(data["seconds"])} if isinstance(data.get("seconds"), dict) else {})


def _entry_points() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for point in importlib.metadata.distribution("vincicoder").entry_points:
        found.setdefault(point.group, []).append(point.name)
    return found
