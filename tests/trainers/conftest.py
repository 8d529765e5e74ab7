"""A policy that all trainers' tests start from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def taught_policy(tmp_path_factory) -> Callable[[str], Path]:
    """A function that returns the directory of a taught model of a kind, made once. Runs read it and write elsewhere."""
    from taught_vlm import make_taught_vlm

    made: dict[str, Path] = {}

    def policy(kind: str) -> Path:
        if kind not in made:
            made[kind] = make_taught_vlm(tmp_path_factory.mktemp("policy"), kind)
        return made[kind]

    return policy
