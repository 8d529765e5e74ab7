"""Look and refine within an episode: what a model is shown of its answer, and what its turns earn.

The model answers, is shown the render of its code or why there is none, and answers again. The reward is that of the
last render. A last turn that is worse than the one before earns 0, as in RVPO (UI2Code^N). Improvement is not paid for
itself: a policy that is paid for it learns to begin badly (MM-ReCoder's first turn fell from 81.8 to 66.7).
"""

from __future__ import annotations

import dataclasses
import json
import logging
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image

from vincicoder.alignment import align
from vincicoder.data.answers import fenced
from vincicoder.errors import ConfigError, VinciCoderError
from vincicoder.evaluation.export import CELL
from vincicoder.languages import find_language
from vincicoder.status import Fault
from vincicoder.trainers.metrics import TURN, Metrics, is_judged
from vincicoder.trainers.reward import group_of
from vincicoder.trainers.rows import text_of

if TYPE_CHECKING:
    from vincicoder.rendering import Render
    from vincicoder.reward import RewardRequest

TOOL = "render"
"""The name of the tool that models call, where a trainer's turns are calls of tools."""

TURNS = "vincicoder_turns"
"""Under what name a trainer's rollout carries what the model wrote in the turns before the last."""

FIRST, LAST, SABOTAGE = f"{TURN}first", f"{TURN}last", f"{TURN}sabotage"
"""Names of metrics of turns."""

_SHOWN = (
    "This is what your code draws. Compare it with the target, and write the complete {title} code again with "
    "everything that differs corrected."
)
_FAILED = "Your code gives no image: {why}. Write the complete, corrected {title} code."
_UNAVAILABLE = "Your code could not be rendered just now, which is not its fault. Write the complete {title} code."

_CHARACTERS = 400  # of an error's text, about 100 tokens
_PIXELS = 1 << 20  # of an image, about 1,000 tokens of Qwen3-VL
_LEAST_SIDE, _LONGEST_SIDE, _LARGEST_RATIO = 32, 4096, 100  # what the image processors of our models accept

_HARMLESS = str.maketrans("<>[]{}`|", "‹›()()'¦")
_UNSEEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")

logger = logging.getLogger(__name__)


class Renderer(Protocol):
    """What renders code as scoring does: a scorer, or a ``TrainerReward``."""

    def render(self, code: str, language: str) -> Render:
        """Render code."""


@dataclasses.dataclass(frozen=True)
class Feedback:
    """What a model is shown of its answer.

    Attributes:
        text: What it is told; safe to be put into a prompt.
        image: Its render, or None.
    """

    text: str
    image: Image.Image | None = None


def feedback(renderer: Renderer, response: str, language: str) -> Feedback:
    """Render a response and say what the model is shown of it.

    A fault of the machine or of the row, such as a language that is not known, is told as such and raises nothing:
    what scores the episode will meet it again.

    Args:
        renderer: What renders.
        response: What the model wrote, with the code in a fence.
        language: Name or alias of the requested language.

    Example:
        >>> feedback(reward, "An icon of a circle.", "svg").text  # doctest: +SKIP
        'Your code gives no image: the response has no code block. Write the complete, corrected SVG code.'
    """
    asked = find_language(language.strip().lower())
    if asked is None:
        return Feedback(_UNAVAILABLE.format(title="").replace("  ", " "))
    title = asked.title
    found = align(response, asked.name)
    if found.code is None:
        return Feedback(_FAILED.format(why=quoted(found.message), title=title))
    try:
        render = renderer.render(found.code, found.language)
    except VinciCoderError as error:
        logger.warning(f"a turn goes on without its render: {error}")
        return Feedback(_UNAVAILABLE.format(title=title))
    if render.image is not None:
        return Feedback(_SHOWN.format(title=title), _shown(render.image))
    if render.status.fault is Fault.MACHINE:
        return Feedback(_UNAVAILABLE.format(title=title))
    return Feedback(_FAILED.format(why=quoted(render.message), title=title))


