"""No attack escapes in any place where the sandbox has to work: other users, other kernels, containers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from repository import SUPPORT

DOCTOR = ["doctor", "--attack", "--json"]
IN_CODE = ["--only", "python,svg,latex,browser"]  # where the version of Landlock can matter
WHOLE = [sys.executable, "-m", "vincicoder", *DOCTOR]

# Where the interpreter is in a directory that only root may enter, the user is shown that interpreter and nothing else.
_SHOWN = """
set -e
mount --bind "$1" /mnt && mount -t tmpfs -o mode=755 tmpfs "$2"
mkdir -p "$1" && mount --move /mnt "$1"
shift 2
exec "$@"
"""


def as_user(home: Path) -> list[str]:
    """Return how to run a command as nobody."""
    base = Path(sys.base_prefix)
    become = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "env", f"HOME={home}"]
    hidden = next((each for each in reversed(base.parents) if not each.stat().st_mode & 0o001), None)
    if hidden is None:
        return become
    return ["unshare", "--mount", "sh", "-c", _SHOWN, "sh", str(base), str(hidden), *become]


def assert_nothing_escapes(command: list[str], seconds: float) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert [each for each in found["attacks"] if each["verdict"] in ("ESCAPED", "FAILS")] == []
    assert done.returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(1300)
def test_nothing_escapes_in_a_container_like_dockers() -> None:
    assert_nothing_escapes([sys.executable, str(SUPPORT / "like_docker.py"), *WHOLE], 1200)


@pytest.mark.slow
@pytest.mark.timeout(1300)
def test_nothing_escapes_as_an_ordinary_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    if os.geteuid() != 0:
        pytest.skip("every test here runs as an ordinary user")
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    home = Path("/tmp") / f"home-of-nobody-{os.getpid()}"
    home.mkdir()
    os.chown(home, 65534, 65534)
    try:
        assert_nothing_escapes([*as_user(home), *WHOLE], 1200)
    finally:
        shutil.rmtree(home)


@pytest.mark.slow
@pytest.mark.timeout(1300)
@pytest.mark.parametrize("abi", range(1, 7))
def test_nothing_escapes_with_an_older_landlock(abi: int) -> None:
    weakened = [sys.executable, str(SUPPORT / "weakened.py"), f"landlock-{abi}"]
    assert_nothing_escapes([*weakened, *DOCTOR, "--no-namespaces", *IN_CODE], 1200)
