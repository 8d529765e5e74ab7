"""Cards as Markdown: one a page, and all of them in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Card = Mapping[str, Any]
"""A card as JSON has it; `vincicoder.runs.card.KEYS` are its keys."""

_SHOWN = (0, 0.25, 0.5, 0.75, 1)  # of a curve


def page_of(card: Card) -> str:
    """Return a card as a page."""
    cost = card["cost"]
    facts = {
        "trainer": card["trainer"],
        "recipe": card["recipe"] or "none",
        "GPUs": card["gpus"] or "none",
        "steps": str(card["steps"]),
        "hours": _number(cost["hours"]) + (f", planned {cost['planned_hours']:g}" if cost["planned_hours"] else ""),
        "GPU-hours": _number(cost["gpu_hours"]),
        "renders": card["render"].get("all", "not known"),
        "versions": ", ".join(f"{name} {number}" for name, number in card["versions"].items()),
    }
    parts = [f"# {_plain(card['name'])}", *([_plain(card["notes"])] if card["notes"] else [])]
    parts.append(_table(("", ""), list(facts.items())))
    if card["data"]:
        data = [
            (each["name"], str(each["files"]), f"{each['bytes']:,}", each["digest"], each["revision"] or "not known")
            for each in card["data"]
        ]
        parts.append("## Data\n\n" + _table(("name", "files", "bytes", "digest", "revision"), data))
    parts.append("## Curves\n\n" + _curves(card))
    off = [f"- {each['level']} at step {each['step']}: {_plain(each['message'])}" for each in card["findings"]]
    parts.append("## What `vincicoder watch` says\n\n" + ("\n".join(off) or "Nothing is off."))
    if card["evaluation"]:
        found = [
            (each["benchmark"], each["model"], str(each["samples"]), _columns(each)) for each in card["evaluation"]
        ]
        parts.append("## Evaluation\n\n" + _table(("benchmark", "model", "samples", "columns"), found))
    parts.append("## Test samples in the training data\n\n" + _contamination(card))
    if card["settings"]:
        settings = [(f"`{name}`", f"`{value}`") for name, value in card["settings"].items()]
        parts.append("## Settings\n\n" + _table(("name", "value"), settings))
    return "\n\n".join(parts) + "\n"


def table_of(cards: Sequence[Card], directory: str) -> str:
    """Return a line for each card.

    Args:
        cards: The cards.
        directory: Where their pages are, as a link has it.
    """
    rows = []
    for card in cards:
        best = [f"{each['benchmark']}: {_columns(each)}" for each in card["evaluation"]]
        worst = sorted({each["level"] for each in card["findings"]}, reverse=True)
        rows.append(
            (
                f"[{_plain(card['name'])}]({directory}/{card['name']}.md)",
                card["recipe"] or "none",
                f"{card['trainer']}, {card['gpus'] or 'no GPU'}",
                str(card["steps"]),
                *(_ends(card, measure) for measure in ("reward", "execution")),
                _number(card["cost"]["hours"]),
                "; ".join(best) or "none",
                worst[0] if worst else "nothing",
            )
        )
    head = ("run", "recipe", "trainer, GPUs", "steps", "reward", "execution", "hours", "evaluation", "off")
    return _table(head, rows) + "\n"


def _curves(card: Card) -> str:
    rows = []
    for measure, points in card["curves"].items():
        chosen = [points[round(share * (len(points) - 1))] for share in _SHOWN]
        rows.append((f"`{measure}`", *(f"{_number(value)} ({step:g})" for step, value in chosen)))
    return _table(("measure, at (step)", "first", "", "middle", "", "last"), rows)


def _ends(card: Card, measure: str) -> str:
    points = card["curves"].get(measure)
    return f"{_number(points[0][1])} to {_number(points[-1][1])}" if points else "not logged"


def _columns(evaluation: Card) -> str:
    return ", ".join(
        f"{name} {value:.1f} ({low:.1f} to {high:.1f})" for name, (value, low, high) in evaluation["columns"].items()
    )


def _contamination(card: Card) -> str:
    found = card["contamination"]
    if not found:
        return "Not looked for."
    rows = [(name, str(each["samples"]), str(each["held"])) for name, each in found["benchmarks"].items()]
    return f"{found['rows']:,} rows were compared.\n\n" + _table(("benchmark", "samples", "held"), rows)


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.4g}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Return text that stays in its cell and is no HTML."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
