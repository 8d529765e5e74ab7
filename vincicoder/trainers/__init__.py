"""What the adapters for trainers share.

- ``request_from`` makes a request of a row: it finds target, language, prompt and reference among the columns of the
  trainer's data set.
- ``TrainerReward`` scores requests and returns plain floats, with the same keys for every sample, also where the data
  or the machine failed.
- ``Truncation`` is what becomes of responses that the limit of tokens cut off.
- ``CompletionReward`` is the reward function for TRL and ms-swift.
- ``Groups`` knows which responses belong to one prompt, so that the mean of its siblings can stand in for a sample.
- ``Member`` is a response as a member of its group: what is logged of groups, and what is not learned from, is found
  among those of a batch.
- ``means`` adds up the metrics of a batch for a trainer's log; ``add_means`` adds those of all ranks to it.
"""

from __future__ import annotations

from vincicoder.data.cells import answer_fields
from vincicoder.trainers.batches import metrics_of_batch, sums_of_batch
from vincicoder.trainers.batching import sample_scorer
from vincicoder.trainers.completions import CompletionReward, add_means, drain_sums
from vincicoder.trainers.credit import PREFIXES, Credit, in_tokens
from vincicoder.trainers.groups import SIBLING_SECONDS, Groups
from vincicoder.trainers.members import (
    Member,
    domain_of,
    levelled,
    members_of,
    share_of,
    spread_by_sample,
    sums_of_groups,
)
from vincicoder.trainers.metrics import FLAGS, Metrics, is_judged, means, metrics_of, sums_of
from vincicoder.trainers.panels import GalleryWatch
from vincicoder.trainers.reward import TrainerReward
from vincicoder.trainers.rows import (
    NO_LANGUAGE,
    NO_TARGET,
    image_in,
    request_from,
    says_language,
    text_of,
)
from vincicoder.trainers.shared import reward_config, shared_reward
from vincicoder.trainers.truncation import LENGTH, ZERO, Truncation
from vincicoder.trainers.turns import FIRST, SABOTAGE, TURNS, answer_of_call, sabotage

__all__ = [
    "FIRST",
    "FLAGS",
    "LENGTH",
    "NO_LANGUAGE",
    "NO_TARGET",
    "PREFIXES",
    "SABOTAGE",
    "SIBLING_SECONDS",
    "TURNS",
    "ZERO",
    "CompletionReward",
    "Credit",
    "GalleryWatch",
    "Groups",
    "Member",
    "Metrics",
    "TrainerReward",
    "Truncation",
    "add_means",
    "answer_fields",
    "answer_of_call",
    "domain_of",
    "drain_sums",
    "image_in",
    "in_tokens",
    "is_judged",
    "levelled",
    "means",
    "members_of",
    "metrics_of",
    "metrics_of_batch",
    "request_from",
    "reward_config",
    "sabotage",
    "sample_scorer",
    "says_language",
    "share_of",
    "shared_reward",
    "spread_by_sample",
    "sums_of",
    "sums_of_batch",
    "sums_of_groups",
    "text_of",
]
