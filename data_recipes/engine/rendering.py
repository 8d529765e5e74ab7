"""Steps that render: records go through the sandbox, and an image is believed only when its code renders it."""

from __future__ import annotations

import dataclasses
import io
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from data_recipes.engine.drops import Drops
from data_recipes.engine.images import content_of, open_image
from vincicoder.data import BadRow, Reason, Record
from vincicoder.data.image_checks import check_image
from vincicoder.data.measure import measures
from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image

    from vincicoder.rendering import Render, RenderPool
    from vincicoder.similarity import Similarity

T = TypeVar("T")

_LOADING = threading.Lock()  # not an object's own, since steps are sent to other processes

MIN_SIDE = 24
"""Shortest side of an image, in pixels."""

MAX_PIXELS = 4_194_304
"""Largest image, in pixels: what the training of the public release lets a model see."""


class Renderers:
    """Renderers and a similarity, started when first needed. A copy sent to another process starts its own.

    Args:
        workers: Renders at a time; None for one per CPU.
        encoder: What compares images; see ``VisualReward``.
    """

    def __init__(self, workers: int | None = None, encoder: str = "embedded") -> None:
        self.workers = workers
        self.encoder = encoder
        self._pool: RenderPool | None = None
        self._loaded: Similarity | None = None

    @property
    def pool(self) -> RenderPool:
        """The renderers."""
        from vincicoder.rendering import RenderPool

        if self._pool is None:
            self._pool = RenderPool(self.workers)
        return self._pool

    @property
    def _comparison(self) -> Similarity:
        """What compares images, loaded once however many threads ask for it."""
        from vincicoder.similarity import Similarity, load_encoder

        with _LOADING:
            if self._loaded is None:
                self._loaded = Similarity(load_encoder(self.encoder), cache_targets=0)
            return self._loaded

    def render(self, code: str, language: str) -> Render:
        """Render code.

        Raises:
            RendererUnavailable: This machine cannot render the language; the message says how to fix it.
        """
        render = self.pool.render(code, language)
        if render.status is Status.INFRASTRUCTURE:
            self.pool.start(language)  # raises if it is for good
            render = self.pool.render(code, language)
        return render

    def image_of(self, code: str, language: str) -> Image.Image:
        """Render code that must give an image, and draw it.

        Raises:
            BadRow: It gives none, or brings one along.
            RendererUnavailable: This machine cannot render the language.
        """
        from vincicoder.guards import decoded_raster

        render = self.render(code, language)
        if render.image is None:
            raise BadRow(Reason.NOT_RENDERED, render.message or render.status.value, render.status.value)
        if why := decoded_raster(code, render):
            raise BadRow(Reason.EMBEDDED_IMAGE, why)
        return render.image

    def similarity(self, target: Image.Image, render: Image.Image) -> float:
        """Return how similar two images are, in [0, 1], as the reward sees it; rounded, so that runs agree."""
        prepared = self._comparison.prepare(target, render, str(id(target)))
        [comparison] = self._comparison.compare([prepared])
        return round(comparison.visual(), 4)

    def close(self) -> None:
        """End the renderers."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None


class RenderingStep(ABC):
    """A step that works on records one by one, several at a time, with renderers of its own.

    Args:
        workers: Renders at a time; None for one per CPU.
        encoder: What compares images.
    """

    def __init__(self, workers: int | None = None, encoder: str = "embedded") -> None:
        self.renderers = Renderers(workers, encoder)

    @property
    def workers(self) -> int | None:
        """Renders at a time."""
        return self.renderers.workers

    @workers.setter
    def workers(self, count: int) -> None:
        self.renderers.workers = count

    def close(self) -> None:
        """End the renderers."""
        self.renderers.close()

    @abstractmethod
    def work(self, record: Record) -> list[Record]:
        """Return what becomes of a record; raise BadRow to leave it out."""

    def at_a_time(self) -> int:
        """Return how many records to work on at a time: as many as are rendered."""
        return self.renderers.pool.workers

    def __call__(self, records: Sequence[Record], drops: Drops) -> list[Record]:
        """Work on a chunk; the results are in its order."""
        kept: list[Record] = []
        threads = self.at_a_time() if records else 1
        for record, outcome in zip(records, _each(self.work, records, threads), strict=True):
            if isinstance(outcome, BadRow):
                drops.add(record.id, outcome)
            else:
                kept += outcome
        return kept


class Verify(RenderingStep):
    """A step that renders every record: one without an image gets the render, another's image is compared with it.

    Args:
        fidelity: Least similarity of a stored image and the render, in [0, 1].
        redraw: Whether the render replaces a stored image.
        max_pixels: Largest image that is kept, in pixels.
        workers: See ``RenderingStep``.
        encoder: See ``RenderingStep``.

    Example:
        >>> verify = Verify(fidelity=0.95)
        >>> [record] = verify([record], Drops())
        >>> record.checks["fidelity"]
        0.9987
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
        """Return the record with its image and measures."""
        from vincicoder.guards import is_blank, smuggled_raster

        stored = content_of(record.target)
        if stored:
            check_image(stored)
        if why := smuggled_raster(record.code, record.language):
            raise BadRow(Reason.EMBEDDED_IMAGE, why)
        render = self.renderers.image_of(record.code, record.language)
        if is_blank(render):
            raise BadRow(Reason.BLANK, "the code renders an image of one colour")
        image, similarity = render, 1.0
        if stored:
            image = open_image(stored)
            similarity = self.renderers.similarity(image, render)
            if similarity < self.fidelity:
                raise BadRow(Reason.UNFAITHFUL, f"similarity {similarity:.3f} is below {self.fidelity}")
        if self.redraw or not stored:
            image, stored = render, png(render)
        self._check_size(*image.size)
        checks = {**record.checks, **measures(record.code, record.language, image), "fidelity": similarity}
        return [dataclasses.replace(record, target=stored, checks=checks)]

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self.max_pixels:
            raise BadRow(
                Reason.HUGE_IMAGE, f"the image has {width} x {height} pixels; the limit is {self.max_pixels:,}"
            )
        if min(width, height) < MIN_SIDE:
            raise BadRow(
                Reason.SMALL_IMAGE, f"the image has {width} x {height} pixels; each side must have at least {MIN_SIDE}"
            )


def png(image: Image.Image) -> bytes:
    """Return an image as a PNG file, equal for equal images."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _each(work: Callable[[Record], list[T]], records: Sequence[Record], count: int) -> Iterator[list[T] | BadRow]:
    """Yield the outcomes in the order of the records."""

    def caught(record: Record) -> list[T] | BadRow:
        try:
            return work(record)
        except BadRow as fault:
            return fault

    with ThreadPoolExecutor(count) as threads:
        yield from threads.map(caught, records)
