"""Tell what was scored: a file of results, sums and tables, a page.

Takes plain mappings, as ``RewardResult.to_dict`` gives them, and images; whoever has such results can use it. Names are
imported on first use, so that the command line's ``--help`` needs no image library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vincicoder.reporting.report import Plot, Report
    from vincicoder.reporting.results_file import ResultsFile
    from vincicoder.reporting.settings import Settings
    from vincicoder.reporting.summary import Summary, is_judged

_HOMES = {
    "Plot": "report",
    "Report": "report",
    "ResultsFile": "results_file",
    "Settings": "settings",
    "Summary": "summary",
    "is_judged": "summary",
}

__all__ = ["Plot", "Report", "ResultsFile", "Settings", "Summary", "is_judged"]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"vincicoder.reporting.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'vincicoder.reporting' has no attribute {name!r}")
