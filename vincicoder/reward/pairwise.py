"""Ranking within a group by a judge that sees two renders beside their target, as in RVPO (UI2Code^N).

A render earns more the more of the others it beats; a response without a render is beaten by all. GRPO divides by a
group's spread, so it learns the same from these numbers, which are in [0, 1], as from RVPO's, which are -1 for a failed
render and ``1 + wins`` for the others: ours are ``(theirs + 1) / (responses + 1)``.

Judges are noisy: an untuned one agrees with people in 62 % of the pairs of web pages (UI2Code^N, appendix).
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

from vincicoder.endpoint import Endpoint, user_message
from vincicoder.errors import ConfigError, EndpointError, FaultyAnswer, ScoringUnavailable
from vincicoder.images import compressed, open_target
from vincicoder.reward.components.judge import PROMPTS, read_prompt
from vincicoder.reward.result import RewardRequest, RewardResult
from vincicoder.status import Fault, Status

_KEPT = 1 << 16  # answers
_MOST = 100
_PLACES = ("second", "third")

Pair = tuple[int, int]


@dataclass(frozen=True)
class Ranking:
    """How the responses of a group rank.

    Attributes:
        rewards: In [0, 1]; None for a response that could not be judged, because of the data or the machine.
        asked: Questions to the judge.
        failed: Of these, those without a usable answer.
    """

    rewards: tuple[float | None, ...]
    asked: int = 0
    failed: int = 0


class PairJudge:
    """Ask a judge which of two renders is closer to their target. Answers are kept by content. Thread-safe.

    Args:
        url: The endpoint, up to ``/v1``.
        model: The judge's name there.
        pairs: Questions for a group at most. With fewer than ``n * (n - 1) / 2`` each render is compared with about as
            many others as any other.
        prompt: A file with the question, in which ``{language}`` stands for the language's name; empty for ours.
        max_tokens: Longest answer.
        key_variable: The environment variable that holds the endpoint's key.
        concurrency: Requests in flight at most.
        timeout: Seconds that one try may take.
        tries: How often a request is sent at most.

    Raises:
        ConfigError: A number is out of range, the prompt cannot be read, or the URL is not one of an endpoint.

    Example:
        >>> judge = PairJudge("http://localhost:8000/v1", "Qwen/Qwen3-VL-32B-Instruct", pairs=24)
        >>> judge.rank_group(requests, results).rewards  # doctest: +SKIP
        (0.89, 0.22, 0.0)
    """

    def __init__(
        self,
        url: str,
        model: str,
        pairs: int = 32,
        prompt: str = "",
        max_tokens: int = 256,
        key_variable: str = "JUDGE_API_KEY",
        concurrency: int = 32,
        timeout: float = 60.0,
        tries: int = 3,
    ) -> None:
        if pairs < 1:
            raise ConfigError(f"pairs is {pairs}; expected at least 1")
        try:
            self._question = read_prompt(prompt or str(PROMPTS / "pair.txt"))
        except ValueError as error:
            raise ConfigError(str(error)) from error
        self._pairs = pairs
        self._max_tokens = max_tokens
        self._endpoint = Endpoint(
            url, model, key_variable=key_variable, concurrency=concurrency, timeout=timeout, tries=tries
        )
        self._known: OrderedDict[bytes, Pair] = OrderedDict()
        self._lock = threading.Lock()

    def rank_group(self, requests: Sequence[RewardRequest], results: Sequence[RewardResult]) -> Ranking:
        """Rank the responses to one prompt by comparing their renders in pairs.

        A pair that the judge gives the same number, or whose renders are the same, is a tie and counts half for both. A
        pair without a usable answer is left out. A render that is left with no pair gets the mean of the others.

        Args:
            requests: The requests of one group.
            results: Their results, in the same order, with their renders (``keep_renders="all"``).

        Raises:
            ScoringUnavailable: The judge gave no usable answer to any pair of the group.
        """
        judged = [index for index, each in enumerate(results) if each.status.fault in (Fault.NONE, Fault.RESPONSE)]
        drawn = {index: image for index in judged if (image := _render(results[index])) is not None}
        wins, asked, failed = self._wins(requests, results, drawn)
        rewards: list[float | None] = [None] * len(results)
        known = [index for index in drawn if wins[index]]
        for index in judged:
            rewards[index] = 0.0
        for index in known:
            share = sum(wins[index]) / len(wins[index])
            rewards[index] = (2 + (len(drawn) - 1) * share) / (len(judged) + 1)
        middle = (2 + (len(drawn) - 1) / 2) / (len(judged) + 1)  # also that of the only render of a group
        for index in drawn.keys() - set(known):
            rewards[index] = middle
        return Ranking(tuple(rewards), asked, failed)

    def _wins(
        self, requests: Sequence[RewardRequest], results: Sequence[RewardResult], drawn: dict[int, Image.Image]
    ) -> tuple[dict[int, list[float]], int, int]:
        """Return what each render won of each comparison, how many were asked for, and how many failed."""
        files = {index: compressed(image) for index, image in drawn.items()}
        wins: dict[int, list[float]] = {index: [] for index in drawn}
        pairs = [(a, b) for a, b in _ring(list(drawn), self._pairs)]
        open_pairs = [(a, b) for a, b in pairs if files[a] != files[b]]
        for a, b in set(pairs) - set(open_pairs):
            wins[a].append(0.5)
            wins[b].append(0.5)
        if not open_pairs:
            return wins, 0, 0
        first = open_pairs[0][0]
        target = compressed(open_target(requests[first].target))
        question = self._question.replace("{language}", results[first].language)

        def ask(pair: Pair) -> Pair | Exception:
            try:
                return self._scores(question, target, files[pair[0]], files[pair[1]])
            except (EndpointError, FaultyAnswer) as error:
                return error

        with ThreadPoolExecutor(min(len(open_pairs), self._endpoint.concurrency)) as threads:
            answers = list(threads.map(ask, open_pairs))
        errors = [each for each in answers if isinstance(each, Exception)]
        if len(errors) == len(open_pairs):
            raise ScoringUnavailable(f"the judge ranked none of {len(errors)} pairs of a group: {errors[0]}")
        for (a, b), answer in zip(open_pairs, answers, strict=True):
            if not isinstance(answer, Exception):
                won = 0.5 + 0.5 * ((answer[0] > answer[1]) - (answer[0] < answer[1]))
                wins[a].append(won)
                wins[b].append(1.0 - won)
        return wins, len(open_pairs), len(errors)

    def _scores(self, question: str, *images: bytes) -> Pair:
        key = b"".join(hashlib.blake2b(part, digest_size=16).digest() for part in (question.encode(), *images))
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        asked = [user_message(question, *images)]
        [answer] = self._endpoint.complete(asked, temperature=0.0, max_tokens=self._max_tokens)
        scores = scores_in(answer)
        with self._lock:
            self._known[key] = scores
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return scores


def scores_in(answer: str) -> Pair:
    """Return the two numbers of a judge's answer.

    Raises:
        FaultyAnswer: There are no two whole numbers from 0 to 100.

    Example:
        >>> scores_in('Here: {"second": 80, "third": 65}')
        (80, 65)
    """
    begins, ends = answer.find("{"), answer.rfind("}")
    try:
        found = json.loads(answer[begins : ends + 1])
        first, second = (found[place] for place in _PLACES)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise FaultyAnswer(f"the judge does not give two numbers: {answer!r:.200}") from error
    if any(type(each) is not int or not 0 <= each <= _MOST for each in (first, second)):
        raise FaultyAnswer(f"the judge gives a number that is not from 0 to {_MOST}: {answer!r:.200}")
    return first, second


def _render(result: RewardResult) -> Image.Image | None:
    return result.image() if result.status is Status.OK else None


def _ring(members: Sequence[int], most: int) -> list[Pair]:
    """Return up to so many pairs, in which all members are about equally often, and equally often first."""
    count = len(members)
    pairs: list[Pair] = []
    for distance in range(1, count // 2 + 1):
        # At half the way round each pair would come twice.
        for start in range(count // 2 if 2 * distance == count else count):
            pair = members[start], members[(start + distance) % count]
            pairs.append(pair if (start + distance) % 2 else (pair[1], pair[0]))
    return pairs[:most]
