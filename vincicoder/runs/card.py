"""The card of a run: what others need to believe its result, and to get it again."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vincicoder.errors import ConfigError
from vincicoder.evaluation.contamination import Audit
from vincicoder.evaluation.evaluation import Evaluation
from vincicoder.rendering.fingerprint import fingerprint
from vincicoder.rendering.pool import RenderPool
from vincicoder.runs.card_page import Card, page_of
from vincicoder.runs.log import Log, read_log
from vincicoder.runs.provenance import data_of, settings_of, versions
from vincicoder.runs.recipe import Recipe
from vincicoder.runs.watch import watch

KEYS = (
    *("name", "notes", "trainer", "recipe", "gpus", "settings", "versions", "render", "data", "steps", "curves"),
    *("findings", "cost", "evaluation", "contamination"),
)
_POINTS = 200  # of a curve
_DIGITS = 5


@dataclass(frozen=True)
class Sources:
    """What a card is made of beside the log.

    Attributes:
        name: What to call the run.
        notes: What else a reader should know, such as what went wrong.
        recipe: What it was started with.
        gpus: How many GPUs of which kind, such as ``"8 x h100"``; "" for none.
        hours: How long it took; None to take it from the log.
        settings: File of its settings; None to look for the trainer's own.
        data: Files or directories of its data.
        revision: Revision of the data.
        scores: Files that ``vincicoder eval score`` wrote.
        audit: File that ``vincicoder eval audit`` wrote.
    """

    name: str
    notes: str = ""
    recipe: Recipe | None = None
    gpus: str = ""
    hours: float | None = None
    settings: Path | None = None
    data: Sequence[Path] = ()
    revision: str = ""
    scores: Sequence[Path] = ()
    audit: Path | None = None
    pool: RenderPool | None = field(default=None, repr=False)


def make_card(run: Path, sources: Sources) -> Card:
    """Gather the card of a run.

    Args:
        run: The run's directory, or its log.
        sources: What else it is made of. Without a pool there is no fingerprint of renders.

    Raises:
        ConfigError: There is no log, or a file cannot be read.

    Example:
        >>> card = make_card(Path("runs/r2-swift"), Sources("r2", gpus="8 x h100"))  # doctest: +SKIP
        >>> card["cost"]["gpu_hours"]  # doctest: +SKIP
        19.4
    """
    log = read_log(run)
    recipe = sources.recipe
    findings = watch(log, recipe).findings
    return {
        "name": sources.name,
        "notes": sources.notes,
        "trainer": log.trainer,
        "recipe": recipe.name if recipe else "",
        "gpus": sources.gpus,
        "settings": settings_of(log, run if run.is_dir() else run.parent, sources.settings),
        "versions": versions(),
        "render": fingerprint(sources.pool) if sources.pool else {},
        "data": [data_of(path, sources.revision) for path in sources.data],
        "steps": log.step,
        "curves": {measure: _curve(log, measure) for measure in log.measures},
        "findings": [{"level": each.level.value, "step": each.step, "message": each.message} for each in findings],
        "cost": _cost(log, sources),
        "evaluation": [_evaluation(path) for path in sources.scores],
        "contamination": _contamination(sources.audit),
    }


def _curve(log: Log, measure: str) -> list[list[float | None]]:
    steps = log.series(measure)
    every = math.ceil(len(steps) / _POINTS)
    kept = steps[::every] + ([steps[-1]] if (len(steps) - 1) % every else [])
    return [[step, float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None] for step, value in kept]


def _cost(log: Log, sources: Sources) -> dict[str, float | None]:
    """Return what the run took, and what was planned for the recipe."""
    seconds = [value for _, value in log.series("step_seconds")]
    whole = log.series("run_seconds")
    hours = sources.hours
    if hours is None and whole:
        hours = whole[-1][1] / 3600
    elif hours is None and seconds:
        hours = log.step * sum(seconds) / len(seconds) / 3600
    count, _, kind = (part.strip() for part in sources.gpus.partition("x"))
    gpus = int(count) if count.isdigit() else 0
    planned = None
    if sources.recipe and log.trainer in sources.recipe.trainers and gpus:
        planned = round(sources.recipe.planned(log.trainer, gpus=gpus, **({"gpu": kind} if kind else {})).hours, 2)
    return {
        "hours": None if hours is None else round(hours, 3),
        "gpu_hours": None if hours is None else round(hours * gpus, 2),
        "planned_hours": planned,
    }


def _evaluation(path: Path) -> dict[str, Any]:
    found = Evaluation.read(path)
    columns = {
        name: [round(each.value, 2), round(each.low, 2), round(each.high, 2)] for name, each in found.intervals.items()
    }
    return {
        "benchmark": found.benchmark,
        "model": found.model,
        "samples": found.samples,
        "unjudged": found.unjudged,
        "left_out": dict(found.left_out),
        "columns": columns,
    }


def _contamination(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    found = Audit.read(path)
    held = {name: {"samples": count, "held": len(found.held(name))} for name, count in found.samples.items()}
    return {"rows": found.rows, "unreadable": found.unreadable, "benchmarks": held}


def write_card(card: Card, directory: Path) -> tuple[Path, Path]:
    """Write a card as JSON and as Markdown, and return both paths.

    Raises:
        ConfigError: The directory cannot be written to.
    """
    paths = directory / f"{card['name']}.json", directory / f"{card['name']}.md"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        paths[0].write_text(json.dumps(card, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        paths[1].write_text(page_of(card), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"the card cannot be written to {str(directory)!r}: {error.strerror}") from error
    return paths


def read_card(path: Path) -> Card:
    """Read a card.

    Raises:
        ConfigError: The file cannot be read, or is no card.
    """
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the card {str(path)!r} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{str(path)!r} is not JSON: {error}") from error
    lacking = [key for key in KEYS if not isinstance(card, dict) or key not in card]
    if lacking:
        raise ConfigError(f"{str(path)!r} is no card, as it lacks {', '.join(lacking)}; make one by `vincicoder card`")
    found: Card = card
    return found
