"""What the adapters for trainers share: a row of their data in, numbers for their log out.

A trainer hands over a response and whatever columns its data set has; :func:`request_from` finds the
target, the language and the prompt among them. A trainer wants plain floats, the same keys for every sample
and never a hole; :class:`HostReward` gives them, see there for what happens when it is the machine or the
data that failed.
"""

from __future__ import annotations

import atexit
import base64
import binascii
import functools
import inspect
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from vincicoder.errors import ConfigError, RendererUnavailable, TargetError
from vincicoder.languages import get_language
from vincicoder.status import Status

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest, RewardResult

COMPONENTS = ("overall", "visual", "coarse", "fine", "alignment", "execution")

FLAGS: dict[str, frozenset[Status]] = {
    "truncated": frozenset({Status.TRUNCATED}),
    "code_error": frozenset({Status.SYNTAX_ERROR, Status.RUNTIME_ERROR, Status.NO_OUTPUT}),
    "timeout": frozenset({Status.TIMEOUT}),
    "over_limit": frozenset({Status.OUT_OF_MEMORY, Status.TOO_LARGE}),
    "forbidden": frozenset({Status.FORBIDDEN}),
    "guarded": frozenset({Status.BLANK, Status.RASTER, Status.FOREIGN_FILE}),
    "bad_target": frozenset({Status.BAD_TARGET, Status.BAD_REQUEST}),
    "infrastructure": frozenset({Status.INFRASTRUCTURE}),
}
"""The statuses a training log tells apart, as 0/1 metrics whose mean is a share; no aligned code is
alignment 0."""

Metrics = dict[str, float]


def metrics_of(result: RewardResult) -> Metrics:
    """Return what a trainer logs of a result.

    Returns:
        The components; ``format`` (alignment) and ``accuracy`` (visual), as the public VinciCoder release
        calls them; and the flags. The keys are always the same.
    """
    return _metrics({name: float(getattr(result, name)) for name in COMPONENTS}, result.status)


def _metrics(components: Metrics, status: Status) -> Metrics:
    flags = {name: float(status in group) for name, group in FLAGS.items()}
    return {**components, "format": components["alignment"], "accuracy": components["visual"], **flags}


NO_TARGET = b""
"""The target of a request whose row has none."""

_TARGET_KEYS = ("target", "image", "images", "multi_modal_data")
_PROMPT_KEYS = ("prompt", "problem", "question")
_PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_PICTURE_HEADS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")


def answer_fields(ground_truth: Any) -> Mapping[str, Any]:
    """Read a data set's answer column.

    Args:
        ground_truth: A mapping, or JSON text of one, with any of ``target``, ``language`` and ``code``; or
            only the target (bytes, a PIL image, base64 text, the path of a picture); or only the reference
            code.

    Returns:
        The mapping; ``{"target": ...}`` or ``{"code": ...}`` when the column holds just the one thing.
    """
    if ground_truth is None:
        return {}
    if isinstance(ground_truth, Mapping):
        return ground_truth
    if not isinstance(ground_truth, str):
        return {"target": ground_truth}
    if ground_truth.lstrip().startswith("{"):
        try:
            fields = json.loads(ground_truth)
        except ValueError:
            return {"code": ground_truth}
        return fields if isinstance(fields, dict) else {"code": ground_truth}
    text = ground_truth.strip()
    is_path = "\n" not in text and text.lower().endswith(_PICTURE_SUFFIXES)
    return {"target": text} if is_path or _is_content(text) else {"code": ground_truth}


