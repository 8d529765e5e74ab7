"""A policy that all trainers' tests start from."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


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
