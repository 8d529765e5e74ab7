"""What the adapters for trainers share: a row of their data in, numbers for their log out.

A trainer hands over a response and whatever columns its data set has; :func:`request_from` finds the target, the
language and the prompt among them. A trainer wants plain floats, the same keys for every sample and never a hole;
:class:`TrainerReward` gives them, see there for what happens when it is the machine or the data that failed.
"""

from __future__ import annotations

from vincicoder.data.cells import answer_fields
from vincicoder.trainers.batching import score_sample
from vincicoder.trainers.completions import CompletionReward, drain_sums
from vincicoder.trainers.metrics import COMPONENTS, FLAGS, Metrics, metrics_of
from vincicoder.trainers.reward import Scorer, TrainerReward, shared_reward
from vincicoder.trainers.rows import NO_TARGET, picture_in, request_from, text_of

__all__ = [
    "COMPONENTS",
    "FLAGS",
    "NO_TARGET",
    "CompletionReward",
    "Metrics",
    "Scorer",
    "TrainerReward",
    "answer_fields",
    "drain_sums",
    "metrics_of",
    "picture_in",
    "request_from",
    "score_sample",
    "shared_reward",
    "text_of",
]