def _is_content(text: str) -> bool:
    """Whether ``text`` holds a picture rather than naming one, or is a URL and so complete as it stands."""
    if text.startswith(("data:", "file:")):
        return True
    try:
        head = base64.b64decode("".join(text[:64].split())[:16], validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(text) >= 64 and head.startswith(_PICTURE_HEADS)


def request_from(
    response: str,
    sources: Sequence[Mapping[str, Any]],
    image_dir: str | Path | None = None,
) -> RewardRequest:
    """Turn one row of a trainer's batch into a request.

    Args:
        response: What the model wrote.
        sources: Where to look for the target (``target``, ``image``, ``images`` or ``multi_modal_data``), the
            ``language`` and the prompt (``prompt``, ``problem`` or ``question``); the first that has one
            wins.
        image_dir: Folder that relative paths of targets start from.

    Returns:
        The request. Its target is ``NO_TARGET`` when no source has one, which scores as ``bad_target``.

    Raises:
        ConfigError: The language is not known. Raised here, so that no other row's batch fails with it.
    """
    from vincicoder.reward import RewardRequest

    found = (_picture(source[key], image_dir) for source in sources for key in _TARGET_KEYS if key in source)
    target = next((picture for picture in found if picture is not None), NO_TARGET)
    language = _text(sources, ("language",))
    return RewardRequest(
        response=response,
        target=target,
        prompt=_text(sources, _PROMPT_KEYS),
        language=get_language(language).name if language else None,
    )


def _text(sources: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> str | None:
    texts = (source.get(key) for source in sources for key in keys)
    return next((text for text in texts if isinstance(text, str) and text.strip()), None)


def _picture(value: Any, image_dir: str | Path | None) -> Any:
    """Return the first picture in ``value`` with its path made whole, or None if there is none."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        held = (value.get(key) for key in ("bytes", "path", "images", "image"))
        return next((picture for each in held if (picture := _picture(each, image_dir)) is not None), None)
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
        return _picture(value[0], image_dir) if len(value) else None
    if isinstance(value, (str, bytes)) and not value.strip():
        return None
    if image_dir is None or not isinstance(value, (str, Path)) or _is_content(str(value)):
        return value
    return str(Path(image_dir).expanduser() / value)


_NO_TARGET = "no row so far has a target that can be read, so every reward would be 0"
_FAULTY = (
    "{count} of the latest {total} samples could not be scored because of this machine, not of the model; "
    "training on would be training on noise. First fault: {fault}. `vincicoder doctor` says what is broken "
    "and how to mend it."
)


class Scorer(Protocol):
    """What scores underneath: a ``VisualReward``, or anything that answers like one."""

    def stream(self, requests: Sequence[RewardRequest]) -> Iterator[tuple[int, RewardResult]]:
        """Yield ``(index, result)`` as requests finish."""

    def close(self) -> None:
        """End every worker."""


class HostReward:
    """A ``VisualReward`` that answers as trainers need: floats, one set per sample, no holes.

    * The model's own faults score as the reward says.
    * A fault of the machine, which the core has already tried twice, must not be learnt from. The sample
      gets the mean of its group's other samples (equal target and prompt; its advantage in GRPO is then 0),
      of the latest samples if the group has none, and ``infrastructure`` 1. More than ``max(8, 10 %)`` such
      faults among the latest 1,024 samples, or none to take a mean of, raise
      :class:`~vincicoder.errors.RendererUnavailable`.
    * A row whose target cannot be read scores 0 with ``bad_target`` 1. As all samples of a group share it,
      nothing is learnt from it. While no target at all could be read, a batch of nothing but such rows, or 16
      of them, raise :class:`~vincicoder.errors.TargetError`.

    Thread-safe.

    Args:
        build: Makes the reward underneath; called at the first use, so that a process which never scores
            starts nothing.
        how: How to hand targets to the reward under this trainer, for the error message.
        one_by_one: Whether the trainer hands over samples one by one, so that a batch says little of the data.
    """

    def __init__(self, build: Callable[[], Scorer], how: str, one_by_one: bool = False) -> None:
        self._build = build
        self._how = how
        self._one_by_one = one_by_one
        self._reward: Scorer | None = None
        self._lock = threading.Lock()
        self._latest: deque[Metrics] = deque(maxlen=256)
        self._faults: deque[bool] = deque(maxlen=1024)
        self._targets_read = False
        self._targets_missed = 0

    @property
    def reward(self) -> Scorer:
        """The reward underneath, built now if it was not yet."""
        with self._lock:
            if self._reward is None:
                self._reward = self._build()
            return self._reward

    def close(self) -> None:
        """End the reward's workers, if it was ever used."""
        with self._lock:
            if self._reward is not None:
                self._reward.close()
                self._reward = None

    def score(self, requests: Sequence[RewardRequest]) -> list[Metrics]:
        """Score a batch, in order. Raises what :meth:`stream` raises."""
        scored = dict(self.stream(requests))
        return [scored[index] for index in range(len(requests))]

    def stream(self, requests: Sequence[RewardRequest]) -> Iterator[tuple[int, Metrics]]:
        """Yield ``(index, metrics)`` as samples finish; those that need a stand-in come last.

        Raises:
            TargetError: No row so far had a readable target.
            RendererUnavailable: Too many faults of the machine.
        """
        scored: dict[int, Metrics] = {}
        faults: dict[int, str] = {}
        targets_read = False
        # Told apart here, since the reward looks at the target only when there is code to render.
        untargeted = {index: "it has none" for index, each in enumerate(requests) if each.target is NO_TARGET}
        targeted = [index for index in range(len(requests)) if index not in untargeted]
        for position, result in self.reward.stream([requests[index] for index in targeted]):
            index = targeted[position]
            if result.status is Status.INFRASTRUCTURE:
                faults[index] = result.message
            elif result.status is Status.BAD_TARGET:
                untargeted[index] = result.message
            else:
                targets_read = targets_read or result.execution > 0
                scored[index] = metrics_of(result)
                yield index, scored[index]
        self._check_targets(targets_read, list(untargeted.values()), whole=len(untargeted) == len(requests))
        for index in untargeted:
            yield index, _metrics(dict.fromkeys(COMPONENTS, 0.0), Status.BAD_TARGET)
        with self._lock:
            self._latest.extend(scored.values())
            self._faults.extend([False] * len(scored) + [True] * len(faults))
        if faults:
            self._check_faults(list(faults.values()))
            yield from self._stand_ins(requests, scored, faults)

    def _check_targets(self, read: bool, missed: Sequence[str], whole: bool) -> None:
        with self._lock:
            self._targets_read = self._targets_read or read
            self._targets_missed += len(missed)
            many = self._targets_missed >= 16 or (whole and not self._one_by_one)
            hopeless = missed and many and not self._targets_read
        if hopeless:
            raise TargetError(f"{_NO_TARGET} (the first: {missed[0]}). {self._how}")

    def _check_faults(self, faults: Sequence[str]) -> None:
        with self._lock:
            count, total = sum(self._faults), len(self._faults)
            hopeless = count > max(8, total // 10) or not self._latest
        if hopeless:
            raise RendererUnavailable(_FAULTY.format(count=count, total=total, fault=faults[0]))

    def _stand_ins(
        self, requests: Sequence[RewardRequest], scored: Mapping[int, Metrics], faults: Mapping[int, str]
    ) -> Iterator[tuple[int, Metrics]]:
        from vincicoder.images import target_key

        def group_of(index: int) -> tuple[str, str | None]:
            return target_key(requests[index].target), requests[index].prompt

        groups: dict[tuple[str, str | None], list[Metrics]] = {}
        for index, metrics in scored.items():
            groups.setdefault(group_of(index), []).append(metrics)
        with self._lock:
            latest = list(self._latest)
        for index in faults:
            peers = groups.get(group_of(index), latest)
            mean = {name: sum(each[name] for each in peers) / len(peers) for name in COMPONENTS}
            yield index, _metrics(mean, Status.INFRASTRUCTURE)


_shared: dict[str, HostReward] = {}
_shared_lock = threading.Lock()


def shared_reward(
    options: Mapping[str, Any], how: str, own: Sequence[str] = (), one_by_one: bool = False
) -> HostReward:
    """Return this process's :class:`HostReward` with these options; equal options get the same one.

    It is closed when the process ends.

    Args:
        options: Options of ``VisualReward``, perhaps as nodes of the host's configuration.
        how: See :class:`HostReward`.
        own: Names of the options that the adapter keeps for itself, for the error message.
        one_by_one: See :class:`HostReward`.

    Raises:
        ConfigError: An option is unknown.
    """
    from vincicoder.reward import VisualReward

    plain = {name: _plain(value) for name, value in options.items()}
    key = json.dumps(plain, sort_keys=True, default=repr)
    with _shared_lock:
        if key not in _shared:
            known = sorted([*own, *inspect.signature(VisualReward).parameters])
            if unknown := ", ".join(name for name in plain if name not in known):
                raise ConfigError(f"unknown reward option {unknown}; the options are: {', '.join(known)}")
            _shared[key] = HostReward(functools.partial(VisualReward, **plain), how, one_by_one)
            atexit.register(_shared[key].close)
        return _shared[key]


def _plain(value: Any) -> Any:
    """Turn a host's configuration node (OmegaConf's, say) into plain values."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return tuple(_plain(each) for each in value)
    return value
