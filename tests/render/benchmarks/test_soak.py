"""The soak test, shortened: everything is answered although workers and fork servers are killed all the time."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from own_mounts import run_with_own_mounts
from repository import ROOT

SOAK = """
sys.path.insert(0, {benchmarks!r})
import soak
report = soak.soak(soak.parser().parse_args({arguments!r}))
del report["batches"]
print(json.dumps(report))
"""
OWN_DISKS = 'mount -t tmpfs tmpfs "$TMPDIR"\nmount -t tmpfs tmpfs /dev/shm'  # or others' files would look like ours


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "kills",
    [["--no-kills"], ["--kill-workers", "0.5", "1", "--kill-servers", "0.5", "2.5"]],
    ids=["nobody is killed", "workers and servers are killed"],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_short_soak_finds_nothing_wrong(kills: list[str], seed: int) -> None:
    arguments = ["--requests", "120", "--batch", "60", "--workers", "3", "--seed", str(seed), *kills]
    with tempfile.TemporaryDirectory(prefix="soak-") as directory:
        script = SOAK.format(benchmarks=str(ROOT / "benchmarks"), arguments=arguments)
        report = run_with_own_mounts(Path(directory), OWN_DISKS, script)
    assert report["wrong"] == []
    assert report["answered"] == 120
    assert bool(report["killed"]) is ("--no-kills" not in kills)
