"""Holds the log of a run against the bands of its recipe and the rules for all runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from vincicoder.runs import rules, window
from vincicoder.runs.causes import cause
from vincicoder.runs.finding import Finding, Level
from vincicoder.runs.log import Log
from vincicoder.runs.recipe import Band, Recipe

__all__ = ["Finding", "Level", "Report", "Row", "watch"]

PATIENCE = 3
"""Steps in a row that must be beyond a limit before it counts."""

_SHOWN = (
    "reward",
    "execution",
    "alignment",
    "length",
    "cut",
    "entropy",
    "clip",
    "kl",
    "grad_norm",
    "reward_share",
    "loss",
)


@dataclass(frozen=True)
class Row:
    """A measure as it stands.

    Attributes:
        measure: Its name.
        value: Its mean over the last steps.
        band: Where it should lie at the last step; None without a band.
        level: How bad it is; None if it is fine.
    """

    measure: str
    value: float
    band: tuple[float, float] | None
    level: Level | None


@dataclass(frozen=True)
class Report:
    """How a run stands.

    Attributes:
        trainer: Who wrote the log.
        step: The last step that was logged.
        last: The last step of the whole run; None if it is not known.
        step_seconds: Seconds of a step; None if they are not logged.
        recipe: Name of the recipe, or "".
        rows: The measures that are shown.
        findings: What is off, the worst first.
        unlogged: Measures of the recipe that this log does not have.
    """

    trainer: str
    step: int
    last: int | None
    step_seconds: float | None
    recipe: str
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    unlogged: tuple[str, ...]

    @property
    def level(self) -> Level | None:
        """The worst level of all findings; None if nothing is off."""
        return self.findings[0].level if self.findings else None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it; a value that is no longer a number is None."""
        return {"level": self.level and self.level.value, **_finite(asdict(self))}


def watch(log: Log, recipe: Recipe | None = None) -> Report:
    """Return how a run stands.

    Args:
        log: Its log.
        recipe: What it was started with; None to apply the rules for all runs alone.

    Example:
        >>> from vincicoder.runs.log import Entry
        >>> watch(Log("trl", None, tuple(Entry(n, {"infrastructure": 0.2}) for n in range(5)))).findings[0].message
        'the machine failed to score 20.0% of responses'
    """
    bands = recipe.bands if recipe else ()
    planned = recipe.last_step(log.trainer) if recipe else None
    found = [*rules.findings(log), *(each for band in bands for each in _outside(log, band, planned))]
    worst = sorted(found, key=lambda each: -list(Level).index(each.level))
    levels = {each.measure: each.level for each in reversed(worst)}
    last = None if planned is None else max(planned, log.step)
    shown = dict.fromkeys([*(band.measure for band in bands), *_SHOWN, *levels])
    held = {band.measure: band for band in bands}
    rows = [
        Row(name, mean, held[name].at(log.step, last or log.step) if name in held else None, levels.get(name))
        for name in shown
        if (mean := window.last(log, name)) is not None
    ]
    unlogged = tuple(name for name in held if not log.series(name))
    seconds = window.last(log, "step_seconds")
    return Report(
        log.trainer, log.step, last, seconds, recipe.name if recipe else "", tuple(rows), tuple(worst), unlogged
    )


def _outside(log: Log, band: Band, planned: int | None) -> Iterator[Finding]:
    """Yield a finding if the last steps are all outside a band, or beyond where a run should stop."""
    recent = log.series(band.measure)[-PATIENCE:]
    # A run begins within its bands or not at all: the very first step counts alone.
    if not recent or (len(recent) < PATIENCE and len(recent) < len(log.entries)):
        return
    last = max(planned or 0, log.step)
    for low in (True, False):
        limit = band.below if low else band.above
        if limit is not None and all((value < limit) if low else (value > limit) for _, value in recent):
            message = f"{band.measure} is {'below' if low else 'above'} {limit:g}, where the recipe says to stop"
            yield _of(log, band, Level.STOP, message, low)
        elif all(_is_outside(band.at(step, last), value, low) for step, value in recent):
            ends = band.at(recent[-1][0], last)
            message = f"{band.measure} is {'below' if low else 'above'} its band, {ends[0]:g} to {ends[1]:g}"
            yield _of(log, band, Level.OFF, message, low)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _is_outside(ends: tuple[float, float], value: float, low: bool) -> bool:
    return value < ends[0] if low else value > ends[1]


def _of(log: Log, band: Band, level: Level, message: str, low: bool) -> Finding:
    step, value = log.series(band.measure)[-1]
    return Finding(level, band.measure, step, value, message, cause(log, band.measure, low))


def text_of(report: Report) -> str:
    """Return a report as people read it."""
    of = f" of {report.last}" if report.last else ""
    pace = f", {report.step_seconds:,.1f} s a step" if report.step_seconds else ""
    against = f"recipe {report.recipe}" if report.recipe else "no recipe, so only the rules for all runs"
    lines = [f"{report.trainer}, step {report.step}{of}{pace}; {against}", ""]
    lines.append(f"  {'measure':<28}{'now':>10}  {'should be':<22}")
    for row in report.rows:
        band = f"{row.band[0]:g} to {row.band[1]:g}" if row.band else ""
        lines.append(
            f"  {row.measure:<28}{row.value:>10.4g}  {band:<22}{row.level.value.upper() if row.level else ''}".rstrip()
        )
    if report.unlogged:
        lines += ["", f"not in this log: {', '.join(report.unlogged)}"]
    lines.append("")
    for each in report.findings:
        lines.append(f"{each.level.value.upper()} at step {each.step}: {each.message}")
        if each.cause:
            lines.append(f"  likely: {each.cause}")
    return "\n".join(lines if report.findings else [*lines, "nothing is off"]) + "\n"
