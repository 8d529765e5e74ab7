"""Tell what was scored: a file of results, sums and tables, a page.

Takes plain mappings, as ``RewardResult.to_dict`` gives them, and images; whoever has such results can use it.
"""

from __future__ import annotations

from vincicoder.reporting.report import Report
from vincicoder.reporting.results_file import ResultsFile
from vincicoder.reporting.summary import Summary, is_judged

__all__ = ["Report", "ResultsFile", "Summary", "is_judged"]
