"""What the adapters for trainers share: a row of their data in, numbers for their log out.

A trainer passes a response and whatever columns its data set has; `request_from` finds the target, the language,
the prompt and the reference among them. A trainer wants plain floats, the same keys for every sample and never a hole;
`TrainerReward` gives them, see there for what happens when it is the machine or the data that failed.
"""

from __future__ import annotations

from vincicoder.data.cells import answer_fields
from vincicoder.trainers.batching import sample_scorer
from vincicoder.trainers.completions import CompletionReward, drain_sums
from vincicoder.trainers.groups import SIBLING_SECONDS, Groups
from vincicoder.trainers.metrics import FLAGS, Metrics, means, metrics_of
from vincicoder.trainers.reward import TrainerReward, shared_reward
from vincicoder.trainers.rows import (
    NO_LANGUAGE,
    NO_TARGET,
    image_in,
    request_from,
    says_language,
    text_of,
)

__all__ = [
    "FLAGS",
    "NO_LANGUAGE",
    "NO_TARGET",
    "SIBLING_SECONDS",
    "CompletionReward",
    "Groups",
    "Metrics",
    "TrainerReward",
    "answer_fields",
    "drain_sums",
    "image_in",
    "means",
    "metrics_of",
    "request_from",
    "sample_scorer",
    "says_language",
    "shared_reward",
    "text_of",
]