def quoted(text: str, most: int = _CHARACTERS) -> str:
    r"""Return a text of unknown origin as one line that means nothing but itself to any chat template or tokenizer.

    Special tokens of tokenizers (``<|im_end|>``), places of images (``<image>``), calls of tools, roles on lines of
    their own and fences need brackets, bars, backticks or line ends; here these become signs that look alike.

    Args:
        text: The text.
        most: Characters that are kept at most.

    Example:
        >>> quoted("bad tag <image>\n<|im_end|>")
        'bad tag ‹image› ‹¦im_end¦›'
    """
    plain = _UNSEEN.sub(" ", unicodedata.normalize("NFKC", text[: 4 * most])).translate(_HARMLESS).strip(" .")
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def _shown(image: Image.Image) -> Image.Image:
    """Return an image as image processors take it: not too large, and neither tiny nor a thread."""
    scale = min(1.0, (_PIXELS / (image.width * image.height)) ** 0.5, _LONGEST_SIDE / max(image.size))
    width, height = (max(1, round(side * scale)) for side in image.size)
    image = image if scale == 1.0 else image.resize((width, height), Image.Resampling.LANCZOS)
    least = max(_LEAST_SIDE, -(-max(width, height) // _LARGEST_RATIO))
    if min(width, height) >= least:
        return image
    canvas = Image.new("RGB", (max(width, least), max(height, least)), "white")
    canvas.paste(image)
    return canvas


def answers_in(completion: Any, language: str) -> list[str]:
    r"""Return what each of the model's turns answers: the code that it has rendered, else its text.

    Args:
        completion: Text, or messages; those of the role ``assistant`` are the model's.
        language: Name of the requested language, for the fence around code that is an argument of a tool.

    Example:
        >>> call = {"function": {"name": "render", "arguments": {"code": "<svg/>"}}}
        >>> turns = [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "content": "It is white."}]
        >>> answers_in([*turns, {"role": "assistant", "content": "I am done."}], "svg")
        ['```svg\n<svg/>\n```', 'I am done.']
    """
    if isinstance(completion, str):
        return [completion]
    turns = [each for each in completion or () if each.get("role", "assistant") == "assistant"]
    return [_answer(each, language) for each in turns] or [""]


def _answer(message: Mapping[str, Any], language: str) -> str:
    calls = [call.get("function") or {} for call in message.get("tool_calls") or ()]
    answers = [answer_of_call(call.get("name"), call.get("arguments"), language) for call in calls]
    said = text_of([{"content": "", **message}]) or ""
    return next((answer for answer in reversed(answers) if answer is not None), said)


def answer_of_call(name: Any, arguments: Any, language: str = "") -> str | None:
    r"""Return the code that a call of a tool asks to be rendered, in a fence; None for another call, or a broken one.

    Args:
        name: Of the tool.
        arguments: What it is called with, or the JSON text of that: ``code``, and perhaps ``language``.
        language: That of the code, if the call names none that is known.

    Example:
        >>> answer_of_call("render", '{"code": "<svg/>", "language": "SVG"}')
        '```svg\n<svg/>\n```'
    """
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            return None
    if name != TOOL or not isinstance(arguments, Mapping) or not isinstance(arguments.get("code"), str):
        return None
    named = find_language(str(arguments.get("language", "")).strip().lower())
    return fenced(arguments["code"], named.name if named else language)


def checked_turns(turns: Any) -> int:
    """Return how many turns an episode may have.

    Raises:
        ConfigError: It is no whole number of at least 1.

    Example:
        >>> checked_turns(2)
        2
    """
    if not isinstance(turns, int) or isinstance(turns, bool) or turns < 1:
        raise ConfigError(f"turns is {turns!r}; expected a whole number of at least 1")
    return turns


def requests_of_turns(request: RewardRequest, earlier: Sequence[str]) -> list[RewardRequest]:
    """Return a request for each turn of an episode, the last one's at the end.

    A turn is a sibling of the same turn of others only. Only the last turn is measured as a benchmark's sample.

    Args:
        request: That of the last turn.
        earlier: What the model wrote in the turns before it.
    """
    kept = {name: value for name, value in request.metadata.items() if name != CELL}
    group = group_of(request) if earlier else ""
    before = [
        dataclasses.replace(request, response=response, metadata={**kept, "uid": f"{group} turn {number}"})
        for number, response in enumerate(earlier, 1)
    ]
    return [*before, request]


def turn_reward(rewards: Sequence[float], noise: float) -> float:
    """Return what an episode earns: what the last turn's render does, or 0 if that made it worse.

    Args:
        rewards: Of each turn's render.
        noise: By how much a reward may be lower without being worse: what it changes by where only the rendering
            differs.

    Example:
        >>> turn_reward([0.5, 0.8], 0.005), turn_reward([0.8, 0.5], 0.005), turn_reward([0.5], 0.005)
        (0.8, 0.0, 0.5)
    """
    worse = len(rewards) > 1 and rewards[-2] - rewards[-1] > noise
    return 0.0 if worse else rewards[-1]


def episode_metrics(turns: Sequence[Metrics], most: int, noise: float) -> Metrics:
    """Return the metrics of an episode: those of its last turn, with its own reward, and what the turns say.

    Args:
        turns: The metrics of each turn.
        most: Turns that an episode may have; with 1 there are no metrics of turns.
        noise: See `turn_reward`.

    Returns:
        Always the same keys for the same ``most``. A turn that was not taken or not judged has no gain.
    """
    last = turns[-1]
    if most == 1:
        return last
    rewards = [each["overall"] for each in turns if is_judged(each)]
    judged = is_judged(last)
    found: Metrics = {
        **last,
        "overall": turn_reward(rewards, noise) if judged else last["overall"],
        FIRST: rewards[0] if judged else last["overall"],
        LAST: last["overall"],
    }
    for number in range(2, most + 1):
        taken = len(turns) >= number
        pair = turns[number - 2 : number] if taken else []
        gain = pair[1]["overall"] - pair[0]["overall"] if pair and all(map(is_judged, pair)) else 0.0
        found |= {
            f"{TURN}{number}/share": float(taken),
            f"{TURN}{number}/gain": gain,
            f"{TURN}{number}/worse": float(gain < -noise),
        }
    return found


def sabotage(groups: Sequence[str], samples: Sequence[Metrics], noise: float) -> list[float]:
    """Return 1 for each episode that improved only on its own bad beginning, else 0.

    Such an episode ends better than it began, and no better than its group began on average. A policy that learns to
    begin badly has more and more of them, while ``turn/first`` falls.

    Args:
        groups: What tells the group of each episode from all others.
        samples: The metrics of each episode; see `episode_metrics`.
        noise: See `turn_reward`.

    Example:
        >>> judged = {"bad_target": 0, "bad_request": 0, "infrastructure": 0}
        >>> began, ended = (0.8, 0.2, 0.5), (0.8, 0.5, 0.9)
        >>> samples = [{**judged, FIRST: first, LAST: last} for first, last in zip(began, ended)]
        >>> sabotage(["a"] * 3, samples, 0.005)
        [0.0, 1.0, 0.0]
    """
    began: defaultdict[str, list[float]] = defaultdict(list)
    for group, sample in zip(groups, samples, strict=True):
        if is_judged(sample):
            began[group].append(sample[FIRST])
    return [
        float(is_judged(each) and each[LAST] - each[FIRST] > noise and each[LAST] <= fmean(began[group]))
        for group, each in zip(groups, samples, strict=True)
    ]
