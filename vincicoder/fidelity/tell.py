"""Tell what was measured: a table for the terminal, and an HTML gallery of the worst misjudgements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.errors import TargetError
from vincicoder.fidelity.figures import COLUMNS, SHARES, misjudgements
from vincicoder.fidelity.references import Reference
from vincicoder.images import open_target
from vincicoder.rendering import RenderPool
from vincicoder.rendering.config import RenderingConfig
from vincicoder.reporting import Report, Summary

if TYPE_CHECKING:
    from PIL import Image

    from vincicoder.fidelity.runner import Fidelity

_FEW = 10  # references; draws of fewer are too much alike
_WIDTH = max(map(len, COLUMNS))


def table(told: Mapping[str, Any]) -> str:
    """Return the figures as text: by language, by kind of damage, and where two presets were compared, side by side.

    Args:
        told: As ``Fidelity.to_dict`` gives it.

    Example:
        >>> empty = {"encoder": "embedded", "cpu_ms": None, "presets": {}}
        >>> table(empty)
        'encoder embedded'
    """
    cost = "" if told["cpu_ms"] is None else f", {told['cpu_ms']:.0f} ms of CPU an answer with its render"
    parts = [f"encoder {told['encoder']}{cost}"]
    for preset, groups in told["presets"].items():
        parts += [_by_language(preset, groups), _by_kind(groups["all"]["kinds"])]
    if "differences" in told:
        parts.append(_differences(list(told["presets"]), told["differences"]))
    references = max((groups["all"]["references"] for groups in told["presets"].values()), default=_FEW)
    if references < _FEW:
        parts.append(f"Intervals and p values over {references} references say little; give at least {_FEW}.")
    return "\n\n".join(parts)


def write_gallery(
    directory: str | Path, fidelity: Fidelity, references: Sequence[Reference], rendering: RenderingConfig
) -> Path:
    """Write a report of the first preset's worst misjudgements and return its page.

    Each is two responses under one kind: the better one comes first, and scored lower. They are rendered once more,
    since scores are kept and renders are not.

    Args:
        directory: Where to write.
        fidelity: What was measured.
        references: Those of the measurement.
        rendering: How code is rendered.

    Example:
        >>> write_gallery("gallery", fidelity, references, RenderingConfig())  # doctest: +SKIP
        PosixPath('gallery/index.html')
    """
    report, summary = Report(directory, f"Worst misjudgements of the preset {fidelity.presets[0]}"), Summary()
    known = {each.name: each for each in references}
    with RenderPool.of(rendering) as pool:
        for number, each in enumerate(misjudgements(fidelity.rows[0]), start=1):
            labels = {"kind": f"{number}. {each.why}", "domain": each.worse["language"]}
            target = _target(known[each.worse["reference"]], pool)
            for row in (each.better, each.worse):
                image = pool.render(row["code"], row["language"]).image if row["code"] else None
                if target is not None:
                    report.add(row, target=target, response=row["code"] or "", render=image, labels=labels)
                    summary.add(row, labels)
    return report.finish(summary)


def _target(reference: Reference, pool: RenderPool) -> Image.Image | None:
    if reference.target is None:
        return pool.render(reference.code, reference.language).image
    try:
        return open_target(reference.target)
    except TargetError:
        return None


def _by_language(preset: str, groups: Mapping[str, Any]) -> str:
    names = list(groups)

    def line(label: str, cells: Sequence[str]) -> str:
        wide = [f"{cell:>{max(7, len(name))}}" for name, cell in zip(names[1:], cells[1:], strict=True)]
        return "  ".join([f"{label:<{_WIDTH}}", f"{cells[0]:>21}", *wide])

    counted = ("references", "answers", "left_out", "pairs", "hack_pairs")
    lines = [line(f"preset {preset}", names)]
    lines += [line(f"n {label}", [str(groups[name][label]) for name in names]) for label in counted]
    for figure in COLUMNS:
        cells = [_cell(figure, groups[name]["figures"].get(figure)) for name in names]
        found = groups["all"]["figures"].get(figure)
        if found is not None:
            cells[0] = f"{cells[0]} {_interval(figure, found)}"
        lines.append(line(figure, cells))
    return "\n".join(lines)


def _by_kind(kinds: Mapping[str, Mapping[str, float | None]]) -> str:
    lines = [f"{'kind of damage':<{_WIDTH}}  {'n':>5}  {'pairs':>6}  {'drop of strength 1':>18}  {'unseen':>6}"]
    for kind, found in kinds.items():
        drop = "-" if found["drop"] is None else f"{found['drop']:.4f}"
        shares = ["-" if found[name] is None else f"{100 * (found[name] or 0.0):.1f}" for name in ("pairs", "unseen")]
        lines.append(f"{kind:<{_WIDTH}}  {found['n']:>5.0f}  {shares[0]:>6}  {drop:>18}  {shares[1]:>6}")
    return "\n".join(lines)


def _differences(presets: Sequence[str], found: Mapping[str, Mapping[str, float]]) -> str:
    lines = [f"{presets[1]} more than {presets[0]}"]
    for figure, each in found.items():
        lines.append(f"{figure:<{_WIDTH}}  {_cell(figure, each):>7} {_interval(figure, each)}  p {each['p']:.3f}")
    return "\n".join(lines)


def _cell(figure: str, found: Mapping[str, float] | None) -> str:
    return "-" if found is None else _number(figure, found["value"])


def _interval(figure: str, found: Mapping[str, float]) -> str:
    return f"[{_number(figure, found['low'])}, {_number(figure, found['high'])}]"


def _number(figure: str, value: float) -> str:
    """Return a share in per cent, anything else as it is."""
    return f"{100 * value:.1f}" if figure in SHARES else f"{value:.3f}"
