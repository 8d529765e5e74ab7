"""Measuring a model: benchmarks, and the metrics that they are made of.

Names are imported on first use, so that nothing is loaded before it is needed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vincicoder.evaluation.contamination import audit
    from vincicoder.evaluation.evaluation import Evaluation
    from vincicoder.evaluation.refinement import refine
    from vincicoder.evaluation.report import EvaluationReport
    from vincicoder.evaluation.scoring import evaluate

_HOMES = {
    "Evaluation": "evaluation",
    "EvaluationReport": "report",
    "audit": "contamination",
    "evaluate": "scoring",
    "refine": "refinement",
}

__all__ = ["Evaluation", "EvaluationReport", "audit", "evaluate", "refine"]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"vincicoder.evaluation.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'vincicoder.evaluation' has no attribute {name!r}")
