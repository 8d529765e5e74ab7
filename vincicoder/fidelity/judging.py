"""One measurement for several presets: what must be measured for all of them, and what each makes of it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vincicoder.errors import ConfigError
from vincicoder.options import from_flat
from vincicoder.reporting import Settings
from vincicoder.reward.combine import combine, weights_of
from vincicoder.reward.config import RewardConfig, ScoringConfig
from vincicoder.reward.settings import settings_of
from vincicoder.status import Status


@dataclasses.dataclass(frozen=True)
class Judges:
    """One or two presets, and a reward that measures all that they need.

    Attributes:
        config: Of the reward that measures.
        scorings: Of each preset.

    Example:
        >>> judges = Judges.of("embedded", "robust", {"preset": "paper"})
        >>> judges.names
        ('paper', 'robust')
    """

    config: RewardConfig
    scorings: tuple[ScoringConfig, ...]

    @classmethod
    def of(cls, encoder: str, compare: str | None, options: Mapping[str, Any]) -> Judges:
        """Build them of options.

        Args:
            encoder: Name of the encoder.
            compare: Name of a second preset, or None.
            options: Options of the first, as :class:`vincicoder.reward.VisualReward` takes them.

        Raises:
            ConfigError: An option or the name of a preset is wrong.
        """
        config = from_flat(RewardConfig, {"encoder": encoder, **options})
        scorings = [config.scoring]
        if compare is not None:
            scorings.append(dataclasses.replace(config.scoring, preset=compare, components={}))
        return cls(dataclasses.replace(config, scoring=_union(scorings), keep_renders="all"), tuple(scorings))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the presets."""
        names = [each.preset for each in self.scorings]
        if len(names) == 2 and names[0] == names[1]:  # the preset with other weights, and as it is
            names[0] = f"{names[0]}, changed"
        return tuple(names)

    def settings(self, **more: Any) -> Settings:
        """Return what the scores depend on; weights may change without it.

        Args:
            more: Other settings by name.
        """
        return settings_of(self.config, **more)

    def rewards(self, scores: Mapping[str, float | None], status: str) -> tuple[float, ...]:
        """Return what each preset gives for component scores and a status."""
        return tuple(combine(scores, Status(status), each).overall for each in self.scorings)


def digest_of(value: Any) -> str:
    """Return a short digest of anything that JSON or ``repr`` can tell.

    Example:
        >>> len(digest_of({"a": 1}))
        24
    """
    return hashlib.blake2b(json.dumps(value, sort_keys=True, default=repr).encode(), digest_size=12).hexdigest()


def beside(output: str | Path | None, name: str) -> Path | None:
    """Return the file for more scores beside the one that the user named; None where none was named.

    Example:
        >>> beside("scores.jsonl", "search").name
        'scores.search.jsonl'
    """
    return None if output is None else Path(output).with_suffix(f".{name}.jsonl")


def _union(scorings: Sequence[ScoringConfig]) -> ScoringConfig:
    """Return a configuration that measures what all of them need, at the weights of the first."""
    if extra := next((each.extra for each in scorings if each.extra), None):
        raise ConfigError(f"extra is {', '.join(extra)}; graded answers are judged by components only: leave it out")
    first = scorings[0]
    running = weights_of(first)
    others = {name for each in scorings[1:] for name in weights_of(each) if name not in running}
    logged = {name: {"weight": 0.0, "log": True} for name in sorted(others)}
    return dataclasses.replace(first, components={**first.components, **logged})
