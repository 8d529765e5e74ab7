"""The VinciCoder reward for EasyR1: ``worker.reward.reward_function=.../vincicoder_easyr1.py:compute_score``.

EasyR1 executes this file inside its reward actor and calls `compute_score` with a whole batch. The target, the
language, the prompt and the reference come from whichever of these has them, in this order:

1. The answer column (``data.answer_key``), when it is a struct or JSON text with ``target``, ``language``, ``code``.
2. What the manager passes beside the answer: VinciCoder's fork passes ``multi_modal_data`` and ``problem``.
3. The batch itself. Stock EasyR1 passes on nothing but the answer, although the batch has the images, every other
   column and the tokens of the prompt. So that data sets with ``problem``, ``answer`` and ``images`` work unchanged,
   `compute_score` reads the variables of EasyR1's ``AutoRewardManager`` at work, wherever it stands among the callers:
   a function of your own may call this one, through decorators, ``functools.partial`` or threads, and with some of the
   samples or all. Nothing of EasyR1 is changed. ``read_batch=false`` forbids it. When samples cannot be found in the
   batch, a warning says so once and again whenever that changes; they count as ``bad_target`` if nothing else has
   their target.

Options come from ``worker.reward.reward_function_kwargs``: ``image_dir``, ``read_batch``, ``noise`` and every option of
``vincicoder.VisualReward``; ``format_weight``, as the public release calls it, is ``alignment_weight``. Each EasyR1 job
has two reward actors, for training and for validation, and so two rewards. In EasyR1's Ray job they render on the CPUs
of all nodes, so the actors themselves need no more than one CPU.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import logging
import sys
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

if importlib.util.find_spec("vincicoder") is None:  # cloned, not installed
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from vincicoder import trainers
from vincicoder.trainers.ranking import check_truncation, pair_judge, ranked

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest
    from vincicoder.reward.config import RewardConfig
    from vincicoder.reward.pairwise import PairJudge

REWARD_NAME = "vincicoder"
REWARD_TYPE = "batch"

logger = logging.getLogger("vincicoder.easyr1")

_TARGET_HINT = (
    "Under EasyR1 give the image in the data.image_key column, or as 'target' in data.answer_key's column "
    '(a struct, or JSON text such as {"target": "chart.png", "language": "python"}); relative paths need '
    "worker.reward.reward_function_kwargs.image_dir."
)
_OF_ROWS = ("image_dir", "read_batch", "noise", "rank")
_OWN = (*_OF_ROWS, "truncated", "max_response", "soft_tokens")
_RELEASE_NAMES = {"format_weight": "alignment_weight"}
"""Options of the public VinciCoder release, and what they are called here."""


def compute_score(
    reward_inputs: Sequence[Mapping[str, Any]],
    *,
    image_dir: str | None = None,
    read_batch: bool = True,
    noise: float | None = None,
    rank: Mapping[str, Any] | None = None,
    **options: Any,
) -> list[dict[str, float]]:
    """Score a batch of responses.

    Args:
        reward_inputs: One mapping per sample with ``response`` and ``ground_truth``, and perhaps
            ``multi_modal_data`` and ``problem``.
        image_dir: Directory that relative paths of targets start from.
        read_batch: Whether to look into EasyR1's batch for what ``reward_inputs`` lacks.
        noise: What the reward changes by where only the rendering differs; None for what was measured of the preset.
        rank: Options of ``vincicoder.trainers.ranking.pair_judge``: a judge ranks the responses of each group, and the
            rank is ``overall``. None for the reward itself.
        options: Options of ``vincicoder.VisualReward``, ``format_weight``, or those of ``Truncation``: ``truncated``,
            ``max_response`` and ``soft_tokens``.

    Returns:
        One dict per sample, in order, always with the same keys, those of ``vincicoder.trainers.metrics_of``: among
        them ``overall``, ``format``, ``accuracy`` and ``execution`` as in the public VinciCoder release. Where the
        batch has groups, as in training, each also says how far apart the rewards of its own group are. EasyR1 trains
        on ``overall`` and logs the mean of each as ``reward/<key>``.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work, or no row says its language.
        TargetError: No row has a target that can be read.
        ScoringUnavailable: This machine, not the model, failed too often; see ``vincicoder.trainers.TrainerReward``.

    Example:
        >>> truth = '{"target": "icon.png", "language": "svg"}'
        >>> row = {"response": "no idea", "ground_truth": truth}
        >>> [score] = compute_score([row], encoder="embedded")  # doctest: +SKIP
    """
    judge = None if rank is None else _pair_judge(rank, options)
    reward = _reward(options if judge is None else {**options, "keep_renders": "all"})
    rows: list[_Row | None] = _rows(reward_inputs) if read_batch else [None] * len(reward_inputs)
    requests = [_request(*each, image_dir) for each in zip(reward_inputs, rows, strict=True)]
    if read_batch:
        lost = [row is None and each.target is trainers.NO_TARGET for row, each in zip(rows, requests, strict=True)]
        _report.missing(sum(lost))
    least = reward.noise if noise is None else trainers.share_of("noise", noise)
    # Training gives each prompt a uid, and validation none.
    training = not any(row is not None and "uid" not in row.columns() for row in rows)
    results: dict[int, Any] = {}
    scores = reward.score(requests, training, results if judge is not None else None)
    members = trainers.members_of(requests, scores)
    groups = trainers.spread_by_sample(members, least)
    batch = trainers.metrics_of_batch(members, scores)
    if judge is not None:
        scores = ranked(judge, requests, scores, results, training)
    return [{**score, **group, **batch} for score, group in zip(scores, groups, strict=True)]


def _request(given: Mapping[str, Any], row: _Row | None, image_dir: str | None) -> RewardRequest:
    """Return the request of a sample, of which the batch may know more than was given."""
    sources = [trainers.answer_fields(given.get("ground_truth")), given]
    if row is not None:
        sources.append(row.columns())
        if not trainers.says_language(sources):
            sources.append({"prompt": row.prompt()})
    return trainers.request_from(given["response"], sources, image_dir=image_dir)


def _pair_judge(rank: Mapping[str, Any], options: Mapping[str, Any]) -> PairJudge:
    """Return the judge with these options; the same one in every step, since it keeps its answers."""
    check_truncation(options.get("truncated", trainers.ZERO))
    return _kept_judge(tuple(sorted(rank.items())))


@functools.lru_cache(maxsize=4)
def _kept_judge(options: tuple[tuple[str, Any], ...]) -> PairJudge:
    return pair_judge(dict(options))


def checked_options(options: Mapping[str, Any]) -> RewardConfig:
    """Return what options of ``worker.reward.reward_function_kwargs`` say of the reward, having checked all of them.

    Args:
        options: The options by name.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work.

    Example:
        >>> checked_options({"encoder": "embedded", "format_weight": 0.2}).scoring.alignment_weight
        0.2
    """
    own = {name: value for name, value in options.items() if name not in _OF_ROWS}
    if options.get("rank") is not None:
        _pair_judge(options["rank"], own)
    _reward(own)
    return trainers.reward_config({_RELEASE_NAMES.get(name, name): value for name, value in own.items()})


def _reward(options: Mapping[str, Any]) -> trainers.TrainerReward:
    options = {_RELEASE_NAMES.get(name, name): value for name, value in options.items()}
    truncation = trainers.Truncation(
        options.pop("truncated", trainers.ZERO), options.pop("max_response", None), options.pop("soft_tokens", None)
    )
    return trainers.shared_reward(
        options, _TARGET_HINT, own=(*_OWN, *_RELEASE_NAMES), whole_groups=True, truncation=truncation
    )


class _Row:
    """One sample in the batch that EasyR1's manager is working on, a ``DataProto``."""

    def __init__(self, data: Any, tokenizer: Any, index: int) -> None:
        self._data = data
        self._tokenizer = tokenizer
        self._index = index

    def columns(self) -> dict[str, Any]:
        """Return the sample's columns that are no tensors."""
        return {name: values[self._index] for name, values in self._data.non_tensor_batch.items()}

    def prompt(self) -> str | None:
        """Return the prompt, decoded from its tokens."""
        if "prompts" not in self._data.batch.keys():  # noqa: SIM118 - a TensorDict iterates over its rows
            return None
        tokens = self._data.batch["prompts"][self._index]
        tokens = tokens[tokens != self._tokenizer.pad_token_id]
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=True)
        return text


