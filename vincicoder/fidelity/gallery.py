"""An HTML gallery of the worst misjudgements, with plots, and what a search found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.fidelity.answers import target_of
from vincicoder.fidelity.figures import misjudgements
from vincicoder.fidelity.plots import plots
from vincicoder.fidelity.references import Reference
from vincicoder.rendering import RenderPool
from vincicoder.rendering.config import RenderingConfig
from vincicoder.reporting import Report, Summary

if TYPE_CHECKING:
    from PIL import Image

    from vincicoder.fidelity.runner import Fidelity
    from vincicoder.fidelity.search import Attempt


def write_gallery(
    directory: str | Path,
    fidelity: Fidelity,
    references: Sequence[Reference],
    rendering: RenderingConfig,
    attempts: Sequence[Attempt] = (),
) -> Path:
    """Write a report of plots, of each preset's worst misjudgements and of what a search found, and return its page.

    Each misjudgement is two responses under one kind: the better one comes first, and scored lower. They are rendered
    once more, since scores are kept and renders are not.

    Args:
        directory: Where to write.
        fidelity: What was measured.
        references: Those of the measurement.
        rendering: How code is rendered.
        attempts: What a search found, if there was one.

    Example:
        >>> write_gallery("gallery", fidelity, references, RenderingConfig())  # doctest: +SKIP
        PosixPath('gallery/index.html')
    """
    presets = " and ".join(fidelity.presets)
    title = f"Worst misjudgements of the preset{'s' if len(fidelity.presets) > 1 else ''} {presets}"
    with RenderPool.of(rendering) as pool:
        gallery = _Gallery(Report(directory, title), references, pool)
        for preset, rows in zip(fidelity.presets, fidelity.rows, strict=True):
            name = f"{preset} " if len(fidelity.presets) > 1 else ""
            for number, each in enumerate(misjudgements(rows), start=1):
                for row in (each.better, each.worse):
                    gallery.add(row, each.worse["reference"], f"{name}{number}. {each.why}", preset)
        for attempt in attempts:
            kind = "search: more than honest work" if attempt.found else "search: less than honest work"
            gallery.add(attempt.row, attempt.reference, kind, attempt.preset)
        return gallery.report.finish(gallery.summary, plots(fidelity))


class _Gallery:
    """A report to which answers are added with their renders."""

    def __init__(self, report: Report, references: Sequence[Reference], pool: RenderPool) -> None:
        self.report, self.summary = report, Summary()
        self._known, self._pool = {each.name: each for each in references}, pool
        self._targets: dict[str, Image.Image | None] = {}

    def add(self, row: Mapping[str, Any], reference: str, kind: str, preset: str) -> None:
        """Add an answer, unless its target cannot be had any more."""
        if reference not in self._targets:
            self._targets[reference] = target_of(self._known[reference], self._pool.render)
        target = self._targets[reference]
        if target is None:
            return
        labels = {"kind": kind, "domain": row["language"]}
        image = self._pool.render(row["code"], row["language"]).image if row["code"] else None
        shown = {**row, "preset": preset}
        self.report.add(shown, target=target, response=row["code"] or "", render=image, labels=labels)
        self.summary.add(shown, labels)
