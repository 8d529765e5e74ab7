"""What a response gets that the limit of tokens cut off: the option ``truncated`` of EasyR1's and verl's rewards.

ms-swift and TRL have keys of their own for it; see ``docs/rl-options.md``.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vincicoder.errors import ConfigError
from vincicoder.trainers.groups import Scores
from vincicoder.trainers.metrics import Metrics

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest

ZERO, MASK, SOFT = RULES = ("zero", "mask", "soft")

LENGTH = "response_length"
"""Under this name a request's metadata has the number of its response's tokens, as EasyR1 calls it."""

SOFT_SHARE = 0.2
"""Share of the longest response on which the soft rule begins, as in DAPO (arXiv 2503.14476, section 3.4)."""


@dataclass(frozen=True)
class Truncation:
    """How a reward deals with responses that reach the limit of tokens.

    * ``zero``: no rule of its own. Code that is cut off scores 0, since its block never closes; a response that closed
      its block before keeps its score. This is what the release does.
    * ``mask``: a response that reaches the limit gets the mean of its siblings that do not, so that its advantage is 0
      and nothing is learned from it. If all of a group reach it, all get 0.
    * ``soft``: from ``soft_tokens`` before the limit on, up to 1 is taken from the reward, in proportion.

    Args:
        rule: "zero", "mask" or "soft".
        max_response: The limit, in tokens; needed for "mask" and "soft".
        soft_tokens: Tokens before the limit where "soft" begins; None for a fifth of the limit.

    Raises:
        ConfigError: The rule is not known, or a number cannot work.

    Example:
        >>> Truncation("soft", max_response=1000).penalty(900)
        -0.5
    """

    rule: str = ZERO
    max_response: int | None = None
    soft_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ConfigError(f"truncated is {self.rule!r}; expected one of: {', '.join(RULES)}")
        for name in ("max_response", "soft_tokens"):
            number = getattr(self, name)
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
                raise ConfigError(f"{name} is {number!r}; expected a number of tokens, at least 1")
        if self.rule != ZERO and self.max_response is None:
            raise ConfigError(
                f"truncated is {self.rule!r}, but max_response is missing; give the longest response that the trainer "
                "allows, in tokens"
            )
        if self.max_response is not None and self.soft_tokens is not None and self.soft_tokens > self.max_response:
            raise ConfigError(f"soft_tokens is {self.soft_tokens}; expected at most max_response, {self.max_response}")

    def masks(self, request: RewardRequest) -> bool:
        """Return whether nothing is to be learned from a response.

        Args:
            request: Its request, with its length in the metadata.

        Raises:
            ConfigError: The trainer does not say how long the response is.
        """
        return self.rule == MASK and self._length(request) >= self._limit

    def softened(self, metrics: Metrics, request: RewardRequest) -> Metrics:
        """Return a sample's metrics with what the soft rule takes from ``overall``.

        Args:
            metrics: Of the sample.
            request: Its request, with its length in the metadata.

        Raises:
            ConfigError: The trainer does not say how long the response is.
        """
        if self.rule != SOFT:
            return metrics
        return {**metrics, "overall": metrics["overall"] + self.penalty(self._length(request))}

    def penalty(self, length: int) -> float:
        """Return what the soft rule adds to a reward, from -1 to 0: -(length - (limit - soft)) / soft, at most 0.

        Args:
            length: Tokens of the response.
        """
        soft = self.soft_tokens or max(1, round(SOFT_SHARE * self._limit))
        over = length - (self._limit - soft)
        return -min(1.0, over / soft) if over > 0 else 0.0

    @property
    def _limit(self) -> int:
        assert self.max_response is not None, "checked at construction"
        return self.max_response

    def _length(self, request: RewardRequest) -> int:
        length = request.metadata.get(LENGTH)
        if length is None:
            raise ConfigError(f"truncated is {self.rule!r}, but this trainer does not say how long a response is")
        return int(length)


NO_RULE = Truncation()


def masked(siblings: Future[Scores | None], metrics: Metrics) -> Future[Metrics]:
    """Return what will be the metrics of a response that nothing is to be learned from.

    Args:
        siblings: What will be the mean scores of the responses that it belongs to, or None if there are none.
        metrics: Its own, of which all but ``overall`` stay.
    """
    future: Future[Metrics] = Future()

    def resolve(known: Future[Scores | None]) -> None:
        try:
            mean = known.result()
            future.set_result({**metrics, "overall": mean["overall"] if mean else 0.0})
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
            future.set_exception(error)

    siblings.add_done_callback(resolve)
    return future
