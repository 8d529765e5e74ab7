"""Tell what was measured, as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vincicoder.fidelity.figures import COLUMNS, SHARES

_FEW = 10  # references; draws of fewer are too much alike
_WIDTH = max(map(len, COLUMNS))


def table(told: Mapping[str, Any]) -> str:
    """Return the figures as text: by language, by kind of damage, and where two presets were compared, side by side.

    Args:
        told: As ``Fidelity.to_dict`` gives it; with ``validity`` and ``search`` where these were measured.

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
    parts += [_validity(told["validity"])] if "validity" in told else []
    parts += [_search(told["search"])] if "search" in told else []
    references = max((groups["all"]["references"] for groups in told["presets"].values()), default=_FEW)
    if references < _FEW:
        parts.append(f"Intervals and p values over {references} references say little; give at least {_FEW}.")
    return "\n\n".join(parts)


def _by_language(preset: str, groups: Mapping[str, Any]) -> str:
    names = list(groups)

    def line(label: str, cells: Sequence[str]) -> str:
        wide = [f"{cell:>{max(7, len(name))}}" for name, cell in zip(names[1:], cells[1:], strict=True)]
        return "  ".join([f"{label:<{_WIDTH}}", f"{cells[0]:>21}", *wide])

    counted = ("references", "answers", "left_out", "pairs", "same_image", "hack_pairs")
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
    shares = ("unseen", "noticed_1", "noticed_2", "noticed_3")
    titles = f"{'drop of strength 1':>18}  {'unseen':>6}  " + "  ".join(f"{name:>9}" for name in (*shares[1:], "least"))
    lines = [f"{'kind of damage':<{_WIDTH}}  {'n':>5}  {'pairs':>6}  {titles}"]
    for kind, found in kinds.items():
        drop = "-" if found["drop"] is None else f"{found['drop']:.4f}"
        pairs, unseen, *noticed = (_per_cent(found[name]) for name in ("pairs", *shares))
        least = "-" if found["least"] is None else f"{found['least']:.0f}"
        told = "  ".join(f"{cell:>9}" for cell in (*noticed, least))
        lines.append(f"{kind:<{_WIDTH}}  {found['n']:>5.0f}  {pairs:>6}  {drop:>18}  {unseen:>6}  {told}")
    return "\n".join(lines)


def _differences(presets: Sequence[str], found: Mapping[str, Mapping[str, float]]) -> str:
    lines = [f"{presets[1]} more than {presets[0]}"]
    for figure, each in found.items():
        lines.append(f"{figure:<{_WIDTH}}  {_cell(figure, each):>7} {_interval(figure, each)}  p {each['p']:.3f}")
    return "\n".join(lines)


def _validity(found: Mapping[str, Any]) -> str:
    """Tell Kendall's tau between the reward and official metrics, by domain and column."""
    lines = [f"{'tau-b with official metrics':<{_WIDTH}}  {'groups':>6}  preset"]
    for domain, each in found["domains"].items():
        for column in next(iter(each["presets"].values())):
            cells = [f"{preset} {_plain(columns[column])}" for preset, columns in each["presets"].items()]
            if column in each.get("differences", {}):
                cells.append(f"more {_plain(each['differences'][column])}")
            if (most := each["most"][column]) is not None:
                cells.append(f"at most {most:.3f}")
            lines.append(f"{f'{domain}: {column}':<{_WIDTH}}  {each['groups']:>6}  {',  '.join(cells)}")
    for benchmark, reasons in found["left_out"].items():
        lines += [f"{benchmark}: {name} is left out: {reason}" for name, reason in reasons.items()]
    return "\n".join(lines)


def _search(found: Mapping[str, Any]) -> str:
    """Tell for how many targets no program was found, and what the best programs earn beside honest work."""
    lines = [f"{'search':<{_WIDTH}}  {'targets':>7}  {'none found':>24}"]
    for preset, each in found.items():
        share = f"{_cell('hacks', each['none_found'])} {_interval('hacks', each['none_found'])}"
        lines.append(f"{preset:<{_WIDTH}}  {each['targets']:>7}  {share:>24}")
        for attempt in sorted(each["attempts"], key=lambda attempt: attempt["bar"] - attempt["best"]):
            how = f"best {attempt['best']:.3f}, mediocre {attempt['bar']:.3f}, {attempt['evaluations']} programs"
            lines.append(f"  {attempt['reference']}: {how}, from {', '.join(attempt['origin'])}")
    return "\n".join(lines)


def _plain(found: Mapping[str, float]) -> str:
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def _cell(figure: str, found: Mapping[str, float] | None) -> str:
    return "-" if found is None else _number(figure, found["value"])


def _interval(figure: str, found: Mapping[str, float]) -> str:
    return f"[{_number(figure, found['low'])}, {_number(figure, found['high'])}]"


def _per_cent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _number(figure: str, value: float) -> str:
    """Return a share in per cent, anything else as it is."""
    return f"{100 * value:.1f}" if figure in SHARES else f"{value:.3f}"
