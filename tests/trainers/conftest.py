"""What all trainers' tests start from: a policy, and no cluster of other tests."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def no_cluster_of_other_tests() -> None:
    """End the cluster that the tests of Ray share.

    Importing verl in a process that is connected to Ray writes to the cluster, which once waited without end.
    """
    from started_ray import end_shared_cluster

    end_shared_cluster()


@pytest.fixture(scope="session")
def taught_policy(tmp_path_factory) -> Callable[[str], Path]:
    """A function that returns the directory of a taught model of a kind. Runs read it and write elsewhere.

    It is made once for all processes of the tests: whoever asks meanwhile waits.
    """
    from taught_vlm import make_taught_vlm

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def policy(kind: str) -> Path:
        directory, made = shared / f"policy-{kind}", shared / f"policy-{kind}.made"
        with (shared / f"policy-{kind}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                directory.mkdir(exist_ok=True)
                make_taught_vlm(directory, kind)
                made.touch()
        return directory

    return policy
