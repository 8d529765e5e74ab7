"""The reward as TRL and ms-swift call reward functions: completions and columns in, floats or None out."""

from __future__ import annotations

import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.data.cells import answer_fields
from vincicoder.errors import ConfigError
from vincicoder.trainers.batches import sums_of_batch
from vincicoder.trainers.credit import NO_PREFIXES, PREFIXES
from vincicoder.trainers.members import levelled, members_of, share_of, sums_of_groups
from vincicoder.trainers.metrics import Metrics, is_judged, means, outcome_of, sums_of, weight
from vincicoder.trainers.render_environment import RenderEnvironment
from vincicoder.trainers.reward import TrainerReward, group_of
from vincicoder.trainers.rows import request_from, text_of
from vincicoder.trainers.shared import reward_config, shared_reward
from vincicoder.trainers.turns import (
    SABOTAGE,
    TURNS,
    answers_in,
    checked_turns,
    episode_metrics,
    requests_of_turns,
    sabotage,
)
from vincicoder.trainers.validation import benchmark_names

if TYPE_CHECKING:
    from vincicoder.rendering import Render
    from vincicoder.reward import RewardRequest

REWARDS = ("overall", "visual", "alignment", "execution")
FAULTS = ("none", "mean")

_OWN = ("turns", "image_dir", "faults", "group_size", "noise", "least_spread", "benchmarks", "validation_dir")

_TARGET_HINT = (
    "Give the image in a column 'target', 'image' or 'images' (path, bytes, PIL image, base64 text or "
    "{'bytes', 'path'}); relative paths need the option image_dir."
)


class CompletionReward:
    """A reward function for TRL's trainers and ms-swift's GRPO.

    Several of them with equal options score a batch once and share workers and encoder; with several processes on a
    machine (``LOCAL_WORLD_SIZE``), all of these share one process that has them. Picklable.

    Attributes:
        prefixes: What the prefixes of each completion of the latest batch scored; see `credit.in_characters`.
        scores_prefixes: Whether prefixes are scored at all.

    Args:
        reward: What to return: ``"overall"``, ``"visual"``, ``"alignment"`` or ``"execution"``.
        turns: Turns that an episode may have; see ``vincicoder.trainers.turns``. With more than 1, all turns are scored
            for the log, and a last turn that is worse than the one before earns 0.
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
        turns: int = 1,
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
        self._turns = checked_turns(turns)
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
        self.prefixes: list[str] = []
        self.scores_prefixes = bool(reward_config(options).scoring.prefixes)
        self._shared()  # a misspelt option is an error now and not after the first rollout

    def __call__(
        self,
        completions: Sequence[Any],
        prompts: Sequence[Any] | None = None,
        *,
        log_metric: Callable[[str, float], object] | None = None,
        log_extra: Callable[[str, list[Any]], object] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """Score a batch.

        Args:
            completions: Texts, or lists of messages, of which those of the role ``assistant`` are the model's turns.
            prompts: Texts, or lists of messages; without it ``messages`` among the columns, as ms-swift has it.
            log_metric: Newer TRL's way to log a number; gets the batch's means of all components and statuses.
            log_extra: Newer TRL's way to add a column to its table of completions; gets what became of each response,
                and the path of its target where the data have paths.
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
        episodes = self._episodes(completions, prompts, columns)
        shared = self._shared()
        noise = shared.noise if self._noise is None else self._noise
        samples, sums = _passes.score(shared, episodes, noise, self._turns)
        if sums and log_metric is not None:
            for name, mean in means(sums).items():
                log_metric(f"vincicoder/{name}", mean)
        if sums and log_extra is not None:
            log_extra("vincicoder/outcome", [outcome_of(sample) for sample in samples])
            targets = [turns[-1].target for turns in episodes]
            if all(isinstance(target, (str, Path)) for target in targets):
                log_extra("target", [str(target) for target in targets])
        self.prefixes = [sample.get(PREFIXES, NO_PREFIXES) for sample in samples]
        keep = self._faults == "mean"
        scores: list[float | None] = [sample[self.reward] if keep or is_judged(sample) else None for sample in samples]
        if not self._least_spread:
            return scores
        members = members_of([turns[-1] for turns in episodes], samples)
        return levelled(scores, members, self._least_spread, self._adapter["group_size"])

    def render(self, code: str, language: str) -> Render:
        """Render code as scoring does; see ``vincicoder.VisualReward.render``."""
        return self._shared().render(code, language)

    def environment(self) -> RenderEnvironment:
        """Return an environment for an episode of TRL, with this reward's renderer.

        Example:
            >>> reward = CompletionReward(encoder="embedded", turns=2)
            >>> trainer = GRPOTrainer(environment_factory=reward.environment, ...)  # doctest: +SKIP
        """
        return RenderEnvironment(self)

    def _shared(self) -> TrainerReward:
        own: dict[str, Any] = {"own": _OWN, "says_step": True, "takes_prefixes": True, **self._adapter}
        own["per_node"] = int(os.environ.get("LOCAL_WORLD_SIZE", "1")) > 1
        return shared_reward(self._options, _TARGET_HINT, **own)

    def _episodes(
        self, completions: Sequence[Any], prompts: Sequence[Any] | None, columns: dict[str, Any]
    ) -> list[list[RewardRequest]]:
        """Return the requests of each episode's turns."""
        count = len(completions)
        # Tells the same prompt's groups of different steps apart.
        step = {"global_step": getattr(columns.get("trainer_state"), "global_step", None)}
        rows = {name: values for name, values in columns.items() if isinstance(values, list) and len(values) == count}
        episodes = []
        for index, completion in enumerate(completions):
            row = {name: values[index] for name, values in rows.items()}
            earlier = list((row.get("rollout_infos") or {}).get(TURNS, ()))
            prompt = _asked(row.get("messages"), len(earlier)) if prompts is None else prompts[index]
            sources = (row, answer_fields(row.get("solution")), {"prompt": text_of(prompt)}, step)
            request = request_from("", sources, image_dir=self._image_dir)
            *before, last = answers_in(completion, request.language or "")
            episode = requests_of_turns(replace(request, response=last), [*earlier, *before])
            episodes.append(episode if self._turns > 1 else episode[-1:])
        return episodes


