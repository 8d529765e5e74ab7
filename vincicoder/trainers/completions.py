"""The reward as TRL and ms-swift call reward functions: completions and columns in, floats or None out."""

from __future__ import annotations

import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from vincicoder.data.cells import answer_fields
from vincicoder.errors import ConfigError
from vincicoder.trainers.members import levelled, members_of, share_of, sums_of_groups
from vincicoder.trainers.metrics import Metrics, is_judged, means, sums_of, weight
from vincicoder.trainers.reward import TrainerReward
from vincicoder.trainers.rows import request_from, text_of
from vincicoder.trainers.shared import shared_reward
from vincicoder.trainers.validation import benchmark_names

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest

REWARDS = ("overall", "visual", "alignment", "execution")
FAULTS = ("none", "mean")

_OWN = ("image_dir", "faults", "group_size", "noise", "least_spread", "benchmarks", "validation_dir")

_TARGET_HINT = (
    "Give the image in a column 'target', 'image' or 'images' (path, bytes, PIL image, base64 text or "
    "{'bytes', 'path'}); relative paths need the option image_dir."
)


class CompletionReward:
    """A reward function for TRL's trainers and ms-swift's GRPO.

    Several of them with equal options score a batch once and share workers and encoder; with several processes on a
    machine (``LOCAL_WORLD_SIZE``), all of these share one process that has them. Picklable.

    Args:
        reward: What to return: ``"overall"``, ``"visual"``, ``"alignment"`` or ``"execution"``.
        image_dir: Directory that relative paths of targets start from.
        faults: What a sample gets that could not be judged: ``"none"`` for None, as these trainers have it, which they
            sum as 0 when no other reward has a value; ``"mean"`` for the mean of its siblings where the machine failed
            and 0 where the row's data cannot be used, so that nothing is learned from it.
        group_size: Responses per prompt, where that is known; matters when the processes of a machine share a group.
        noise: What the reward changes by where only the rendering differs; the log says which share of the groups has a
            standard deviation below twice this. None for what was measured of the preset.
        least_spread: Standard deviation of ``overall`` that a group must have to be learned from; the responses of
            others all get their mean. It needs whole groups in one process; with ``group_size``, others are let be.
        benchmarks: Names of benchmarks: rows that ``vincicoder eval export`` wrote of them are measured by the
            benchmark's own metrics as well, for the log.
        validation_dir: Directory that keeps the responses to these rows as predictions for ``vincicoder eval score``,
            one file a benchmark and step; None keeps none.
        options: Options of ``vincicoder.VisualReward``.

    Raises:
        ConfigError: ``reward`` or ``faults`` is not one of these, or an option is unknown or has a value that cannot
            work.

    Example:
        >>> reward = CompletionReward(encoder="embedded")
        >>> reward(completions=["no code"], image=["chart.png"], language=["svg"])  # doctest: +SKIP
        [0.0]
    """

    def __init__(
        self,
        reward: str = "overall",
        *,
        image_dir: str | None = None,
        faults: str = "none",
        group_size: int | None = None,
        noise: float | None = None,
        least_spread: float = 0.0,
        benchmarks: str | Sequence[str] = (),
        validation_dir: str | None = None,
        **options: Any,
    ) -> None:
        for name, value, known in (("reward", reward, REWARDS), ("faults", faults, FAULTS)):
            if value not in known:
                raise ConfigError(f"{name} is {value!r}; expected one of: {', '.join(known)}")
        self.reward = reward
        self.__name__ = "vincicoder" if reward == "overall" else f"vincicoder_{reward}"
        self._image_dir = image_dir
        self._faults = faults
        self._noise = None if noise is None else share_of("noise", noise)
        self._least_spread = share_of("least_spread", least_spread)
        self._adapter: dict[str, Any] = {
            "group_size": group_size,
            "benchmarks": benchmark_names(benchmarks),
            "validation_dir": validation_dir,
        }
        self._options = options
        self._shared()  # a misspelt option is an error now and not after the first rollout

    def __call__(
        self,
        completions: Sequence[Any],
        prompts: Sequence[Any] | None = None,
        *,
        log_metric: Callable[[str, float], object] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """Score a batch.

        Args:
            completions: Texts, or lists of messages.
            prompts: Texts, or lists of messages; without it ``messages`` among the columns, as ms-swift has it.
            log_metric: Newer TRL's way to log a number; gets the batch's means of all components and statuses.
            columns: The data set's columns, one value per completion; the target is in ``target``, ``image`` or
                ``images``, else in ``solution`` (a struct or JSON text with ``target``, ``language``, ``code``); the
                language in ``language``, else as the prompt or the fence of the reference says; the reference in
                ``reference``, ``code`` or ``solution``.

        Returns:
            One score in [0, 1] per completion, in order; None where the machine failed or the row cannot be used.

        Raises:
            ConfigError: No row says its language.
            TargetError: No row has a target that can be read.
            ScoringUnavailable: This machine, not the model, failed too often; see ``TrainerReward``.
        """
        requests = self._requests(completions, prompts, columns)
        shared = self._shared()
        samples, sums = _passes.score(shared, requests, shared.noise if self._noise is None else self._noise)
        if sums and log_metric is not None:
            for name, mean in means(sums).items():
                log_metric(f"vincicoder/{name}", mean)
        keep = self._faults == "mean"
        scores: list[float | None] = [sample[self.reward] if keep or is_judged(sample) else None for sample in samples]
        if not self._least_spread:
            return scores
        members = members_of(requests, samples)
        return levelled(scores, members, self._least_spread, self._adapter["group_size"])

    def _shared(self) -> TrainerReward:
        per_node = int(os.environ.get("LOCAL_WORLD_SIZE", "1")) > 1
        return shared_reward(self._options, _TARGET_HINT, own=_OWN, per_node=per_node, says_step=True, **self._adapter)

    def _requests(
        self, completions: Sequence[Any], prompts: Sequence[Any] | None, columns: dict[str, Any]
    ) -> list[RewardRequest]:
        count = len(completions)
        # Tells the same prompt's groups of different steps apart.
        step = {"global_step": getattr(columns.get("trainer_state"), "global_step", None)}
        rows = {name: values for name, values in columns.items() if isinstance(values, list) and len(values) == count}
        if prompts is None:
            prompts = [_asked(messages) for messages in rows.get("messages", [None] * count)]
        requests = []
        for index, (completion, prompt) in enumerate(zip(completions, prompts, strict=True)):
            row = {name: values[index] for name, values in rows.items()}
            sources = (row, answer_fields(row.get("solution")), {"prompt": text_of(prompt)}, step)
            requests.append(request_from(text_of(completion) or "", sources, image_dir=self._image_dir))
        return requests


def _asked(messages: Sequence[Any] | None) -> Sequence[Any] | None:
    """Return the conversation up to the last question."""
    asked = [message for message in messages or () if message["role"] == "user"]
    return asked or None


class _Passes:
    """The latest batches and their scores, so that the rewards of one batch share one pass."""

    _KEPT = 4

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # The requests are kept beside the scores, since the keys hold the identities of their targets.
        self._latest: OrderedDict[Any, tuple[Future[list[Metrics]], Sequence[RewardRequest]]] = OrderedDict()
        self._sums: Counter[str] = Counter()

    def score(
        self, reward: TrainerReward, requests: Sequence[RewardRequest], noise: float
    ) -> tuple[list[Metrics], Counter[str]]:
        """Return the scores, and their sums if this call was the one that made them; else no sums."""
        sums: Counter[str] = Counter()
        key = (id(reward), *((each.response, _identity(each.target), each.prompt, each.language) for each in requests))
        with self._lock:
            first = key not in self._latest
            if first:
                self._latest[key] = Future(), requests
                while len(self._latest) > self._KEPT:
                    self._latest.popitem(last=False)
            future = self._latest[key][0]
        if first:
            try:
                samples = reward.score(requests)
            except BaseException as error:
                with self._lock:
                    self._latest.pop(key, None)  # the next batch may fare better
                future.set_exception(error)
                raise
            sums = _sums(requests, samples, noise)
            with self._lock:
                self._sums.update(sums)
            future.set_result(samples)
        return future.result(), sums

    def drain(self) -> Counter[str]:
        with self._lock:
            sums, self._sums = self._sums, Counter()
            return sums


def _sums(requests: Sequence[RewardRequest], samples: Sequence[Metrics], noise: float) -> Counter[str]:
    """Return the sums over samples, and over the groups that they are of."""
    sums = sums_of(samples)
    sums.update(sums_of_groups(members_of(requests, samples), noise))
    return sums


def _identity(target: Any) -> Any:
    return target if isinstance(target, str) else id(target)


_passes = _Passes()


def drain_sums() -> Counter[str]:
    """Return the sums over the samples scored since the last call, as `metrics.sums_of` has them, and start anew."""
    return _passes.drain()


def add_means(trainer: Any, mode: str) -> None:
    """Add what was scored since the last call to the metrics that a trainer averages for its next log, over all ranks.

    Args:
        trainer: Of TRL before 1 or of ms-swift. Later TRL has ``log_metric`` and needs no call.
        mode: ``"train"`` or ``"eval"``.

    Example:
        >>> class Log(TrainerCallback):  # doctest: +SKIP
        ...     def on_step_end(self, *args, **state):
        ...         add_means(trainer, "train")
        ...     def on_prediction_step(self, *args, **state):
        ...         add_means(trainer, "eval")
    """
    from accelerate.utils import gather_object

    total: Counter[str] = Counter()
    for sums in gather_object([drain_sums()]):
        total.update(sums)
    for name, mean in means(total).items() if total["count"] else ():
        trainer._metrics[mode][f"vincicoder/{name}"] += [mean] * weight(total, name)
