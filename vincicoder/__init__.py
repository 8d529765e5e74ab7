"""Turn an image-to-code response into a reward: align, render in a sandbox, compare coarse to fine.

Names are imported on first use, so that ``import vincicoder`` needs neither torch nor a browser.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from vincicoder._version import __version__

if TYPE_CHECKING:
    from vincicoder.alignment import Alignment, align
    from vincicoder.errors import VinciCoderError
    from vincicoder.evaluation import evaluate, refine
    from vincicoder.rendering import Limits, Render, RenderPool
    from vincicoder.reward import RewardRequest, RewardResult, VisualReward, prefix_scores, score
    from vincicoder.status import Status
    from vincicoder.trainers import CompletionReward

_HOMES = {
    "Alignment": "vincicoder.alignment",
    "align": "vincicoder.alignment",
    "VinciCoderError": "vincicoder.errors",
    "evaluate": "vincicoder.evaluation",
    "refine": "vincicoder.evaluation",
    "CompletionReward": "vincicoder.trainers",
    "Limits": "vincicoder.rendering",
    "Render": "vincicoder.rendering",
    "RenderPool": "vincicoder.rendering",
    "RewardRequest": "vincicoder.reward",
    "RewardResult": "vincicoder.reward",
    "VisualReward": "vincicoder.reward",
    "prefix_scores": "vincicoder.reward",
    "score": "vincicoder.reward",
    "Status": "vincicoder.status",
}

__all__ = [
    "Alignment",
    "CompletionReward",
    "Limits",
    "Render",
    "RenderPool",
    "RewardRequest",
    "RewardResult",
    "Status",
    "VinciCoderError",
    "VisualReward",
    "__version__",
    "align",
    "evaluate",
    "prefix_scores",
    "refine",
    "score",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'vincicoder' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