def _asked(messages: Sequence[Any] | None, shown: int) -> Sequence[Any] | None:
    """Return what the user has asked, without the messages that showed renders."""
    asked = [message for message in messages or () if message["role"] == "user"]
    return asked[: len(asked) - shown] or None


class _Passes:
    """The latest batches and their scores, so that the rewards of one batch share one pass."""

    _KEPT = 4

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # The requests are kept beside the scores, since the keys hold the identities of their targets.
        self._latest: OrderedDict[Any, tuple[Future[list[Metrics]], Sequence[RewardRequest]]] = OrderedDict()
        self._sums: Counter[str] = Counter()

    def score(
        self, reward: TrainerReward, episodes: Sequence[Sequence[RewardRequest]], noise: float, turns: int
    ) -> tuple[list[Metrics], Counter[str]]:
        """Return the metrics of episodes, and their sums if this call was the one that made them; else no sums."""
        sums: Counter[str] = Counter()
        requests = [request for episode in episodes for request in episode]
        key = id(reward), turns, tuple(_identity(each) for each in requests)
        with self._lock:
            first = key not in self._latest
            if first:
                self._latest[key] = Future(), requests
                while len(self._latest) > self._KEPT:
                    self._latest.popitem(last=False)
            future = self._latest[key][0]
        if first:
            try:
                samples = _judged(reward.score(requests), episodes, noise, turns)
            except BaseException as error:
                with self._lock:
                    self._latest.pop(key, None)  # the next batch may fare better
                future.set_exception(error)
                raise
            sums = _sums([each[-1] for each in episodes], samples, noise)
            with self._lock:
                self._sums.update(sums)
            future.set_result(samples)
        return future.result(), sums

    def drain(self) -> Counter[str]:
        with self._lock:
            sums, self._sums = self._sums, Counter()
            return sums


def _judged(
    metrics: Sequence[Metrics], episodes: Sequence[Sequence[RewardRequest]], noise: float, turns: int
) -> list[Metrics]:
    """Return the metrics of each episode from those of all turns."""
    by_turn = iter(metrics)
    samples = [episode_metrics([next(by_turn) for _ in episode], turns, noise) for episode in episodes]
    if turns == 1:
        return samples
    sabotaged = sabotage([group_of(episode[-1]) for episode in episodes], samples, noise)
    return [{**sample, SABOTAGE: each} for sample, each in zip(samples, sabotaged, strict=True)]


def _sums(requests: Sequence[RewardRequest], samples: Sequence[Metrics], noise: float) -> Counter[str]:
    """Return the sums over samples, and over the groups that they are of."""
    sums = sums_of(samples)
    members = members_of(requests, samples)
    sums.update(sums_of_groups(members, noise))
    sums.update(sums_of_batch(members, samples))
    return sums


def _identity(request: RewardRequest) -> tuple[Any, ...]:
    target = request.target if isinstance(request.target, str) else id(request.target)
    return request.response, target, request.prompt, request.language


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
