"""The tables of a report as Markdown, made of the same data as the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_KINDS = {"others": "Reported for others", "vincicoder": "Reported for VinciCoder", "own": "Measured here"}

Data = Mapping[str, Any]


def results_table(data: Data) -> str:
    """Return the paper's table with one's own rows in it, a value's source as its letter."""
    columns = [(each, column) for each in data["benchmarks"] for column in each["columns"] if column["main"]]
    return _rows(data, [(f"{benchmark['title']} {column['title']}", column["key"]) for benchmark, column in columns])


def details_table(data: Data) -> str:
    """Return a table a benchmark of the columns that the paper's table has not; "" if there are none."""
    parts = []
    for benchmark in data["benchmarks"]:
        columns = [(column["title"], column["key"]) for column in benchmark["columns"] if not column["main"]]
        if columns:
            parts.append(f"## {benchmark['title']}, in detail\n\n{_rows(data, columns)}")
    return "\n\n".join(parts)


def _rows(data: Data, columns: Sequence[tuple[str, str]]) -> str:
    """Return a table of the rows that say something about columns, given by title and key."""
    keys = [key for _, key in columns]
    head = ["Model", *(title for title, _ in columns)]
    lines = [_line(head), _line(["---", *("---:" for _ in columns)])]
    for kind, title in _KINDS.items():
        rows = [row for row in data["rows"] if row["kind"] == kind and _is_in(row, keys)]
        if rows:
            lines.append(_line([f"**{title}**", *("" for _ in columns)]))
        for row in rows:
            name = f"{row['model']} ({row['note']})" if row["note"] else row["model"]
            lines.append(_line([name, *(_cell(row, key) for key in keys)]))
    return "\n".join(lines)


def comparison_table(data: Data) -> str:
    """Return what the second of the compared models has more than the first; "" where none are compared."""
    if not data["comparisons"]:
        return ""
    first, second = data["compared"]
    lines = [
        f"## {_plain(second)} less {_plain(first)}, on the samples that both have answered",
        "",
        _line(["Column", "Difference", "95 % interval", "p", "Samples", "Verdict"]),
        _line(["---", "---:", "---:", "---:", "---:", "---"]),
    ]
    for each in data["comparisons"]:
        interval = f"{each['low']:+.1f} to {each['high']:+.1f}"
        values = [f"{each['value']:+.1f}", interval, f"{each['p']:.3f}", str(each["samples"]), verdict(each)]
        lines.append(_line([each["title"], *values]))
    return "\n".join(lines)


def verdict(comparison: Data) -> str:
    """Return what a comparison comes to in a word or two.

    Example:
        >>> verdict({"clear": False, "value": 1.0, "higher": True})
        'may be chance'
    """
    if not comparison["clear"]:
        return "may be chance"
    return "better" if (comparison["value"] > 0) == comparison["higher"] else "worse"


def sources_list(data: Data) -> str:
    """Return sources and protocols."""
    lines = ["## Sources", ""]
    for source in data["sources"]:
        lines.append(f"- **{source['letter']}** {source['title']}. {source['protocol']}")
        lines += [f"  - {_plain(text)}" for text in source["also"]]
    notes = [
        (row["model"], value) for row in data["rows"] for each in row["cells"].values() for value in each["values"]
    ]
    lines += [
        f"- {model} {value['value']:.1f} ({value['source']}): {value['note']}."
        for model, value in notes
        if value["note"]
    ]
    lines += ["", "## Protocols", ""]
    for benchmark in data["benchmarks"]:
        lines.append(f"- **{benchmark['title']}**: {benchmark['protocol']}")
        if benchmark["unverified"]:
            lines.append(f"  - not verified with official code: {', '.join(benchmark['unverified'])}")
        lines += [f"  - left out here, {name}: {_plain(reason)}" for name, reason in benchmark["left_out"].items()]
    return "\n".join(lines)


def _is_in(row: Data, keys: Sequence[str]) -> bool:
    """Whether a row has something to say in a table: what was measured here, also where its columns were left out."""
    if row["kind"] == "own":
        measured = {key.partition(".")[0] for key in row["cells"]}
        return any(key.partition(".")[0] in measured for key in keys)
    return any(key in row["cells"] for key in keys)


def _cell(row: Data, key: str) -> str:
    cell = row["cells"].get(key)
    if cell is None:
        return "left out" if row["kind"] == "own" and _is_in(row, [key]) else ""
    return ("≠ " if cell["disagree"] else "") + " / ".join(_value(value) for value in cell["values"])


def _value(value: Data) -> str:
    if "low" in value:
        return f"**{value['value']:.1f}** ({value['low']:.1f}–{value['high']:.1f})"
    return f"{value['value']:.1f}{'?' if value['note'] else ''} {value['source']}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _plain(text: str) -> str:
    """Return text that stays in its cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
