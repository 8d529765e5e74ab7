"""Process credit: what each stroke of a response brought, as an addition to the advantage of its tokens.

IR4RL's advantage of token ``t`` of a response is that of its group, and of the prefixes that end at ``t`` or later::

    A(t) = A_group + weight * sum over prefixes j with b(j) >= t of discount ** (b(j) - t) * (F(j) - F(j - 1))

``F`` is the reward of a prefix and ``b`` the token that it ends in. A trainer gets both as one JSON text a sample.
"""

from __future__ import annotations

import bisect
import itertools
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vincicoder.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vincicoder.reward import RewardRequest, RewardResult

PREFIXES = "prefix_scores"
"""The name under which a sample's metrics hold its prefix scores, a JSON text, where prefixes are scored."""

NO_PREFIXES = "[]"
"""What a sample has there that was not scored, or whose code does not render."""

_OPTIONS = {"process_weight": 10.0, "process_discount": 0.9}


@dataclass(frozen=True)
class Credit:
    """How prefix scores become advantages.

    Attributes:
        weight: What a gain of 1 in reward adds to the advantage of the token that completes it; 0 or more.
        discount: What each token before it gets of what the next one gets, in [0, 1].

    Raises:
        ConfigError: One of them is no number in its range.

    Example:
        >>> Credit(weight=5.0).discount
        0.9
    """

    weight: float = _OPTIONS["process_weight"]
    discount: float = _OPTIONS["process_discount"]

    def __post_init__(self) -> None:
        for name, value, most in (("weight", self.weight, sys.float_info.max), ("discount", self.discount, 1.0)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
                limit = "from 0 to 1" if most == 1 else "of at least 0"
                raise ConfigError(f"process_{name} is {value!r}; expected a number {limit}")

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Credit:
        """Return what ``process_weight`` and ``process_discount`` among a trainer's options say.

        Args:
            options: Any options by name.

        Example:
            >>> Credit.of({"process_weight": 3, "gamma": 1.0})
            Credit(weight=3, discount=0.9)
        """
        values = {name: options.get(name) for name in _OPTIONS}
        return cls(**{name.removeprefix("process_"): value for name, value in values.items() if value is not None})

    def advantages(self, samples: Sequence[str], length: int) -> NDArray[np.float64]:
        """Return what process credit adds to the advantage of each token, one row a sample.

        Args:
            samples: What `in_tokens` returned for each sample.
            length: Tokens of a row; shorter responses get 0 behind their end.

        Example:
            >>> Credit(weight=1, discount=0.5).advantages(["[[0, 0.25], [2, 0.75]]"], 4).tolist()
            [[0.125, 0.25, 0.5, 0.0]]
        """
        gains = np.zeros((len(samples), length))
        for row, text in zip(gains, samples, strict=True):
            points = json.loads(text)
            for (_, before), (token, score) in itertools.pairwise(points):
                row[min(token, length - 1)] += score - before
        for token in range(length - 2, -1, -1):
            gains[:, token] += self.discount * gains[:, token + 1]
        return self.weight * gains


def in_characters(request: RewardRequest, result: RewardResult) -> str:
    r"""Return the prefix scores of a result as JSON: pairs of where a prefix ends in the response, and its reward.

    Args:
        request: What was asked.
        result: What became of it.

    Returns:
        ``NO_PREFIXES`` where there are none, or where the code is not in the response letter by letter, as when its
        fence is indented.

    Example:
        >>> in_characters(request, result)  # doctest: +SKIP
        '[[70, 0.31], [124, 0.55], [183, 0.52]]'
    """
    start = request.response.rfind(result.code) if result.code else -1
    if start < 0 or len(result.prefixes) < 2:
        return NO_PREFIXES
    return json.dumps([[start + each.end, each.overall] for each in result.prefixes])


def in_tokens(characters: str, text: str, tokens: Sequence[int], tokenizer: Any) -> str:
    """Return prefix scores with tokens in place of characters.

    The tokenizer's offsets say which token holds a prefix's last character, if it makes these tokens of the text again.
    A policy may sample others; then prefixes of the tokens are decoded.

    Args:
        characters: What `in_characters` returned.
        text: The response, decoded without special tokens.
        tokens: The response's tokens.
        tokenizer: A tokenizer of transformers.

    Example:
        >>> in_tokens("[[70, 0.31], [124, 0.55]]", text, tokens, tokenizer)  # doctest: +SKIP
        '[[21, 0.31], [40, 0.55]]'
    """
    points = json.loads(characters)
    if not points:
        return NO_PREFIXES
    ends = [max(0, end - 1) for end, _ in points]
    places = _by_offsets(ends, text, tokens, tokenizer) or _by_decoding(ends, tokens, tokenizer)
    return json.dumps([[place, score] for place, (_, score) in zip(places, points, strict=True)])


def _by_offsets(ends: Sequence[int], text: str, tokens: Sequence[int], tokenizer: Any) -> list[int]:
    """Return the tokens that hold these characters; none if the tokenizer makes other tokens of the text."""
    if not getattr(tokenizer, "is_fast", False):
        return []
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    special = set(tokenizer.all_special_ids)
    plain = [place for place, token in enumerate(tokens) if token not in special]
    if [tokens[place] for place in plain] != encoded["input_ids"]:
        return []
    stops = [stop for _, stop in encoded["offset_mapping"]]
    return [plain[min(bisect.bisect_right(stops, end), len(plain) - 1)] for end in ends]


def _by_decoding(ends: Sequence[int], tokens: Sequence[int], tokenizer: Any) -> list[int]:
    """Return the tokens with which the text becomes long enough to hold these characters."""

    def length(count: int) -> int:
        return len(tokenizer.decode(tokens[:count], skip_special_tokens=True))

    counts = range(1, len(tokens) + 1)
    return [min(bisect.bisect_left(counts, end + 1, key=length), len(tokens) - 1) for end in ends]
