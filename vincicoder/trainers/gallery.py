"""Galleries while training: what the policy drew, beside what it should have drawn.

Nothing here may cost a step: samples are handed to a thread through a bounded queue, and what goes wrong in that thread
is logged once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import queue
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from vincicoder.errors import TargetError
from vincicoder.images import open_target, target_key
from vincicoder.options import Config, flat_names, from_flat, option
from vincicoder.reporting.gallery import Gallery, Shown, chosen
from vincicoder.reward.combine import STEP
from vincicoder.status import Fault
from vincicoder.trainers.panels import Trackers

if TYPE_CHECKING:
    from PIL import Image

    from vincicoder.reward import RewardRequest, RewardResult, Scorer

logger = logging.getLogger(__name__)

_WAITING = 512  # samples that the thread has not looked at; more are left out
_QUIET = 2.0  # seconds without a new row after which those of a step are written
_PAUSE = 20.0  # seconds without a sample that end a step, where the trainer does not say its step
_SETTLED = 10.0  # seconds without a sample after which a step is over for the trackers
_PROMPTS = 256  # that may be followed: the first ones, of which the first appearance is kept
_CLOSING = 20.0  # seconds that the last rows may take to be written


@dataclass(frozen=True)
class GalleryConfig(Config):
    """What the gallery of a training run is told.

    Attributes:
        gallery_dir: Directory of the gallery, which all ranks and nodes see; None for no gallery.
        gallery_every: Steps from one that is shown to the next.
        gallery_rows: Rows of each kind that a step shows: best, worst, followed.

    Example:
        >>> GalleryConfig(gallery_every="5").gallery_every
        5
    """

    gallery_dir: str | None = option(None, help="directory of the gallery", changes_scores=False)
    gallery_every: int = option(10, help="steps from one that is shown to the next", minimum=1, changes_scores=False)
    gallery_rows: int = option(4, help="rows of each kind in a step", minimum=1, changes_scores=False)


GALLERY_OPTIONS = tuple(flat_names(GalleryConfig))
"""Names of the options of a gallery, which every adapter takes."""


def gallery_of(options: dict[str, Any]) -> TrainingGallery | None:
    """Take the options of a gallery out of a reward's and return it, or None if none is wanted.

    Args:
        options: Options by name; those of the gallery are removed.

    Raises:
        ConfigError: One has a value that cannot work, or the directory cannot be made.
    """
    config = from_flat(GalleryConfig, {name: options.pop(name) for name in GALLERY_OPTIONS if name in options})
    return None if config.gallery_dir is None else TrainingGallery(config)


@dataclass
class _Entry:
    """A sample that may be shown."""

    id: str
    request: RewardRequest
    result: RewardResult
    prompt: str
    only_followed: bool
    written: bool = False

    def row(self) -> dict[str, Any]:
        """Return what decides whether it is shown."""
        return {
            "id": self.id,
            "overall": self.result.overall,
            "status": self.result.status.value,
            "prompt": self.prompt,
            "only_followed": self.only_followed,
        }


class _First(NamedTuple):
    """The first appearance of a prompt: the best response to it at that step."""

    step: int
    entry: _Entry


class _Offer(NamedTuple):
    """A sample that the thread has not looked at."""

    request: RewardRequest
    result: RewardResult
    said: int | None
    call: int | None
    when: float


class TrainingGallery:
    """What one process adds to the gallery of a run. `offer` takes no time and never raises.

    Args:
        config: What it was told.

    Raises:
        ConfigError: The directory cannot be made.

    Example:
        >>> gallery = TrainingGallery(GalleryConfig(gallery_dir="gallery"))  # doctest: +SKIP
        >>> gallery.offer(request, result, scorer)  # doctest: +SKIP
    """

    def __init__(self, config: GalleryConfig) -> None:
        assert config.gallery_dir is not None
        self._gallery = Gallery(config.gallery_dir, config.gallery_rows)
        self._every, self._count = config.gallery_every, config.gallery_rows
        # A run that is resumed goes on behind what is there.
        self._first = max(self._gallery.last_step(), self._gallery.counted())
        # With the time, as a container that is started anew gives the same number to its process.
        self._name = f"{socket.gethostname()}-{os.getpid()}-{time.time_ns() // 1000:x}".replace(".", "-")
        self._waiting: queue.Queue[_Offer] = queue.Queue(_WAITING)
        self._scorer: Scorer | None = None
        self._step: int | None = None
        self._entries: list[_Entry] = []
        self._fresh: list[str] = []
        self._followed: list[str] = []
        self._seen: dict[str, _First] = {}
        self._counted: tuple[int | None, float] = (None, 0.0)
        self._number = self._calls = 0
        self._began: int | None = None
        self._latest = 0.0
        self._unshown: int | None = None
        self._trackers = Trackers()
        self._complained = False
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def offer(self, request: RewardRequest, result: RewardResult, scorer: Scorer, call: int | None = None) -> None:
        """Consider a sample.

        Args:
            request: What was asked.
            result: What became of it.
            scorer: What renders it once more where the result has no render.
            call: Number of the trainer's call, where each call is a step; 0 for one of a validation, which is of the
                step that training has come to; None where samples come one by one.
        """
        try:
            self._scorer = scorer
            step = request.metadata.get(STEP)
            said = step if isinstance(step, int) else None
            self._waiting.put_nowait(_Offer(request, result, said, call, time.monotonic()))
            self._trackers.enter()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="vincicoder-gallery", daemon=True)
                self._thread.start()
        except queue.Full:
            self._complain("it cannot keep up, and leaves samples out")
        except Exception as error:  # noqa: BLE001 - a gallery is not worth a step
            self._complain(f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Write what is left, and end the thread; waits a little while for that."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(_CLOSING)

    def _complain(self, why: str) -> None:
        if not self._complained:
            self._complained = True
            logger.warning(f"the gallery in {self._gallery.directory}: {why}; training goes on")

    def _work(self) -> None:
        while True:
            try:
                offer = self._waiting.get(timeout=_QUIET if self._dirty() else 0.5)
            except queue.Empty:
                self._write()
                if self._closing.is_set() or time.monotonic() - self._latest > _SETTLED:
                    self._show()
                if self._closing.is_set():
                    return
                continue
            try:
                self._latest = offer.when
                self._consider(offer.request, offer.result, self._step_of(offer))
            except Exception as error:  # noqa: BLE001 - a gallery is not worth a step
                self._complain(f"{type(error).__name__}: {error}")

    def _dirty(self) -> bool:
        return any(not each.written for each in self._entries) and not self._closing.is_set()

    def _step_of(self, offer: _Offer) -> int:
        """Return the step of a sample: the trainer's own, else as many calls or pauses as there were."""
        if offer.said is not None:
            return offer.said
        if offer.call == 0:
            return self._gallery.counted()
        call, then = self._counted
        if self._calls == 0 or (offer.call != call if offer.call is not None else offer.when - then > _PAUSE):
            self._calls += 1
            if offer.call is not None:
                self._gallery.count(self._first + self._calls)
        self._counted = offer.call, offer.when
        return self._first + self._calls

    def _consider(self, request: RewardRequest, result: RewardResult, step: int) -> None:
        if result.status.fault is Fault.DATA:
            return
        if step != self._step:
            self._write()
            self._show()
            self._step, self._entries = step, []
        if self._began is None:
            self._began = step
        shown = step % self._every == 0 or step == self._began
        self._number += 1
        entry = _Entry(f"{self._name}-{self._number}", request, result, _prompt_of(request), only_followed=not shown)
        self._note(entry, step)
        if not shown and entry.prompt not in self._followed:
            return
        kept = chosen([each.row() for each in (*self._entries, entry)], self._count, self._followed)
        self._entries = [each for each in (*self._entries, entry) if each.id in kept or each.written]

    def _note(self, entry: _Entry, step: int) -> None:
        """Keep the first appearance of a prompt, and follow a prompt that comes back at another step."""
        first = self._seen.get(entry.prompt)
        if first is None:
            if entry.prompt and len(self._seen) < _PROMPTS:
                self._seen[entry.prompt] = _First(step, entry)
        elif first.step == step:
            if entry.result.overall > first.entry.result.overall:
                self._seen[entry.prompt] = _First(step, entry)
        elif entry.prompt not in self._followed and len(self._followed) < self._count:
            self._followed.append(entry.prompt)
            self._fresh.append(entry.prompt)

    def _write(self) -> None:
        """Add the rows of the step that are new to the gallery."""
        new = [each for each in self._entries if not each.written]
        if not new or self._step is None:
            return
        for each in new:
            each.written = True
        fresh, self._fresh = self._fresh, []
        try:
            self._gallery.add(self._step, [self._shown(each) for each in new], fresh)
            for first in [self._seen[prompt] for prompt in fresh]:
                first.entry.only_followed = first.entry.only_followed or not first.entry.written
                self._gallery.add(first.step, [self._shown(first.entry)])
            self._unshown = self._step
        except Exception as error:  # noqa: BLE001 - a gallery is not worth a step
            self._complain(f"{type(error).__name__}: {error}")

    def _show(self) -> None:
        """Show the step in the trackers that the trainer has loaded, now that it is over."""
        step, self._unshown = self._unshown, None
        if step is None:
            return
        try:
            self._trackers.show(self._gallery, step)
        except Exception as error:  # noqa: BLE001 - a gallery is not worth a step
            self._complain(f"{type(error).__name__}: {error}")

    def _shown(self, entry: _Entry) -> Shown:
        request, result = entry.request, entry.result
        images = {}
        with contextlib.suppress(TargetError):
            images["target"] = open_target(request.target)
        if (render := self._render(result)) is not None:
            images["render"] = render
        data = {
            "overall": round(result.overall, 4),
            "status": result.status.value,
            "message": result.message,
            "language": result.language,
            "prompt": entry.prompt,
            "text": result.code or request.response,
        }
        entry.result = dataclasses.replace(result, render=None, render_bytes=None)  # it is on disk now
        return Shown(entry.id, data, images, entry.only_followed)

    def _render(self, result: RewardResult) -> Image.Image | None:
        """Return the render of a result, made once more where it was not kept."""
        if (image := result.image()) is not None or not (result.execution and result.code) or self._scorer is None:
            return image
        try:
            return self._scorer.render(result.code, result.language).image
        except Exception as error:  # noqa: BLE001 - a scorer that is closing, say; the row is worth showing without
            self._complain(f"{type(error).__name__}: {error}")
            return None


def _prompt_of(request: RewardRequest) -> str:
    """Return a key of a prompt and its target; empty if the target cannot be read."""
    try:
        return target_key(request.target)[:24]
    except TargetError:
        return ""
