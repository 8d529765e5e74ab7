"""Packages that a module of tests needs, imported by the process that runs these tests and by no other.

Every process of a parallel run collects all modules, and ``pytest.importorskip`` would import torch, Ray and the
trainers in each.
"""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import pytest


def needs(package: str, reason: str = "") -> Package:
    """Return a package that is imported when its first attribute is used; skip the module if it is not installed."""
    if not is_there(package):
        pytest.skip(reason or f"{package} is not installed", allow_module_level=True)
    return Package(package)


def is_there(package: str) -> bool:
    """Whether a package or a module of one is installed."""
    return find_spec(package.partition(".")[0]) is not None and find_spec(package) is not None


def needs_release(distribution: str, major: int, minor: int) -> None:
    """Skip the module if a distribution is older than this release or not installed."""
    try:
        found = tuple(int(part) for part in version(distribution).split(".")[:2])
    except PackageNotFoundError:
        found = (0, 0)
    if found < (major, minor):
        pytest.skip(f"{distribution} >= {major}.{minor} is not installed", allow_module_level=True)


class Package:
    """A package that is not imported yet."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):  # pytest looks for its own in all that a module holds
            raise AttributeError(attribute)
        return getattr(importlib.import_module(self._name), attribute)
