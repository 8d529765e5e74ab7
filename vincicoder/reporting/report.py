"""A directory with ``index.html`` and images that shows what became of every response; it opens offline."""

from __future__ import annotations

import heapq
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from vincicoder._version import __version__
from vincicoder.errors import ConfigError, TargetError
from vincicoder.images import TargetLike, open_target, target_key
from vincicoder.reporting.page import write_page
from vincicoder.reporting.summary import SCORES, Summary, components_of, is_judged
from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image

MAX_ROWS = 2000
"""Responses that are shown one by one, the first and the worst; the tables cover them all."""

TEMPLATE = Path(__file__).with_name("report_page.html")
PARTS = ("filter", "code", "viewer", "report_summary")
"""What the page's own script and style need."""

_LONGEST_SIDE = 1200  # of stored images, in pixels
_LONGEST_TEXT = 20_000  # of a response or its code, in characters


@dataclass(frozen=True)
class Plot:
    """A plot above the responses, once for each colour scheme.

    Attributes:
        name: What its files are called.
        caption: What it shows.
        light: The plot on a light background, as SVG with a transparent one.
        dark: The same on a dark background.
    """

    name: str
    caption: str
    light: bytes = field(repr=False)
    dark: bytes = field(repr=False)


class Report:
    """Write a report while results come in: images at once, the page at the end.

    A report may be continued: a result without an image finds the one that an earlier run left in the directory.

    Args:
        directory: Where to write; made if need be. Other files in it are left alone.
        title: Heading of the page.

    Raises:
        ConfigError: The directory cannot be written.

    Example:
        >>> report, summary = Report("report", "Icons"), Summary()  # doctest: +SKIP
        >>> for request, result in zip(requests, reward.score(requests)):  # doctest: +SKIP
        ...     report.add(result.to_dict(), target=request.target, render=result.image())
        ...     summary.add(result.to_dict())
        >>> report.finish(summary)  # doctest: +SKIP
        PosixPath('report/index.html')
    """

    def __init__(self, directory: str | Path, title: str) -> None:
        self.directory = Path(directory)
        self.title = title
        self._rows: list[dict[str, Any]] = []
        self._worst: list[tuple[float, int, dict[str, Any]]] = []  # of the rest, as a heap whose best comes first
        self._count = 0
        self._images = self.directory / "images"
        try:
            self._images.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"the report directory {str(directory)!r} cannot be made: {error.strerror}") from error

    @property
    def page(self) -> Path:
        """The file to open."""
        return self.directory / "index.html"

    def add(
        self,
        result: Mapping[str, Any],
        *,
        target: TargetLike,
        response: str = "",
        render: Image.Image | None = None,
        labels: Mapping[str, str] = MappingProxyType({}),
        number: int | None = None,
        key: str | None = None,
    ) -> None:
        """Add a response.

        Args:
            result: Its result, as ``RewardResult.to_dict`` gives it.
            target: The image to reproduce.
            response: What the model wrote.
            render: What its code gave, or None if there is none or an earlier run of this report has it.
            labels: What to group and filter by: ``kind``, ``domain``, and the ``group`` of responses to one prompt, by
                default those with the same target; ``expected_status`` is compared.
            number: Its place in the order, from 1; None for behind the last.
            key: What an earlier run's render is found by; letters, digits and dashes. None for the number.
        """
        self._count += 1
        number = self._count if number is None else number
        if len(self._rows) < MAX_ROWS // 2:
            self._rows.append(self._row(result, target, response, render, labels, number, key))
            return
        goodness = float(result["overall"]) if is_judged(result["status"]) else 2.0  # nobody's work is worse than any
        if len(self._worst) < MAX_ROWS - MAX_ROWS // 2:
            row = self._row(result, target, response, render, labels, number, key)
            heapq.heappush(self._worst, (-goodness, -self._count, row))
        elif goodness < -self._worst[0][0]:
            row = self._row(result, target, response, render, labels, number, key)
            left_out = heapq.heapreplace(self._worst, (-goodness, -self._count, row))[2]
            if left_out["render"]:
                (self.directory / left_out["render"]["src"]).unlink(missing_ok=True)

    def _row(
        self,
        result: Mapping[str, Any],
        target: TargetLike,
        response: str,
        render: Image.Image | None,
        labels: Mapping[str, str],
        number: int,
        key: str | None,
    ) -> dict[str, Any]:
        stored = self._target(target)
        return {
            "number": number,
            "id": result["id"] or "",
            "group": labels.get("group") or (Path(stored["src"]).stem if stored else ""),
            "labels": dict(labels),
            **{name: round(float(result[name]), 4) for name in SCORES},
            **{name: result[name] for name in ("status", "message", "language", "grid")},
            "language_from": result.get("language_from", ""),
            "components": {
                name: round(float(score), 4)
                for name, score in components_of(result).items()
                if score is not None  # it does not apply
            },
            "tiles": [round(float(value), 4) for value in result["tiles"]],
            "seconds": result["seconds"],
            "encoder": result["encoder"],
            "preset": result["preset"],
            "code": _shortened(result["code"] or ""),
            "line": failing_line(result["message"], result["code"] or ""),
            "response": _shortened(response),
            "target": stored,
            "render": self._image(f"render-{key or number}", render if result["execution"] else None),
        }

    def finish(self, summary: Summary, plots: Sequence[Plot] = ()) -> Path:
        """Write the page and return its path.

        Args:
            summary: The tables.
            plots: Stand below the tables.
        """
        data = {
            "title": self.title,
            "version": __version__,
            "summary": summary.to_dict(),
            "faults": {status.value: status.fault.value for status in Status},
            "total": self._count,
            "plots": [self._plot(each) for each in plots],
            "rows": sorted([*self._rows, *(row for _, _, row in self._worst)], key=lambda row: row["number"]),
        }
        write_page(self.page, TEMPLATE, self.title, data, PARTS)
        return self.page

    def _plot(self, plot: Plot) -> dict[str, str]:
        """Store a plot and return where it is."""
        found = {"caption": plot.caption}
        for scheme, content in (("light", plot.light), ("dark", plot.dark)):
            path = self._images / f"plot-{plot.name}-{scheme}.svg"
            path.write_bytes(content)
            found[scheme] = f"images/{path.name}"
        return found

    def _target(self, target: Any) -> dict[str, Any] | None:
        try:
            name = f"target-{target_key(target)}"
            return self._image(name, None) or self._image(name, open_target(target))
        except TargetError:
            return None

    def _image(self, name: str, image: Image.Image | None) -> dict[str, Any] | None:
        """Store an image, or find it stored, and return where it is and how large."""
        from PIL import Image

        path = self._images / f"{name}.webp"
        if image is not None:
            small = image.convert("RGB")
            small.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Image.Resampling.LANCZOS)
            small.save(path, "WEBP", quality=88, method=2)
        elif not path.is_file():
            return None
        with Image.open(path) as stored:
            width, height = stored.size
        shrunk = max(width, height) == _LONGEST_SIDE
        return {"src": f"images/{path.name}", "width": width, "height": height, "shrunk": shrunk}


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST_TEXT:
        return text
    return f"{text[:_LONGEST_TEXT]}\n… and {len(text) - _LONGEST_TEXT:,} more characters"


_LINE = re.compile(r"\bline (\d+)\b|^\./figure\.tex:(\d+):")
_TEX_LINE = re.compile(r"\bl\.\d+ (.*)")


def failing_line(message: str, code: str) -> int | None:
    r"""Return the line of code that a message blames, from 1, or None.

    Example:
        >>> failing_line("NameError: name 'x' is not defined (line 2)", "y = 1\nx")
        2
    """
    lines = code.splitlines()
    if tex := _TEX_LINE.search(message):  # TeX counts the lines of our preamble, too
        start = tex[1].strip()
        found = [place for place, line in enumerate(lines, 1) if start and line.strip().startswith(start)]
        if found:
            return found[0]
    if not (named := _LINE.search(message)):
        return None
    line = int(named[1] or named[2])
    return line if line <= len(lines) else None
