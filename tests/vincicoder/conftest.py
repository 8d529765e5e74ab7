"""Names the modules whose tests are not yet relied on."""

from __future__ import annotations

import pytest

_NEW = ("test_html", "test_latex", "test_leftovers", "test_pool", "test_reward")


def pytest_collection_modifyitems(items):
    """Reports, but does not yet fail on, tests that have not had a complete quiet run."""
    for item in items:
        if item.path.stem in _NEW:
            item.add_marker(pytest.mark.xfail(strict=False, reason="new: may depend on a quiet machine"))
