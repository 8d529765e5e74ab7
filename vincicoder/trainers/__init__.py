"""What the adapters for trainers share.

- ``request_from`` makes a request of a row: it finds target, language, prompt and reference among the columns of the
  trainer's data set.
- ``TrainerReward`` scores requests and returns plain floats, with the same keys for every sample, also where the data
  or the machine failed.
- ``CompletionReward`` is the reward function for TRL and ms-swift.
- ``Groups`` knows which responses belong to one prompt, so that the mean of its siblings can stand in for a sample.
- ``means`` adds up the metrics of a batch for a trainer's log; ``add_means`` adds those of all ranks to it.
"""

from __future__ import annotations

from vincicoder.data.cells import answer_fields
from vincicoder.trainers.batching import sample_scorer
from vincicoder.trainers.completions import CompletionReward, add_means, drain_sums
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
    "add_means",
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
