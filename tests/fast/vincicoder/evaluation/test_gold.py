"""What is computed once per sample: kept for the next run, for this user only, and not for ever."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from vincicoder.errors import ConfigError
from vincicoder.evaluation.gold import GoldCache, gold_directory

DAY = 24 * 3600


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return gold_directory()


def age(directory: Path, days: int) -> None:
    then = time.time() - days * DAY
    for path in directory.glob("*/*"):
        os.utime(path, (then, then))


def never() -> str:
    raise AssertionError("it was kept")


def test_a_value_is_computed_once_for_what_it_depends_on(directory: Path) -> None:
    assert GoldCache(directory, ["sample", 1]).get("reference", lambda: "first") == "first"
    assert GoldCache(directory, ["sample", 1]).get("reference", never) == "first"
    assert GoldCache(directory, ["sample", 2]).get("reference", lambda: "second") == "second"


def test_a_file_that_cannot_be_read_is_computed_again(directory: Path) -> None:
    GoldCache(directory, ["sample"]).get("reference", lambda: "first")
    [path] = directory.glob("*/*")
    path.write_bytes(path.read_bytes()[:5])
    assert GoldCache(directory, ["sample"]).get("reference", lambda: "again") == "again"


def test_what_is_used_stays_and_what_nobody_has_read_for_long_goes(directory: Path) -> None:
    for name in ("used", "forgotten"):
        GoldCache(directory, [name]).get("reference", lambda: "kept")
    age(directory, 89)
    GoldCache(directory, ["used"]).get("reference", never)
    age_of_use = {path: path.stat().st_mtime for path in directory.glob("*/*")}
    for path, used in age_of_use.items():
        os.utime(path, (used - 2 * DAY, used - 2 * DAY))
    assert len(list(gold_directory().glob("*/*"))) == 1
    assert GoldCache(directory, ["used"]).get("reference", never) == "kept"


def test_a_directory_that_others_can_write_to_is_refused(directory: Path) -> None:
    directory.chmod(0o777)
    with pytest.raises(ConfigError, match="can be written by others"):
        gold_directory()
