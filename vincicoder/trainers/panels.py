"""Steps of a gallery as images in the trackers that a process has loaded: TensorBoard, W&B, SwanLab, trackio.

Nothing is imported here that the trainer has not imported. A tracker counts once it has a run, and gets one image for
the best, the worst, the failed and the followed rows of a step: target beside render, with reward and status.
"""

from __future__ import annotations

import contextvars
import gc
import logging
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vincicoder.errors import TargetError
from vincicoder.reporting.gallery import FOLLOWED, KINDS, Gallery

if TYPE_CHECKING:
    from PIL import Image

logger = logging.getLogger(__name__)

TAG = "vincicoder/gallery/"
"""What the names of the images begin with, before the kind of their rows."""

_SIDE = 224  # largest side of an image in a panel, in pixels
_GAP, _LINE = 8, 16  # pixels between images; of a line of text
_ROWS = 12  # of one kind


class Trackers:
    """The trackers of this process."""

    def __init__(self) -> None:
        self._context = contextvars.copy_context()

    def enter(self) -> None:
        """Take note of the context of the trainer's thread, in which trackio keeps its run."""
        self._context = contextvars.copy_context()

    def show(self, gallery: Gallery, step: int) -> list[str]:
        """Show a step of a gallery, and return the names of the trackers that got it.

        Args:
            gallery: The gallery.
            step: A step that it has.
        """
        found = [name for name in _SHOW if self._context.run(_RUNNING[name])]
        images = panels(gallery, step) if found else {}
        for name in found if images else ():
            self._context.copy().run(_SHOW[name], images, step)
        return found


class GalleryWatch:
    """Shows in the trackers of this process what other processes add to a gallery.

    Args:
        directory: The gallery's.

    Raises:
        ConfigError: The directory cannot be made.

    Example:
        >>> watch = GalleryWatch("/shared/gallery")  # doctest: +SKIP
        >>> watch.look(7)  # doctest: +SKIP
    """

    def __init__(self, directory: str) -> None:
        self._gallery = Gallery(directory)
        self._trackers = Trackers()
        self._shown: set[int] | None = None
        self._thread: threading.Thread | None = None

    def look(self, step: int) -> None:
        """Show steps that are over, in a thread; what an earlier run has shown is left out.

        Args:
            step: The step that training has come to.
        """
        if self._thread is not None and self._thread.is_alive():
            return
        self._trackers.enter()
        self._thread = threading.Thread(target=self._show, args=(step,), name="vincicoder-panels", daemon=True)
        self._thread.start()

    def _show(self, step: int) -> None:
        try:
            over = [each for each in self._gallery.steps() if each < step]
            if self._shown is None:
                self._shown = {each for each in over if each < step - 1}
            for each in over:
                if each not in self._shown:
                    self._shown.add(each)
                    self._trackers.show(self._gallery, each)
        except Exception as error:  # noqa: BLE001 - a gallery is not worth a step
            logger.warning(f"a gallery cannot be shown: {type(error).__name__}: {error}; training goes on")


def panels(gallery: Gallery, step: int) -> dict[str, Image.Image]:
    """Return an image of each kind of row that a step has, by kind.

    Args:
        gallery: The gallery.
        step: The step.
    """
    rows = gallery.rows(step)
    order = {key: place for place, key in enumerate(gallery.followed())}
    found = {}
    for kind in KINDS:
        chosen = [row for row in rows if kind in row["kinds"]]
        if kind == FOLLOWED:
            chosen.sort(key=lambda row: order.get(row["prompt"], len(order)))
        if chosen:
            found[kind] = _montage(gallery, chosen[:_ROWS])
    return found


