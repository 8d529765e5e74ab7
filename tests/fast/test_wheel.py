"""The wheel, without the clone: the files of plugins and the samples of the quickstart are in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from repository import ROOT

from vincicoder.cli.path import FILES

setuptools = pytest.importorskip("setuptools")
PACKAGES = ("vincicoder", "verl_rewards", "swift_plugins", "data_recipes")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory into which the wheel is unpacked, as an installer does."""
    if int(setuptools.__version__.partition(".")[0]) < 77:
        pytest.skip("setuptools is too old to build the package")
    clone, site = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("site")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone / name)
    build = "import sys, setuptools.build_meta as build; build.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(clone / "dist")], cwd=clone, check=True, capture_output=True)
    [wheel] = (clone / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def vincicoder(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "vincicoder", *words]
    return subprocess.run(command, env=environment, cwd=site.parent, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", FILES)
def test_the_path_of_every_plugin_is_a_file_of_the_wheel(site: Path, name: str) -> None:
    done = vincicoder(site, "path", name)
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.strip())
    assert path.is_relative_to(site)
    assert path.read_bytes() == (ROOT / path.relative_to(site)).read_bytes()


def test_the_samples_of_the_quickstart_are_in_the_wheel(site: Path) -> None:
    code = "from vincicoder.cli.quickstart import SAMPLES; print(SAMPLES)"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=site.parent, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).is_relative_to(site)
    assert len(list(Path(done.stdout.strip()).glob("*.png"))) == 12
