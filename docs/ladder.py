"""The tables of ``docs/reproduce.md``, made from the recipes, their plans and what others reported."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.published import Cell, disagree, published
from vincicoder.planning import Plan
from vincicoder.planning.memory import GIB
from vincicoder.planning.profiles import TITLES
from vincicoder.planning.settings import GPUS
from vincicoder.planning.storage import disk_bytes, node_bytes
from vincicoder.runs import Band, Recipe, read_recipe

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
NAMES = ("r0", "r1", "r2", "r3", "r4-sft", "r4-rl")
STEPS = (0, 1, 10, 50, -1)
_BLOCK = re.compile(r"<!-- made: (?P<name>[\w-]+) -->\n.*?<!-- end -->", re.DOTALL)


def filled(text: str) -> str:
    """Return the page with its blocks as the recipes have them."""
    recipes = {path.stem: read_recipe(path) for path in (RECIPES / f"{name}.yaml" for name in NAMES)}
    reasons: dict[str, str] = {}
    blocks = {"ladder": ladder(recipes), "anchors": anchors()}
    for name, recipe in recipes.items():
        blocks |= {
            f"{name}-costs": costs(recipe),
            f"{name}-run": commands(recipe),
            f"{name}-bands": bands(recipe, reasons),
        }
    return _BLOCK.sub(lambda found: f"<!-- made: {found['name']} -->\n{blocks[found['name']]}<!-- end -->", text)


def ladder(recipes: Mapping[str, Recipe]) -> str:
    """Return a line for each recipe: what it takes, from the cheapest trainer and GPU to the dearest."""
    rows = [
        "| recipe | what | steps | hours | GPU-hours | disk, GB | memory of a node, GiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, recipe in recipes.items():
        plans = list(_plans(recipe))
        if plans:
            cells = [
                _span([plan.steps for _, _, plan in plans], ",.0f"),
                _span([plan.hours for _, _, plan in plans], ".1f"),
                _span(
                    [plan.hours * plan.run.gpus for _, _, plan in plans], ",.0f" if plans[0][2].run.gpus > 1 else ".1f"
                ),
                _span([disk_bytes(plan.run, plan.shape) / 1e9 for _, _, plan in plans], ",.0f"),
                _span([node_bytes(plan.run, plan.shape, plan.split) / GIB for _, _, plan in plans], ",.0f"),
            ]
        else:
            cells = ["", "minutes", "0", "under 1", "4"]
        rows.append(f"| [{name.upper()}](../recipes/{name}.yaml) | {recipe.title} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _plans(recipe: Recipe) -> Iterator[tuple[str, str, Plan]]:
    for trainer in recipe.trainers:
        for kind in recipe.kinds:
            yield trainer, kind, recipe.planned(trainer, gpu=kind)


def _span(values: list[float] | list[int], form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} to {high}"


def costs(recipe: Recipe) -> str:
    """Return what a recipe costs with each trainer on each kind of GPU."""
    rows = [
        "| trainer | GPUs | fits | s a step | hours | GPU-hours | of each GPU, GiB | of a node, GiB | disk, GB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for trainer, kind, plan in _plans(recipe):
        gpus = f"{plan.run.gpus} x {kind} ({GPUS[kind].memory:g} GiB)"
        numbers = (
            f"{plan.step_seconds:,.0f} | {plan.hours:.1f} | {plan.hours * plan.run.gpus:,.{plan.run.gpus == 1:d}f} | "
            f"{plan.memory.peak / GIB:.0f} | {node_bytes(plan.run, plan.shape, plan.split) / GIB:,.0f} | "
            f"{disk_bytes(plan.run, plan.shape) / 1e9:,.0f}"
        )
        rows.append(f"| {TITLES[trainer]} | {gpus} | {'yes' if plan.fits else 'no'} | {numbers} |")
    return "\n".join(rows) + "\n"


def commands(recipe: Recipe) -> str:
    """Return what to type, for each trainer."""
    parts = []
    for trainer, settings in recipe.trainers.items():
        given = "MODEL=... " if settings.variables.get("MODEL", "") is None else ""
        run = f"vincicoder plan --recipe recipes/{recipe.name}.yaml --trainer {trainer} --write run.sh"
        lines = [*settings.prepare, f"{run} && {given}bash run.sh"]
        parts.append(f"{TITLES[trainer]}:\n\n```bash\n" + "\n".join(lines) + "\n```\n")
    return "\n".join(parts)


def bands(recipe: Recipe, reasons: dict[str, str]) -> str:
    """Return where the log should lie, and the reasons that no recipe before it has given.

    Args:
        recipe: The recipe.
        reasons: Reasons that were given, by measure; those of this recipe are added.
    """
    if not recipe.bands:
        return "This recipe has no bands.\n"
    last = max((recipe.planned(trainer).steps for trainer in recipe.trainers), default=100)
    rows = ["| measure | step 0 | 1 | 10 | 50 | end | stop if | basis |", "|---|---|---|---|---|---|---|---|"]
    for band in recipe.bands:
        cells = (_ends(band, step, last) for step in STEPS)
        rows.append(f"| `{band.measure}` | {' | '.join(cells)} | {_stop(band)} | {band.basis} |")
    new = [f"- `{band.measure}`: {band.why}" for band in recipe.bands if reasons.get(band.measure) != band.why]
    reasons |= {band.measure: band.why for band in recipe.bands}
    return "\n".join([*rows, "", *new]) + "\n"


def _ends(band: Band, step: int, last: int) -> str:
    if step >= 0 and step < min(each for each in band.steps if each >= 0):
        return ""
    low, high = band.at(last if step < 0 else step, last)
    return f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2g}"


def _stop(band: Band) -> str:
    limits = [f"below {band.below:g}"] if band.below is not None else []
    return ", ".join(limits + ([f"above {band.above:g}"] if band.above is not None else []))


def anchors() -> str:
    """Return what others reported of VinciCoder's models; ``≠`` marks what sources disagree about."""
    rows = ["| model | benchmark | reported | source |", "|---|---|---|---|"]
    groups: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in published().cells:
        if cell.model.startswith("VinciCoder"):
            groups.setdefault((cell.model, cell.benchmark, cell.source), []).append(cell)
    for (model, benchmark, source), cells in groups.items():
        shown = ", ".join(f"{_mark(cell)}{cell.column} {cell.value:g}{' (?)' if cell.note else ''}" for cell in cells)
        rows.append(f"| {model} | {BENCHMARKS.get(benchmark).title} | {shown} | {published().sources[source].title} |")
    for model, source, text in published().unplaced:
        rows.append(f"| {model} | | {text.replace('|', ' ')} | {published().sources[source].title} |")
    return "\n".join(rows) + "\n"


def _mark(cell: Cell) -> str:
    return "≠ " if disagree(published().find(cell.model, cell.benchmark, cell.column)) else ""
