"""Steps that draw: records are rendered in the sandbox, and a picture is believed only when its code draws it."""

from __future__ import annotations

import dataclasses
import io
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from data_recipes.drops import Drops
from data_recipes.measure import measures
from data_recipes.pictures import content_of, opened
from vincicoder.data import BadRow, Reason, Record
from vincicoder.data.image_checks import check_image
from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image

    from vincicoder.rendering import Render, RenderPool
    from vincicoder.similarity import Similarity

T = TypeVar("T")

_LOADING = threading.Lock()  # not a studio's own, since studios are sent to other processes

MIN_SIDE = 24
"""Shortest side of a picture, in pixels."""

MAX_PIXELS = 4_194_304
"""Largest picture, in pixels: what the training of the public release lets a model see."""


class Studio:
    """Renderers and a similarity, started when first needed. A copy sent to another process starts its own.

    Args:
        workers: Renders at a time; None for one per CPU.
        encoder: What compares pictures; see ``VisualReward``.
    """

    def __init__(self, workers: int | None = None, encoder: str = "embedded") -> None:
        self.workers = workers
        self.encoder = encoder
        self._pool: RenderPool | None = None
        self._similarity: Similarity | None = None

    @property
    def pool(self) -> RenderPool:
        """The renderers."""
        from vincicoder.rendering import RenderPool

        if self._pool is None:
            self._pool = RenderPool(self.workers)
        return self._pool

    @property
    def similarity(self) -> Similarity:
        """What compares pictures, loaded once however many threads ask for it."""
        from vincicoder.similarity import Similarity, load_encoder

        with _LOADING:
            if self._similarity is None:
                self._similarity = Similarity(load_encoder(self.encoder), cache_targets=0)
            return self._similarity

    def render(self, code: str, language: str) -> Render:
        """Draw code.

        Raises:
            RendererUnavailable: This machine cannot draw the language; the message says how to mend it.
        """
        render = self.pool.render(code, language)
        if render.status is Status.INFRASTRUCTURE:
            self.pool.start(language)  # raises if it is for good
            render = self.pool.render(code, language)
        return render

    def draw(self, code: str, language: str) -> Image.Image:
        """Draw code that must give a picture.

        Raises:
            BadRow: It gives none.
            RendererUnavailable: This machine cannot draw the language.
        """
        render = self.render(code, language)
        if render.image is None:
            raise BadRow(Reason.NOT_RENDERED, render.message or render.status.value, render.status.value)
        return render.image

    def likeness(self, target: Image.Image, render: Image.Image) -> float:
        """Return how alike two pictures look, in [0, 1], as the reward sees it; rounded, so that runs agree."""
        prepared = self.similarity.prepare(target, render, str(id(target)))
        [comparison] = self.similarity.compare([prepared])
        return round(comparison.visual(), 4)

    def close(self) -> None:
        """End the renderers."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None


class DrawingStep(ABC):
    """A step that works on records one by one, several at a time, in a studio of its own.

    Args:
        workers: Renders at a time; None for one per CPU.
        encoder: What compares pictures.
    """

    def __init__(self, workers: int | None = None, encoder: str = "embedded") -> None:
        self.studio = Studio(workers, encoder)

    @property
    def workers(self) -> int | None:
        """Renders at a time."""
        return self.studio.workers

    @workers.setter
    def workers(self, count: int) -> None:
        self.studio.workers = count

    def close(self) -> None:
        """End the renderers."""
        self.studio.close()

    @abstractmethod
    def work(self, record: Record) -> list[Record]:
        """Return what becomes of a record; raise BadRow to leave it out."""

    def __call__(self, records: Sequence[Record], drops: Drops) -> list[Record]:
        """Work on a chunk; the results are in its order."""
        kept: list[Record] = []
        workers = self.studio.pool.workers if records else 1
        for record, outcome in zip(records, _each(self.work, records, workers), strict=True):
            if isinstance(outcome, BadRow):
                drops.add(record.id, outcome)
            else:
                kept += outcome
        return kept


class Draw(DrawingStep):
    """Draws every record. One without a picture gets what its code draws; another's picture is compared with it.

    Args:
        fidelity: Least likeness of a stored picture and the render, in [0, 1].
        redraw: Whether the render takes the place of a stored picture.
        max_pixels: Largest picture that is kept.
        workers: See ``DrawingStep``.
        encoder: See ``DrawingStep``.
    """

    def __init__(
        self,
        fidelity: float = 0.9,
        redraw: bool = False,
        max_pixels: int = MAX_PIXELS,
        workers: int | None = None,
        encoder: str = "embedded",
    ) -> None:
        super().__init__(workers, encoder)
        self.fidelity = fidelity
        self.redraw = redraw
        self.max_pixels = max_pixels

    def work(self, record: Record) -> list[Record]:
        """Return the record with its picture and measures."""
        from vincicoder.guards import is_blank, smuggled_raster

        stored = content_of(record.target)
        if stored:
            check_image(stored)
        if why := smuggled_raster(record.code, record.language):
            raise BadRow(Reason.EMBEDDED_IMAGE, why)
        render = self.studio.draw(record.code, record.language)
        if is_blank(render):
            raise BadRow(Reason.BLANK, "the code draws a picture of one colour")
        picture, likeness = render, 1.0
        if stored:
            picture = opened(stored)
            likeness = self.studio.likeness(picture, render)
            if likeness < self.fidelity:
                raise BadRow(Reason.UNFAITHFUL, f"likeness {likeness:.3f} is below {self.fidelity}")
        if self.redraw or not stored:
            picture, stored = render, png(render)
        self._check_size(*picture.size)
        checks = {**record.checks, **measures(record.code, record.language, picture), "fidelity": likeness}
        return [dataclasses.replace(record, target=stored, checks=checks)]

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self.max_pixels:
            raise BadRow(Reason.HUGE_IMAGE, f"the picture has {width} x {height} pixels; {self.max_pixels:,} is most")
        if min(width, height) < MIN_SIDE:
            raise BadRow(Reason.SMALL_IMAGE, f"the picture has {width} x {height} pixels; {MIN_SIDE} a side is least")


def png(image: Image.Image) -> bytes:
    """Return a picture as a PNG file, equal for equal pictures."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _each(work: Callable[[Record], list[T]], records: Sequence[Record], workers: int) -> Iterator[list[T] | BadRow]:
    """Yield the outcomes in the order of the records."""

    def caught(record: Record) -> list[T] | BadRow:
        try:
            return work(record)
        except BadRow as fault:
            return fault

    with ThreadPoolExecutor(workers) as threads:
        yield from threads.map(caught, records)
