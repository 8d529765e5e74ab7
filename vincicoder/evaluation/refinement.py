"""Refinement at test time: write code, look at its render beside the target, and write it better.

In each round the model gets the target, the best code so far and its render, and writes some candidates. They are
measured without the reference: by the reward between target and render, or by a judge. The best code is replaced only
by better code, so that more rounds never make the result worse by that measure.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from vincicoder.data.answers import fenced
from vincicoder.data.domains import domain_of
from vincicoder.data.prompts import write_prompt
from vincicoder.endpoint import Endpoint, Message, user_message
from vincicoder.errors import ConfigError, EndpointError, MachineFault
from vincicoder.images import TargetLike, compressed, open_target, target_content
from vincicoder.languages import get_language
from vincicoder.reward import RewardRequest, RewardResult, Scorer
from vincicoder.status import Fault

if TYPE_CHECKING:
    from PIL import Image

_SHOWN = """\
The first image is the target. The second image is what the {title} code below renders to.

{code}

Compare the two images, and write the complete {title} code with everything that differs corrected."""

_FAILED = """\
The {title} code below should reproduce the image, but it does not render: {message}

{code}

Write the complete, corrected {title} code."""

_ERROR = 600  # characters of a message that the model is shown

Chat = Callable[[Sequence[Message], int], str]
"""Answers a conversation; the number is the seed of its sampling."""


class Judge(Protocol):
    """Chooses between two renders of one target."""

    def prefers(self, target: Image.Image, before: Image.Image, after: Image.Image) -> bool:
        """Return whether ``after`` is closer to the target than ``before``."""


@dataclass(frozen=True)
class Candidate:
    """One answer.

    Attributes:
        round: The round that it is of; 0 for the first.
        response: What the model wrote.
        result: What the reward says of it.
    """

    round: int
    response: str
    result: RewardResult = field(repr=False)

    @property
    def score(self) -> float:
        """The reward."""
        return self.result.overall


@dataclass
class Refinement:
    """What came of refining one target.

    Attributes:
        best: The best answer.
        candidates: All answers in their order.
        scores: The reward of the best answer after each round, the first included.
        worse: Rounds whose best candidate was worse than what they began with.
        requests: Questions to the model.
        model_seconds: Wall time of its answers.
        score_seconds: Wall time of rendering and comparing.

    Example:
        >>> refinement.gains  # doctest: +SKIP
        [0.061, 0.012]
    """

    best: Candidate
    candidates: list[Candidate] = field(repr=False)
    scores: list[float]
    worse: int = 0
    requests: int = 0
    model_seconds: float = 0.0
    score_seconds: float = 0.0

    @property
    def gains(self) -> list[float]:
        """What each round after the first has added to the reward of the best answer."""
        return [after - before for before, after in itertools.pairwise(self.scores)]

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the texts, ready for JSON."""
        return {
            "scores": [round(score, 6) for score in self.scores],
            "gains": [round(gain, 6) for gain in self.gains],
            "best_round": self.best.round,
            "status": self.best.result.status.value,
            "worse": self.worse,
            "requests": self.requests,
            "model_seconds": round(self.model_seconds, 3),
            "score_seconds": round(self.score_seconds, 3),
        }


def refine(
    model: Endpoint | Chat,
    target: TargetLike,
    rounds: int = 3,
    *,
    scorer: Scorer,
    language: str = "python",
    prompt: str | None = None,
    candidates: int = 1,
    judge: Judge | None = None,
    seed: int = 0,
    sampling: Mapping[str, Any] | None = None,
) -> Refinement:
    """Let a model write code for a target, and refine it.

    Args:
        model: An endpoint, or a function that answers a conversation.
        target: The image to reproduce.
        rounds: Rounds after the first answer.
        scorer: What renders and compares, such as a ``VisualReward``.
        language: What to write.
        prompt: What the model is asked at first; None for a wording of the language's training data.
        candidates: Answers a round, of which the best goes on.
        judge: Decides between two renders instead of the reward; None for the reward.
        seed: Of the model's sampling.
        sampling: Further fields of the endpoint's requests, such as ``temperature`` and ``max_tokens``.

    Raises:
        ConfigError: A number is out of range, or the language is unknown.
        MachineFault: No first answer can be had or judged.
        TargetError: The target cannot be read.

    Example:
        >>> with VisualReward(encoder="embedded") as scorer:  # doctest: +SKIP
        ...     refinement = refine(endpoint, "chart.png", rounds=3, scorer=scorer, candidates=2)
        >>> refinement.best.response, refinement.scores  # doctest: +SKIP
        ('Here is the code: ...', [0.81, 0.87, 0.87, 0.9])
    """
    if rounds < 0 or candidates < 1:
        raise ConfigError(f"rounds={rounds} and candidates={candidates} cannot work; give at least 0 and 1")
    loop = _Loop(model, target, scorer, get_language(language).name, prompt, judge, dict(sampling or {}))
    best: Candidate | None = None
    scores: list[float] = []
    for number in range(rounds + 1):
        found = loop.round(number, best, candidates, seed + number * candidates)
        top = max(found, key=lambda each: each.score) if found else None
        if best is not None and top is not None:
            loop.worse += top.score < best.score
        for each in found:
            if best is None or loop.is_better(each, best):
                best = each
        if best is None:
            raise MachineFault(f"no first answer could be had or judged: {loop.reason}")
        scores.append(best.score)
    assert best is not None
    return Refinement(best, loop.candidates, scores, loop.worse, loop.requests, loop.model_seconds, loop.score_seconds)


