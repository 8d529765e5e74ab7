"""Samples worth looking at: the best, the worst, and those that changed most between two models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vincicoder.evaluation.evaluation import Evaluation
from vincicoder.evaluation.measuring import image_file
from vincicoder.evaluation.published import main_columns
from vincicoder.evaluation.scoring import images_beside

SHOWN = 6
"""Samples of each kind."""

_LONGEST_CODE = 6_000

Key = tuple[str, int]
Copy = Callable[[Path, Path], None]


class Gallery:
    """Samples of one benchmark that are worth looking at.

    They are ordered by `main_column`.

    Args:
        evaluations: Scores of the models that are shown; the first one decides what is best and worst.
        compare: Whether to look for samples that changed between the first two.

    Example:
        >>> sorted(Gallery([evaluation]).data(Path("report/images"), shutil.copyfile))  # doctest: +SKIP
        ['best', 'changed', 'mark', 'worst']
    """

    def __init__(self, evaluations: Sequence[Evaluation], compare: bool = False) -> None:
        self._evaluations = evaluations
        first = evaluations[0]
        self._mark = main_column(first)
        self._rows: list[dict[Key, Mapping[str, Any]]] = [
            {(row["id"], row["number"]): row for row in each.rows if row["values"] is not None} for each in evaluations
        ]
        self._marks = [{key: self.mark(row) for key, row in rows.items()} for rows in self._rows]
        self._compare = compare and len(evaluations) > 1

    def mark(self, row: Mapping[str, Any]) -> float:
        """Return the column that decides, of one prediction alone."""
        found = self._evaluations[0].summary([row["values"]])
        value = found.get(self._mark, 0.0)
        return value if self._evaluations[0].about.columns[self._mark].higher_is_better else -value

    def data(self, directory: Path, copy: Copy) -> dict[str, Any]:
        """Return the samples, ready for JSON, having copied their images into a directory."""
        marks = self._marks[0]
        order = sorted(marks, key=lambda key: (marks[key], key))
        best, worst = order[::-1][:SHOWN], order[: min(SHOWN, max(0, len(order) - SHOWN))]
        changed: list[Key] = []
        if self._compare:
            after = self._marks[1]
            both = [key for key in order if key in after and abs(after[key] - marks[key]) > 1e-9]
            changed = sorted(both, key=lambda key: -abs(after[key] - marks[key]))[:SHOWN]
        cards = {"best": best, "worst": worst, "changed": changed}
        title = self._evaluations[0].about.columns[self._mark].title
        return {
            "mark": title,
            **{kind: [self._card(key, directory, copy) for key in keys] for kind, keys in cards.items()},
        }

    def _card(self, key: Key, directory: Path, copy: Copy) -> dict[str, Any]:
        name, number = key
        shown = []
        target = None
        for place, (evaluation, rows) in enumerate(zip(self._evaluations, self._rows, strict=True)):
            row = rows.get(key)
            if row is None:
                continue
            target = target or _copied(evaluation, f"target-{name}", directory, copy, "")
            columns = evaluation.summary([row["values"]])
            shown.append(
                {
                    "model": evaluation.model,
                    "render": _copied(evaluation, f"render-{name}-{number}", directory, copy, f"{place}-"),
                    "status": row["status"],
                    "message": row["message"],
                    "columns": {evaluation.about.columns[each].title: value for each, value in columns.items()},
                    "code": row["code"][:_LONGEST_CODE],
                }
            )
        return {"id": name if not number else f"{name} #{number}", "target": target, "models": shown}


def main_column(evaluation: Evaluation) -> str:
    """Return the paper's first column that says more than whether a response renders, or else the first that does.

    Example:
        >>> main_column(Evaluation.read("scores/image2latex.jsonl"))  # doctest: +SKIP
        'ems'
    """
    columns = evaluation.about.columns
    told = main_columns(evaluation.benchmark)
    measured = sorted((name for name in columns if name in evaluation.columns), key=lambda name: name not in told)
    return next((name for name in measured if columns[name].needs != ("execution",)), next(iter(measured or columns)))


def _copied(evaluation: Evaluation, name: str, directory: Path, copy: Copy, prefix: str) -> str | None:
    """Copy an image that was kept with the scores, and return its place beside the page, or None if there is none."""
    if evaluation.path is None:
        return None
    source = images_beside(evaluation.path) / image_file(name)
    if not source.is_file():
        return None
    target = f"{evaluation.benchmark}-{prefix}{source.name}"
    copy(source, directory / target)
    return f"images/{target}"
