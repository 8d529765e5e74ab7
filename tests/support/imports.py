"""The graph of the project's imports, read from the source: those inside functions and for type checkers count too."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from repository import ROOT

PACKAGES = ("vincicoder", "swift_plugins", "verl_rewards", "data_recipes", "benchmarks")

CONTRACT = "vincicoder.contract"
"""The pseudo-room of what a renderer's file is written against: below the languages, whose files may hold renderers."""
_CONTRACT_MODULES = ("vincicoder.rendering.renderer", "vincicoder.rendering.facts")

Graph = Mapping[str, set[str]]


@cache
def modules() -> dict[str, Path]:
    """Return the path of each module of our packages by its full name."""
    found = {}
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        found[".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")] = path
    return found


@cache
def imports() -> Graph:
    """Return the names of the modules that each of our modules imports, among ours."""
    return {name: set(_imported(name, path)) - {name} for name, path in modules().items()}


def room(module: str) -> str:
    """Return the room of a module: ``vincicoder.NAME``, ``CONTRACT``, or the package that is an entry point."""
    if module in _CONTRACT_MODULES:
        return CONTRACT
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "vincicoder" else parts[0]


def rooms(imported_by: Graph) -> Graph:
    """Return the rooms that each room imports, given what each module imports."""
    graph: dict[str, set[str]] = {}
    for module, imported in imported_by.items():
        graph.setdefault(room(module), set()).update(room(each) for each in imported)
    return {name: imported - {name} for name, imported in graph.items()}


def circles(graph: Graph) -> list[list[str]]:
    """Return the sets of nodes that reach each other, each sorted."""
    reach = {node: _reachable(graph, node) for node in graph}
    found = {tuple(sorted({node} | {each for each in reach[node] if node in reach[each]})) for node in graph}
    return [list(circle) for circle in sorted(found) if len(circle) > 1]


def _reachable(graph: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph.get(waiting.pop(), set()) - seen
        seen |= new
        waiting += new
    return seen


def _imported(name: str, path: Path) -> Iterator[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*base, *filter(None, [node.module])])
            targets = [f"{source}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("import_module", "importlib.import_module"):
            targets = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        else:
            continue
        for target in targets:  # the longest name that is a module: what follows is something in it
            parts = target.split(".")
            tried = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
            found = next((each for each in tried if each in modules()), None)
            if found is not None:
                yield found
