"""The cache between runs: never in a directory that somebody else could have prepared."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from vincicoder.rendering.sandbox import environment
from vincicoder.rendering.sandbox.environment import cache_directory


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary directory of a user whose own cache cannot be written."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "below"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    environment._own_cache.cache_clear()
    return tmp_path / f"vincicoder-cache-{os.getuid()}"


def test_a_private_directory_is_made_and_kept(temporary: Path) -> None:
    assert cache_directory() == temporary
    assert stat.S_IMODE(temporary.stat().st_mode) == 0o700
    assert cache_directory() == temporary


def test_a_directory_open_to_others_is_not_used(temporary: Path) -> None:
    temporary.mkdir()
    temporary.chmod(0o777)
    found = cache_directory()
    assert found != temporary
    assert stat.S_IMODE(found.stat().st_mode) == 0o700
    assert cache_directory() == found


def test_a_link_is_not_followed(temporary: Path) -> None:
    elsewhere = temporary.parent / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    temporary.symlink_to(elsewhere)
    assert cache_directory() not in (temporary, elsewhere)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_is_not_used(temporary: Path) -> None:
    temporary.mkdir(mode=0o700)
    os.chown(temporary, 12345, 12345)
    assert cache_directory() != temporary