def _rows(reward_inputs: Sequence[Mapping[str, Any]]) -> list[_Row | None]:
    """Return the batch's row of each sample, or None where it cannot be found."""
    for frame in _callers():
        found = _matched(frame.f_locals, reward_inputs)
        if found is not None:
            return found
    return [None] * len(reward_inputs)


def _callers() -> Iterator[FrameType]:
    """Yield the frames of all callers, nearest first, then those of other threads: one may have been asked for us."""
    for frame in itertools.chain([sys._getframe(2)], sys._current_frames().values()):
        caller: FrameType | None = frame
        while caller is not None:
            yield caller
            caller = caller.f_back


def _matched(names: Mapping[str, Any], reward_inputs: Sequence[Mapping[str, Any]]) -> list[_Row | None] | None:
    """Return the rows if these are the variables of the manager's method and its batch has these samples.

    A sample is recognised by its text object; where a function in between has changed the text, by its place.
    """
    data: Any = names.get("data")
    tokenizer = getattr(names.get("self"), "tokenizer", None)
    if tokenizer is None or not hasattr(data, "batch") or not hasattr(data, "non_tensor_batch"):
        return None
    passed = next((value for value in names.values() if _is_inputs(value)), None)
    if passed is None:  # EasyR1's sequential manager passes one sample at a time
        place = names.get("i")
        return [_Row(data, tokenizer, place)] if isinstance(place, int) and len(reward_inputs) == 1 else None
    if any(len(values) != len(passed) for values in data.non_tensor_batch.values()):
        return None
    places: defaultdict[int, deque[int]] = defaultdict(deque)
    for place, each in enumerate(passed):
        places[id(each["response"])].append(place)
    rows: list[_Row | None] = []
    for place, given in enumerate(reward_inputs):
        same = places[id(given["response"])]
        if same:
            rows.append(_Row(data, tokenizer, same.popleft()))
        else:
            rows.append(_Row(data, tokenizer, place) if len(passed) == len(reward_inputs) else None)
    return rows


def _is_inputs(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping) and "response" in value[0]


class _Report:
    """Say when samples cannot be found in EasyR1's batch, and when that is over."""

    def __init__(self) -> None:
        self._missing = False

    def missing(self, count: int) -> None:
        """Take note of how many samples of a call have no target for that reason."""
        if count and not self._missing:
            logger.warning(
                f"{count} samples have no image: EasyR1's batch, which holds it, cannot be found from here, or is not "
                f"in step with the samples. They count as bad_target and score 0. Call compute_score with EasyR1's own "
                f"reward_inputs, in this process. {_TARGET_HINT}"
            )
        elif self._missing and not count:
            logger.warning("all samples of this call have their image again")
        self._missing = bool(count)


_report = _Report()


def _check_options() -> None:
    """Check the options while EasyR1 loads this file, so that a wrong one is an error before the first rollout."""
    for frame in _callers():
        config: Any = frame.f_locals.get("config")
        options = getattr(config, "reward_function_kwargs", None)
        if isinstance(options, Mapping) and Path(str(config.reward_function)).name == Path(__file__).name:
            checked_options(options)
            return


_check_options()
