"""Packages with entry points, laid down as an installer leaves them, for processes that have them on their path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def write_plugin(
    site: Path, name: str, entry_points: Mapping[str, Mapping[str, str]], modules: Mapping[str, str]
) -> None:
    """Put a distribution of single-file modules into a directory.

    Args:
        site: The directory.
        name: Name of the distribution.
        entry_points: Group to name to ``"module:attribute"``.
        modules: Name to source.
    """
    site.mkdir(parents=True, exist_ok=True)
    for module, source in modules.items():
        (site / f"{module}.py").write_text(source, "utf-8")
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    lines = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in each.items())
        for group, each in entry_points.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines), "utf-8")


def run_with(code: str, *sites: Path, cwd: Path | None = None, timeout: float = 120) -> str:
    """Run Python code in a process that has directories on its path, and return what it prints."""
    paths = [*map(str, sites), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def install(source: Path, site: Path) -> None:
    """Install a package of this repository into a directory of its own, without network and build traces."""
    copy = shutil.copytree(source, site.with_name(f"{site.name}-source"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*command, "--disable-pip-version-check", "--target", str(site), str(copy)], check=True)
