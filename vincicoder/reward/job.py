"""One request on its way through the stages."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vincicoder.alignment import Alignment, last_block
from vincicoder.rendering import Render
from vincicoder.reward.result import STAGES, RewardRequest
from vincicoder.similarity import Comparison, fitted
from vincicoder.status import Fault, Status

if TYPE_CHECKING:
    from PIL import Image

    from vincicoder.rendering.facts import Facts


@dataclass
class Job:
    """One request on its way.

    Attributes:
        index: Its place in the stream.
        request: What was asked.
        alignment: What alignment found.
        done: Called once, when the last component is in.
        seconds: Wall time by stage so far.
        started: When it was taken, by ``time.perf_counter``.
        key: The target's key.
        status: What became of it so far.
        message: Why, when that is not ok.
        render: What rendering returned, or None.
        compared: Gets what the encoder stage returns: the comparison and its seconds.
        comparison: The comparison, or None.
        scores: Component scores so far; None for one that does not apply.
        note: Why the reference is of no use, though the response can be scored; empty if it is or has not been looked
            at.
        error: What the encoder raised; ends the stream.
        prefixes: Component scores of the code's prefixes so far, by where they end.
        left: Parts that are still under way.
        lock: Held while ``status`` or ``left`` change.
    """

    index: int
    request: RewardRequest
    alignment: Alignment
    done: Callable[[Job], object]
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    started: float = field(default_factory=time.perf_counter)
    key: str = ""
    status: Status = Status.OK
    message: str = ""
    render: Render | None = None
    compared: Future[tuple[Comparison, float]] = field(default_factory=Future)
    comparison: Comparison | None = None
    scores: dict[str, float | None] = field(default_factory=dict)
    note: str = ""
    error: BaseException | None = None
    prefixes: dict[int, dict[str, float | None]] = field(default_factory=dict)
    left: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    _fitted: Image.Image | None = None

    def fail(self, status: Status, message: str) -> None:
        """Note what became of it; the first machine fault wins over what components found."""
        with self.lock:
            if self.status.fault is Fault.NONE:
                self.status, self.message = status, message

    def measured(self) -> dict[str, float | None]:
        """Return the scores of a job that was compared, before they are combined."""
        assert self.comparison is not None
        compared = {"coarse": self.comparison.coarse, "fine": self.comparison.fine}
        return {**compared, "alignment": self.alignment.score, "execution": 1.0, **self.scores}

    @property
    def reference(self) -> str | None:
        """The known-good code; None also where the note says that it is of no use."""
        return None if self.note else self._reference

    @functools.cached_property
    def _reference(self) -> str | None:
        """The reference of the request, taken out of its fence if it stands in one."""
        reference = self.request.reference
        block = last_block(reference) if reference else None
        return block[1] if block is not None else reference or None

    @property
    def rendered(self) -> Image.Image:
        """The image of a job that was rendered."""
        assert self.render is not None and self.render.image is not None
        return self.render.image

    def fitted(self, size: tuple[int, int]) -> Image.Image:
        """Return the image of a job that was rendered at its target's size, which the encoder and components share."""
        if self._fitted is None:
            self._fitted = fitted(self.rendered, size)
        return self._fitted

    @property
    def facts(self) -> Facts | None:
        """What the renderer knows of the render, or None."""
        return self.render.facts if self.render is not None else None