def _montage(gallery: Gallery, rows: Sequence[Mapping[str, Any]]) -> Image.Image:
    """Return targets in one column and renders in another, a row below the other, each below a line of text."""
    from PIL import Image, ImageDraw

    pairs = [[_opened(gallery, row, name) for name in ("target", "render")] for row in rows]
    heights = [_LINE + max((image.height for image in pair if image is not None), default=_LINE) for pair in pairs]
    size = (2 * _SIDE + 3 * _GAP, sum(heights) + _GAP * (len(rows) + 1))
    page = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(page)
    top = _GAP
    for row, pair, height in zip(rows, pairs, heights, strict=True):
        text = f"{row['overall']:.3f}  {row['status']}  {row['language']}"
        draw.text((_GAP, top), text.encode("ascii", "replace").decode(), "black")
        for column, image in enumerate(pair):
            left = _GAP + column * (_SIDE + _GAP)
            if image is not None:
                page.paste(image, (left, top + _LINE))
                draw.rectangle(
                    (left - 1, top + _LINE - 1, left + image.width, top + _LINE + image.height), None, "grey"
                )
        top += height + _GAP
    return page


def _opened(gallery: Gallery, row: Mapping[str, Any], name: str) -> Image.Image | None:
    from PIL import Image

    from vincicoder.images import open_target

    if not row[name]:
        return None
    try:
        small = open_target(gallery.directory / row[name]["src"])
    except (OSError, TargetError):  # another process has taken the row out meanwhile
        return None
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return small


def _writers() -> Iterator[Any]:
    """Yield the open writers of TensorBoard's files, one for each directory, wherever the trainer keeps them."""
    seen = set()
    for name in ("torch.utils.tensorboard.writer", "tensorboardX.writer"):
        kind: Any = getattr(sys.modules.get(name), "SummaryWriter", None)
        for each in gc.get_referrers(kind) if kind is not None else ():
            # A closed writer has lost its file.
            if isinstance(each, kind) and getattr(each, "file_writer", None) and str(each.log_dir) not in seen:
                seen.add(str(each.log_dir))
                yield each


def _show_in_tensorboard(images: Mapping[str, Image.Image], step: int) -> None:
    import numpy as np

    for writer in _writers():
        for kind, image in images.items():
            writer.add_image(f"{TAG}{kind}", np.asarray(image), step, dataformats="HWC")
        writer.flush()


def _show_in_wandb(images: Mapping[str, Image.Image], step: int) -> None:
    # Without a step of its own, and left to the trainer's next call to commit: W&B drops what is of an earlier step.
    wandb = sys.modules["wandb"]
    shown = {f"{TAG}{kind}": wandb.Image(image, caption=f"step {step}") for kind, image in images.items()}
    wandb.log(shown, commit=False)


def _show_in_swanlab(images: Mapping[str, Image.Image], step: int) -> None:
    swanlab = sys.modules["swanlab"]
    swanlab.log({f"{TAG}{kind}": swanlab.Image(image) for kind, image in images.items()}, step=step)


def _show_in_trackio(images: Mapping[str, Image.Image], step: int) -> None:
    trackio = sys.modules["trackio"]
    trackio.log({f"{TAG}{kind}": trackio.Image(image) for kind, image in images.items()}, step=step)


def _swanlab_runs() -> bool:
    swanlab: Any = sys.modules.get("swanlab")
    if hasattr(swanlab, "has_run"):
        return bool(swanlab.has_run())
    return hasattr(swanlab, "get_run") and swanlab.get_run() is not None


def _trackio_runs() -> bool:
    context = getattr(sys.modules.get("trackio"), "context_vars", None)
    return context is not None and context.current_run.get() is not None


_SHOW = {
    "tensorboard": _show_in_tensorboard,
    "wandb": _show_in_wandb,
    "swanlab": _show_in_swanlab,
    "trackio": _show_in_trackio,
}

_RUNNING = {
    "tensorboard": lambda: any(True for _ in _writers()),
    "wandb": lambda: getattr(sys.modules.get("wandb"), "run", None) is not None,
    "swanlab": _swanlab_runs,
    "trackio": _trackio_runs,
}
"""Whether each has a run in this process."""