class _Loop:
    """What the rounds of one refinement share."""

    def __init__(
        self,
        model: Endpoint | Chat,
        target: TargetLike,
        scorer: Scorer,
        language: str,
        prompt: str | None,
        judge: Judge | None,
        sampling: dict[str, Any],
    ) -> None:
        self._ask: Chat = model if not isinstance(model, Endpoint) else _chat(model, sampling)
        self._target, self._scorer, self._language, self._judge = target, scorer, language, judge
        self._prompt = prompt or write_prompt(domain_of(language, ""), language)
        content = target_content(target)
        self._image = content if isinstance(content, bytes) else compressed(content)
        self.candidates: list[Candidate] = []
        self.worse = self.requests = 0
        self.model_seconds = self.score_seconds = 0.0
        self.reason = ""

    def round(self, number: int, best: Candidate | None, count: int, seed: int) -> list[Candidate]:
        """Return the candidates of a round; a question that the model does not answer brings none."""
        messages = [self._question(best)]
        responses = []
        begun = time.perf_counter()
        for place in range(count):
            self.requests += 1
            try:
                responses.append(self._ask(messages, seed + place))
            except EndpointError as error:
                self.reason = str(error)
        answered = time.perf_counter()
        requests = [RewardRequest(each, self._target, self._prompt, self._language) for each in responses]
        scored = dict(self._scorer.stream(requests))
        self.model_seconds += answered - begun
        self.score_seconds += time.perf_counter() - answered
        found = [Candidate(number, response, scored[place]) for place, response in enumerate(responses)]
        self.candidates += found
        judged = [each for each in found if each.result.status.fault in (Fault.NONE, Fault.RESPONSE)]
        if found and not judged:
            self.reason = found[-1].result.message
        return judged

    def is_better(self, candidate: Candidate, best: Candidate) -> bool:
        """Return whether a candidate takes the place of the best; one without a render never does."""
        after, before = candidate.result.image(), best.result.image()
        if self._judge is None or before is None or after is None:
            return candidate.score > best.score
        return self._judge.prefers(open_target(self._target), before, after)

    def _question(self, best: Candidate | None) -> dict[str, Any]:
        if best is None or best.result.code is None:
            return user_message(self._prompt, self._image)
        known = {"title": get_language(self._language).title, "code": fenced(best.result.code, self._language)}
        render = best.result.image()
        if render is None:
            return user_message(_FAILED.format(message=best.result.message[:_ERROR], **known), self._image)
        return user_message(_SHOWN.format(**known), self._image, compressed(render))


def _chat(endpoint: Endpoint, sampling: Mapping[str, Any]) -> Chat:
    def ask(messages: Sequence[Message], seed: int) -> str:
        return endpoint.complete(messages, **{"temperature": 0.8, "seed": seed, **sampling})[0]

    return ask


class EndpointJudge:
    """A judge behind an endpoint, which is asked twice with the renders swapped; only two equal answers count.

    Args:
        endpoint: The model that judges.

    Example:
        >>> judge = EndpointJudge(Endpoint("http://localhost:8001/v1", "Qwen/Qwen3-VL-32B"))  # doctest: +SKIP
        >>> judge.prefers(target, before, after)  # doctest: +SKIP
        True
    """

    _QUESTION = (
        "The first image is a target. The second and the third are two attempts to reproduce it. Which attempt is "
        "closer to the target in layout, text, colours and shapes? Answer with one digit: 2 or 3."
    )

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def prefers(self, target: Image.Image, before: Image.Image, after: Image.Image) -> bool:
        """Return whether ``after`` is chosen whichever place it has."""
        return self._choice(target, before, after) == "3" and self._choice(target, after, before) == "2"

    def _choice(self, *images: Image.Image) -> str:
        message = user_message(self._QUESTION, *map(compressed, images))
        [answer] = self._endpoint.complete([message], temperature=0.0, max_tokens=512)[:1]
        return next((character for character in reversed(answer) if character in "23"), "")
