"""The package as people install it: light to import, complete, and free of any one machine."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from importlib import metadata

import pytest
from imports import PACKAGES, modules
from packaging.requirements import Requirement
from repository import ROOT, files

import vincicoder

HEAVY = {"torch", "ray", "PIL", "numpy", "playwright", "matplotlib", "transformers", "timm", "verl"}
CORE = [name for name in sorted(modules()) if name.startswith("vincicoder") and not name.endswith("__main__")]


def test_import_loads_nothing_heavy_and_is_quick():
    code = (
        "import sys, time; start = time.process_time(); import vincicoder; seconds = time.process_time() - start;"
        "print(seconds, *{name.partition('.')[0] for name in sys.modules})"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    seconds, *modules = output.split()
    assert not HEAVY & set(modules)
    assert float(seconds) < 2, "milliseconds of CPU time are expected; this only notices the import of a framework"


def test_every_public_name_can_be_imported():
    for name in vincicoder.__all__:
        assert getattr(vincicoder, name) is not None
    assert dir(vincicoder) == sorted(vincicoder.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = vincicoder.no_such_name


def test_version_is_the_installed_one_and_heads_the_changelog():
    assert metadata.version("vincicoder") == vincicoder.__version__
    versions = re.findall(
        r"^## \[?(\d+\.\d+\.\d+\S*?)\]?(?: |$)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    assert versions[0] == vincicoder.__version__


def test_extras_refer_to_extras_that_exist():
    extras = set(metadata.metadata("vincicoder").get_all("Provides-Extra") or [])
    assert {"dinov2", "timm", "verl", "dev", "all"} <= extras
    for requirement in map(Requirement, metadata.requires("vincicoder") or []):
        if requirement.name == "vincicoder":
            assert requirement.extras <= extras


def test_no_lower_bound_allows_a_version_that_is_known_to_be_unsafe(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests"))
    audit = importlib.import_module("audit")
    assert audit.unsafe_bounds() == []
    monkeypatch.setattr(audit, "lower_bounds", lambda: {"pillow": "10.0"})
    assert audit.unsafe_bounds() == ["pillow>=10.0 allows CVE-2024-28219; ask for pillow>=10.3.0"]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (
            {"name": "pillow", "version": "10.0", "vulns": [{"id": "A-1", "aliases": ["B"], "fix_versions": ["10.3"]}]},
            1,
        ),
        ({"name": "torch", "version": "2.1", "vulns": [{"id": "A-2", "fix_versions": []}]}, 0),
        ({"name": "pillow", "version": "12.0", "vulns": []}, 0),
        ({"name": "pillow", "skip_reason": "it is not on PyPI"}, None),
        (None, None),
    ],
)
def test_an_audit_reports_what_matters_and_says_when_it_was_not_run(answer, found, tmp_path, monkeypatch, capsys):
    (tmp_path / "pip_audit.py").write_text(
        f"import json\nif {answer!r}: print(json.dumps({{'dependencies': [{answer!r}]}}))"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(ROOT / "tests"))
    reported = importlib.import_module("audit").advisories()
    assert (None if reported is None else len(reported)) == found
    assert ("not run" in capsys.readouterr().out) == (found is None)


def test_every_file_of_the_package_is_installed():
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has no tomllib")
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    package = ROOT / "vincicoder"
    data = {path for pattern in tools["package-data"]["vincicoder"] for path in package.glob(pattern)}
    others = {path for path in package.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert others == data
    for directory in {path.parent for path in package.rglob("*.py")}:
        assert (directory / "__init__.py").is_file(), f"{directory} is not a package, so it is not installed"


def test_core_imports_no_framework_of_reinforcement_learning_and_only_the_cluster_ray():
    for path in (ROOT / "vincicoder").rglob("*.py"):
        forbidden = {"verl", "swift", "trl"} | ({"ray"} if path.parent.name != "cluster" else set())
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not {name.partition(".")[0] for name in names} & forbidden, path


@pytest.mark.parametrize("name", [name for name in CORE if not name.endswith("_hooks")])  # they are read as text
def test_every_module_can_be_imported(name):
    """A module that needs a package of an extra says which one is missing."""
    try:
        assert importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] in PACKAGES:
            raise
        pytest.skip(f"{error.name} is not installed")


def test_no_file_holds_both_sides_of_a_merge():
    found = files(".md", ".py", ".sh", ".yaml", ".yml", ".toml", ".js", ".html", ".cff")
    marks = ("<<<" + "<<<< ", ">>>" + ">>>> ")
    lines = ((path, line) for path in found for line in path.read_text("utf-8").splitlines())
    assert not [path for path, line in lines if line.startswith(marks)]


def test_no_file_names_a_machine():
    machine = re.compile(r"(?<![\w.])/(?:work|farm|root|home/\w+|mnt/\w+)/|(?:extra-)?index-url")
    for path in files(".py", ".js", ".sh", ".md", ".toml", ".yaml", ".txt", ".html", ".json", ""):
        if path.is_relative_to(ROOT / "tests") and path.name.startswith("test_"):
            continue  # tests name such directories to show that they are out of reach
        found = machine.search(path.read_text("utf-8", "replace"))
        assert found is None, f"{path}: {found[0]}"


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]), ids=lambda page: page.name)
def test_links_between_documents_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing
