"""CONTRIBUTING.md's worked example is true: its one file makes a language that every part and every test knows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from repository import ROOT

GUIDE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
SKIPPED = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "runs", "shared", "*.egg-info")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with the example's file in it."""
    tree = shutil.copytree(ROOT, tmp_path_factory.mktemp("copy") / "tree", ignore=SKIPPED)
    module, *_ = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    (tree / "vincicoder" / "languages" / "smiles.py").write_text(module, "utf-8")
    return tree


def run_in(copy: Path, *arguments: str, cwd: Path, said: str = "") -> subprocess.CompletedProcess[str]:
    """Run the copy's Python with its packages."""
    return subprocess.run(
        [sys.executable, *arguments],
        input=said,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_the_examples_one_file_is_a_language_everywhere(copy: Path, tmp_path: Path) -> None:
    door = str(copy / "tests" / "support" / "every_door.py")
    (described,) = re.findall(r"every_door\.py .* <<< '(.*?)'$", GUIDE, re.MULTILINE | re.DOTALL)
    done = run_in(copy, door, str(tmp_path), cwd=tmp_path, said=described)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("every door\n")


@pytest.mark.slow
def test_the_tests_for_all_languages_pass_with_the_examples_file(copy: Path) -> None:
    (command,) = re.findall(r"^pytest (-k .*?[^\\])$", GUIDE, re.MULTILINE | re.DOTALL)
    options = ("-v", "-p", "no:cacheprovider")
    done = run_in(copy, "-m", "pytest", *options, *shlex.split(command.replace("\\\n", "")), cwd=copy)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"recognised\[smiles\] PASSED", done.stdout), done.stdout[-3000:]
