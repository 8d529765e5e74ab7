"""Whether a prediction renders at all."""

from __future__ import annotations

from collections.abc import Mapping

from vincicoder.evaluation.metrics import Metric


def measure() -> Mapping[str, float]:
    """Return 1 for a prediction that has a render."""
    return {"execution": 1.0}


METRIC = Metric("execution", ("execution",), measure, {"execution": 0.0}, verified="by definition")
