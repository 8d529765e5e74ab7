"""The layers hold: imports point down, there is no circle, and files and functions stay short."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from imports import CONTRACT, PACKAGES, Graph, circles, imports, modules, room, rooms
from repository import EXAMPLES, ROOT, files

LAYERS = (
    {"registry", "status", "errors", "options", "_version"},
    {"languages", "images", "endpoint"},
    {"alignment", "guards", "rendering", "similarity", "reporting", "data"},
    {"reward"},
    {"evaluation", "fidelity", "attacks", "planning"},
    {"trainers", "cluster", "server"},
    {"runs"},
    {"cli", "__main__"},
)
"""The rooms of the package ``vincicoder``, bottom to top. Imports point down or stay level."""

LEVEL = {f"vincicoder.{name}": level for level, names in enumerate(LAYERS) for name in names}
LEVEL |= {package: len(LAYERS) - 1 for package in PACKAGES}  # entry points, and the façade ``vincicoder`` itself
LEVEL[CONTRACT] = 0
HINT = "a renderer may live in languages/X.py and import vincicoder.rendering.renderer only"
LONGEST_FILE, LONGEST_FUNCTION = 400, 60  # lines


def test_the_package_has_only_the_rooms_of_the_design():
    found = {path.stem for path in (ROOT / "vincicoder").iterdir() if path.suffix == ".py" or path.is_dir()}
    known = {name for names in LAYERS for name in names} | {"__init__", "__pycache__"}
    assert found - known == set()


@pytest.mark.parametrize("name", PACKAGES)
def test_imports_point_down(name):
    found = upwards({module: each for module, each in imports().items() if module.split(".")[0] == name})
    assert found == [], HINT


def test_no_module_imports_itself_by_way_of_others():
    assert circles(imports()) == [], HINT


def test_no_room_imports_itself_by_way_of_others():
    assert circles(inner_rooms(imports())) == [], HINT


def test_the_contract_of_renderers_imports_statuses_and_errors_only():
    assert rooms(imports())[CONTRACT] <= {"vincicoder.status", "vincicoder.errors"}


def test_a_language_may_hold_its_renderer():
    held = with_language("vincicoder.rendering.renderer", "vincicoder.rendering.facts", "vincicoder.status")
    assert (upwards(held), circles(held), circles(inner_rooms(held))) == ([], [], [])


@pytest.mark.parametrize("module", sorted(each for each in modules() if room(each) == "vincicoder.rendering"))
def test_a_language_imports_nothing_else_of_the_rendering(module):
    held = with_language(module)
    assert upwards(held) == [f"vincicoder.languages.smiles imports {module}"]
    assert ["vincicoder.languages", "vincicoder.rendering"] in circles(inner_rooms(held))


def test_every_module_belongs_to_a_room():
    assert {room(module) for module in modules()} - set(LEVEL) == set()


@pytest.mark.parametrize("suffix", [".py", ".js", ".sh"])
def test_files_are_short(suffix):
    lengths = {name(path): len(path.read_text("utf-8").splitlines()) for path in ours(suffix)}
    long = [f"{path} has {lines} lines" for path, lines in lengths.items() if lines > LONGEST_FILE]
    assert not long, f"{long}; at most {LONGEST_FILE}: split them"


def test_functions_are_short():
    long = {}
    for path in ours(".py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    long[f"{name(path)}:{node.name}"] = lines
    assert long == {}


def upwards(imported_by: Graph) -> list[str]:
    """Return the imports that point up."""
    return [
        f"{module} imports {each}"
        for module, imported in imported_by.items()
        if module != "vincicoder"  # the façade imports what it offers
        for each in sorted(imported)
        if LEVEL[room(each)] > LEVEL[room(module)]
    ]


def inner_rooms(imported_by: Graph) -> Graph:
    """Return the rooms that each room imports, without the façade."""
    return {name: each - {"vincicoder"} for name, each in rooms(imported_by).items() if name != "vincicoder"}


def with_language(*imported: str) -> Graph:
    """Return our imports, and those of one more language."""
    return {**imports(), "vincicoder.languages.smiles": {"vincicoder.languages", *imported}}


def ours(suffix: str) -> list[Path]:
    """What people wrote: the sample set's files are generated."""
    return [path for path in files(suffix) if not path.is_relative_to(EXAMPLES / "samples")]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))
