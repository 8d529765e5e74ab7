"""What a vision-language model behind an endpoint says of target and render.

In the mode ``score`` the judge rates from 0 to 5, and the component is the expectation over the digits of the first
token, ``sum(k * p_k) / (5 * sum(p_k))``: one token, no reasoning, no sampling. That agreed with people more often than
sampled scores or reasoning did (arXiv 2510.16888, table 4). In the mode ``discrepancies`` the judge lists differences
with severities of 1 to 10, and the component is ``max(0, 1 - sum / scale)``, as in the code of Visual-ERM.

A judge that cannot be asked or understood is a fault of the machine, never a 0 of the response.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from vincicoder.endpoint import Endpoint, user_message
from vincicoder.errors import FaultyAnswer
from vincicoder.images import compressed

_TOP = 5
_KEPT = 1 << 16  # scores
_MODES = ("score", "discrepancies")
PROMPTS = Path(__file__).parent / "prompts"


class Judge:
    """Ask a judge. Scores are kept by content: the same images and question are asked once.

    Args:
        url: The endpoint, up to ``/v1``.
        model: The judge's name there.
        mode: "score" or "discrepancies".
        prompt: A file with the question, in which ``{language}`` stands for the language's name; empty for ours.
        token_ids: The judge's tokens of the digits 0 to 5. With them the score is exact, on servers that know
            ``logprob_token_ids``, such as vLLM; without them the 20 likeliest tokens must do.
        least_mass: Probability that the first token is a digit, below which the judge has not answered.
        largest_error: How far the score may be off, at most, because of digits that are not among the likeliest tokens.
        scale: Sum of severities at which the score is 0.
        max_tokens: Longest list of discrepancies.
        key_variable: The environment variable that holds the endpoint's key.
        concurrency: Requests in flight at most.
        timeout: Seconds that one try may take.
        tries: How often a request is sent at most.

    Raises:
        ValueError: There is no such mode, a number is out of range, or the prompt cannot be read.
    """

    def __init__(
        self,
        url: str,
        model: str,
        mode: str = "score",
        prompt: str = "",
        token_ids: list[int] | None = None,
        least_mass: float = 0.1,
        largest_error: float = 0.02,
        scale: float = 50.0,
        max_tokens: int = 1024,
        key_variable: str = "JUDGE_API_KEY",
        concurrency: int = 32,
        timeout: float = 60.0,
        tries: int = 3,
    ) -> None:
        if mode not in _MODES:
            raise ValueError(f"mode is {mode!r}; expected {' or '.join(map(repr, _MODES))}")
        if token_ids is not None and (len(token_ids) != _TOP + 1 or any(type(each) is not int for each in token_ids)):
            raise ValueError(f"token_ids is {token_ids}; expected {_TOP + 1} numbers, those of the digits 0 to {_TOP}")
        if scale <= 0:
            raise ValueError(f"scale is {scale}; expected a number above 0")
        self._mode = mode
        self._question = read_prompt(prompt or str(PROMPTS / f"{mode}.txt"))
        self._token_ids = token_ids
        self._least_mass = least_mass
        self._largest_error = largest_error
        self._scale = scale
        self._max_tokens = max_tokens
        self._endpoint = Endpoint(
            url, model, key_variable=key_variable, concurrency=concurrency, timeout=timeout, tries=tries
        )
        self._known: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    async def __call__(self, target: Image.Image, render: Image.Image, language: str) -> float:
        """Return the judge's score, in [0, 1].

        Raises:
            EndpointError: The judge does not answer.
            FaultyAnswer: What it answers is no score, or not sure enough.
        """
        return await self.rate(self._question.replace("{language}", language), target, render)

    async def rate(self, question: str, *shown: Image.Image) -> float:
        """Return the judge's answer to a question about images as a score in [0, 1].

        Args:
            question: The whole question; the judge is told what the mode expects it to answer.
            shown: The images, in the order in which the question speaks of them.

        Raises:
            EndpointError: The judge does not answer.
            FaultyAnswer: What it answers is no score, or not sure enough.
        """
        return await self._endpoint.in_thread(lambda: self._rated(question, shown))

    def _rated(self, question: str, shown: Sequence[Image.Image]) -> float:
        images = [compressed(each) for each in shown]
        key = b"".join(hashlib.blake2b(part, digest_size=16).digest() for part in (question.encode(), *images))
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        messages = [user_message(question, *images)]
        if self._mode == "score":
            exact = {"logprob_token_ids": self._token_ids} if self._token_ids is not None else {}
            tokens = self._endpoint.first_token(messages, **exact)
            score = expected_score(tokens, self._least_mass, self._largest_error, whole=not exact)
        else:
            [answer] = self._endpoint.complete(messages, temperature=0.0, max_tokens=self._max_tokens)
            score = max(0.0, 1.0 - severity_of(answer) / self._scale)
        with self._lock:
            self._known[key] = score
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return score


def expected_score(
    tokens: Sequence[tuple[str, float]], least_mass: float, largest_error: float, whole: bool = True
) -> float:
    """Return the expectation over the digits 0 to 5, divided by 5.

    A digit that is not named is less likely than every token that is, and all of them together than what is left. From
    that follows how far the score may be off.

    Args:
        tokens: The likeliest first tokens with their log-probabilities.
        least_mass: Least probability of a digit.
        largest_error: How far the score may be off.
        whole: Whether these are the likeliest tokens of all; if not, every digit must be there.

    Raises:
        FaultyAnswer: No digit is likely enough, or the score is not sure enough.

    Example:
        >>> from math import log
        >>> round(expected_score([("5", log(0.6)), (" 4", log(0.3)), ("The", log(0.1))], 0.1, 1.0), 3)
        0.933
    """
    masses = dict.fromkeys(map(str, range(_TOP + 1)), 0.0)
    named = set()
    for token, logprob in tokens:
        if token.strip() in masses:
            masses[token.strip()] += math.exp(logprob)
            named.add(token.strip())
    mass = sum(masses.values())
    if mass < least_mass:
        told = ", ".join(repr(token) for token, _ in tokens[:5])
        raise FaultyAnswer(f"the judge does not begin with a digit from 0 to {_TOP} but with {told or 'nothing'}")
    score = sum(int(digit) * each for digit, each in masses.items()) / (_TOP * mass)
    missing = [int(digit) / _TOP for digit in masses if digit not in named]
    if missing and not whole:
        raise FaultyAnswer(f"the judge's server names only the digits {', '.join(sorted(named))}; are token_ids right?")
    if missing:
        probabilities = [math.exp(logprob) for _, logprob in tokens]
        hidden = min(len(missing) * min(probabilities), max(0.0, 1.0 - sum(probabilities)))
        error = hidden / (mass + hidden) * max(abs(score - value) for value in missing)
        if error > largest_error:
            raise FaultyAnswer(
                f"the judge's score {score:.3f} may be off by {error:.3f}, over {largest_error}: some digits are not "
                "among the likeliest tokens; give token_ids where the server knows logprob_token_ids"
            )
    return score


def severity_of(answer: str) -> float:
    """Return the sum of the severities of a judge's list of discrepancies.

    Raises:
        FaultyAnswer: The answer is no such list.

    Example:
        >>> severity_of('Here: [{"what": "the title is missing", "severity": 7}, {"what": "hue", "severity": 2}]')
        9.0
    """
    begins, ends = answer.find("["), answer.rfind("]")
    try:
        found = json.loads(answer[begins : ends + 1])
        severities = [float(each["severity"]) for each in found]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise FaultyAnswer(f"the judge gives no list of discrepancies: {answer!r:.200}") from error
    if not all(1 <= each <= 10 for each in severities):
        raise FaultyAnswer(f"the judge gives a severity that is not from 1 to 10: {answer!r:.200}")
    return sum(severities)


def read_prompt(file: str) -> str:
    """Return the question that a file holds.

    Raises:
        ValueError: It cannot be read.
    """
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the prompt {file!r} cannot be read ({error})") from error


COMPONENT = Judge
