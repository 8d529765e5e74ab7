"""The reward as trainers need it, and what to do when it is the machine or the data that failed."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from vincicoder.errors import ConfigError, ScoringUnavailable, TargetError
from vincicoder.reward.presets import DEFAULT_PRESET, PRESETS
from vincicoder.reward.result import NAMED_SCORES
from vincicoder.status import Fault, Status
from vincicoder.trainers.credit import NO_PREFIXES, PREFIXES, in_characters
from vincicoder.trainers.groups import SIBLING_SECONDS, Board, Groups, Scores, Siblings
from vincicoder.trainers.metrics import Metrics, metrics_from, metrics_of
from vincicoder.trainers.rows import NO_LANGUAGE, NO_TARGET
from vincicoder.trainers.truncation import NO_RULE, Truncation, masked
from vincicoder.trainers.validation import Validation

if TYPE_CHECKING:
    from vincicoder.rendering import Render
    from vincicoder.reward import RewardRequest, RewardResult, Scorer
    from vincicoder.trainers.gallery import TrainingGallery

logger = logging.getLogger(__name__)

_NO_TARGET = "no row so far has a target that can be read, so every reward would be 0 (the first: {why}). {hint}"
_NO_REQUEST = (
    "no row so far says which language to answer in, so nothing can be judged (the first: {why}). Give a column "
    "'language', a prompt that asks for the language, or a reference whose fence names it, such as ```svg."
)
_UNSAID = "neither a language nor the prompt nor the reference's fence says it"
_FAULTY = (
    "{count} of the latest {total} samples could not be scored because of this machine, not of the model; "
    "training on would be training on noise. First fault: {fault}. `vincicoder doctor` says what is broken "
    "and how to fix it."
)


class TrainerReward:
    """A scorer that answers as trainers need: floats, one set per sample, no holes. Thread-safe.

    * The model's own faults score as the reward says.
    * A fault of the machine, which the core has already tried twice, must not be learned from. The sample gets the
      mean of its siblings, those with the same ``metadata["uid"]`` or else the same target, prompt and step, whichever
      process scores them (its advantage in GRPO is then 0), and ``infrastructure`` 1. It waits for siblings that are
      under way, at most ``SIBLING_SECONDS``; where none is known by then it gets the mean of the latest samples of this
      process and ``stand_in_unknown`` 1. More than ``max(8, 10 %)`` such faults among the latest 1,024 samples, or
      nothing to take a mean of, raise `ScoringUnavailable`.
    * A row whose target cannot be read, or whose language is unknown, scores 0 with ``bad_target`` or ``bad_request``
      1. As all samples of a group share it, nothing is learned from it. While no row at all could be used, a batch of
      nothing but such rows, or 16 of them, raise `TargetError` or `ConfigError`.

    Args:
        build: Makes the scorer underneath; called at the first use, so that a process which never scores starts
            nothing.
        target_hint: How the data of this trainer gives targets to the reward, for the error message.
        one_by_one: Whether the trainer passes samples one by one, so that a batch says little of the data.
        components: Names of the preset's components.
        board: Makes the table in which the scores of a group meet; called at the first use.
        group_size: Responses per prompt, where that is known.
        validation: What measures responses to samples of benchmarks, or None.
        noise: What the reward changes by where only the rendering differs.
        truncation: What becomes of responses that the limit of tokens cut off.
        gallery: What shows some of the samples, or None.
        prefixes: Whether the scorer scores prefixes, which then are among the metrics; see `credit.PREFIXES`.

    Attributes:
        noise: As given.

    Example:
        >>> from vincicoder import RewardRequest, VisualReward
        >>> reward = TrainerReward(lambda: VisualReward(encoder="embedded"), "Give it as 'target'.")
        >>> [metrics] = reward.score([RewardRequest("no code", "chart.png", language="svg")])  # doctest: +SKIP
    """

    def __init__(
        self,
        build: Callable[[], Scorer],
        target_hint: str,
        one_by_one: bool = False,
        components: Sequence[str] = ("paper",),
        board: Callable[[], Board] = Groups,
        group_size: int | None = None,
        validation: Validation | None = None,
        noise: float = PRESETS[DEFAULT_PRESET].noise,
        truncation: Truncation = NO_RULE,
        gallery: TrainingGallery | None = None,
        prefixes: bool = False,
    ) -> None:
        self.noise = noise
        self._build = build
        self._truncation = truncation
        self._gallery = gallery
        self._prefixes = prefixes
        self._validation = validation
        self._target_hint = target_hint
        self._one_by_one = one_by_one
        self._components = tuple(components)
        self._build_board = board
        self._group_size = group_size
        self._parts: tuple[Scorer, Board, Siblings] | None = None
        self._lock = threading.Lock()
        self._latest: deque[Scores] = deque(maxlen=256)
        self._faults: deque[bool] = deque(maxlen=1024)
        self._data_used = False
        self._under_way = 0
        self._rows_missed = 0
        self._warned = False
        self._batches = itertools.count(1)

    def close(self) -> None:
        """End the scorer's workers, if it was ever used."""
        if self._gallery is not None:
            self._gallery.close()  # it may need the workers
        with self._lock:
            if self._parts is not None:
                self._parts[0].close()
                self._parts = None

    def score(
        self,
        requests: Sequence[RewardRequest],
        training: bool = True,
        results: dict[int, RewardResult] | None = None,
    ) -> list[Metrics]:
        """Score a batch and return the metrics in the order of the requests.

        Args:
            requests: What to score.
            training: Whether the batch is a step of training, where steps are counted, and not of a validation.
            results: Gets the result of each response that was judged, by its place.

        Raises:
            TargetError: No row so far had a readable target.
            ConfigError: No row so far said its language.
            ScoringUnavailable: Too many faults of the machine.
        """
        scored = dict(self.stream(requests, training, results))
        return [scored[index] for index in range(len(requests))]

    def stream(
        self,
        requests: Sequence[RewardRequest],
        training: bool = True,
        results: dict[int, RewardResult] | None = None,
    ) -> Iterator[tuple[int, Metrics]]:
        """Yield ``(index, metrics)`` as samples finish; those that need a stand-in come last.

        Args:
            requests: What to score.
            training: See `score`.
            results: See `score`.

        Raises:
            TargetError: No row so far had a readable target.
            ConfigError: No row so far said its language.
            ScoringUnavailable: Too many faults of the machine.
        """
        awaited: dict[int, Future[Metrics]] = {}
        for index, answer in self.judge(requests, training, results):
            if isinstance(answer, Future):
                awaited[index] = answer
            else:
                yield index, answer
        for index, future in awaited.items():
            yield index, future.result()

    def judge(
        self,
        requests: Sequence[RewardRequest],
        training: bool = True,
        results: dict[int, RewardResult] | None = None,
    ) -> Iterator[tuple[int, Metrics | Future[Metrics]]]:
        """Yield what `stream` yields; a sample that needs a stand-in gives a future at once.

        Args:
            requests: What to score.
            training: See `score`.
            results: See `score`.
        """
        extra = [{} for _ in requests] if self._validation is None else self._validation.measure(requests)
        extra = [{PREFIXES: NO_PREFIXES} | each for each in extra] if self._prefixes else extra
        # Told apart here: the core would take Python for granted, and reads a target only when there is code to render.
        refused = {index: why for index, each in enumerate(requests) if (why := _refusal(each))}
        asked = [index for index in range(len(requests)) if index not in refused]
        scorer, board, siblings = self._built()
        # Without a uid, what another batch scored for the same prompt is of another step, unless batches are shared.
        call = None if self._one_by_one else next(self._batches)
        batch = 0 if board.shared or call is None else call
        groups = [group_of(requests[index], batch) for index in asked]
        board.begin(groups)
        open_groups = dict(zip(asked, groups, strict=True))
        faults: list[str] = []
        used = False
        queue = self._enter(len(asked))
        try:
            for position, result in scorer.stream([requests[index] for index in asked]):
                index = asked[position]
                fault = result.status.fault
                if self._gallery is not None:
                    self._gallery.offer(requests[index], result, scorer, call if training else 0)
                metrics = self._truncation.softened(metrics_of(result, self._components, queue), requests[index])
                unlearned = self._truncation.masks(requests[index])
                scores = None if unlearned or fault in (Fault.DATA, Fault.MACHINE) else self._scores(metrics)
                group = open_groups.pop(index)
                self._enter(-1)
                board.finish(group, scores)
                self._note(scores, fault is Fault.MACHINE)
                if fault is Fault.MACHINE:
                    faults.append(result.message)
                    yield index, self._stand_in(siblings.mean(group), result.message, extra[index])
                elif fault is Fault.DATA:
                    refused[index] = result.status, result.message
                else:
                    used = used or result.execution > 0
                    if results is not None:
                        results[index] = result
                    own = metrics | extra[index] | ({} if unlearned else self._credit(requests[index], result))
                    yield index, masked(siblings.mean(group), own) if unlearned else own
        finally:
            self._enter(-len(open_groups))
            for group in open_groups.values():
                board.finish(group, None)
        self._check_data(used, list(refused.values()), whole=len(refused) == len(requests))
        for index, (status, _) in refused.items():
            yield index, metrics_from({}, status, self._components) | extra[index]
        self._check_machine(faults)

    def render(self, code: str, language: str) -> Render:
        """Render code as scoring does, and wait for it.

        Args:
            code: The code, without a fence.
            language: Name or alias of its language.

        Raises:
            ConfigError: The language is not known.
            VinciCoderError: This machine cannot render now.
        """
        return self._built()[0].render(code, language)

    def _built(self) -> tuple[Scorer, Board, Siblings]:
        with self._lock:
            if self._parts is None:
                board = self._build_board()
                self._parts = self._build(), board, Siblings(board, self._group_size)
            return self._parts

    def _enter(self, count: int) -> int:
        """Count samples that come, or leave if it is negative; return how many are under way."""
        with self._lock:
            self._under_way += count
            return self._under_way

    def _credit(self, request: RewardRequest, result: RewardResult) -> dict[str, Any]:
        return {PREFIXES: in_characters(request, result)} if self._prefixes else {}

    def _scores(self, metrics: Metrics) -> Scores:
        return {name: metrics[name] for name in (*NAMED_SCORES, *self._components)}

    def _note(self, scores: Scores | None, fault: bool) -> None:
        with self._lock:
            if scores is not None:
                self._latest.append(scores)
            if scores is not None or fault:
                self._faults.append(fault)

    def _check_data(self, used: bool, missed: Sequence[tuple[Status, str]], whole: bool) -> None:
        with self._lock:
            self._data_used = self._data_used or used
            self._rows_missed += len(missed)
            many = self._rows_missed >= 16 or (whole and not self._one_by_one)
            hopeless = missed and many and not self._data_used
        if not hopeless:
            return
        status, why = missed[0]
        if status is Status.BAD_REQUEST:
            raise ConfigError(_NO_REQUEST.format(why=why))
        raise TargetError(_NO_TARGET.format(why=why, hint=self._target_hint))

    def _check_machine(self, faults: Sequence[str]) -> None:
        with self._lock:
            count, total = sum(self._faults), len(self._faults)
        if faults and count > max(8, total // 10):
            raise ScoringUnavailable(_FAULTY.format(count=count, total=total, fault=faults[0]))

    def _stand_in(self, siblings: Future[Scores | None], fault: str, extra: Metrics) -> Future[Metrics]:
        """Return what will be the metrics of a sample that the machine failed to score."""
        future: Future[Metrics] = Future()

        def resolve(known: Future[Scores | None]) -> None:
            try:
                future.set_result(self._stand_in_from(known.result(), fault) | extra)
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
                future.set_exception(error)

        siblings.add_done_callback(resolve)
        return future

    def _stand_in_from(self, mean: Scores | None, fault: str) -> Metrics:
        unknown = mean is None
        if mean is None:
            with self._lock:
                latest = list(self._latest)
                count, total = sum(self._faults), len(self._faults)
                warned, self._warned = self._warned, True
            if not latest:
                raise ScoringUnavailable(_FAULTY.format(count=count, total=total, fault=fault))
            mean = {name: sum(each[name] for each in latest) / len(latest) for name in latest[0]}
            if not warned:
                logger.warning(
                    f"a sample that this machine failed to score ({fault}) gets the mean of the latest samples, as no "
                    f"sibling of it was scored within {SIBLING_SECONDS:g} s; stand_in_unknown counts such samples"
                )
        return metrics_from(mean, Status.INFRASTRUCTURE, self._components, unknown=unknown)


def _refusal(request: RewardRequest) -> tuple[Status, str] | None:
    if request.target is NO_TARGET:
        return Status.BAD_TARGET, "it has none"
    if request.language == NO_LANGUAGE:
        return Status.BAD_REQUEST, _UNSAID
    return None


def group_of(request: RewardRequest, batch: int = 0) -> str:
    """Return what tells a request's group from all others of the job."""
    uid = request.metadata.get("uid")
    if uid is not None:
        return str(uid)
    from vincicoder.images import target_key

    try:
        target = target_key(request.target)
    except TargetError:
        target = ""
    return f"{batch} {request.metadata.get('global_step')} {target} {request.prompt}"
