"""The report of evaluations: the paper's table with one's own models in it, what is sure about it, and examples.

``index.html`` opens offline, ``report.md`` holds the tables for a model card or an issue.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from vincicoder._version import __version__
from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmark import Benchmark
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.contamination import Audit
from vincicoder.evaluation.evaluation import Evaluation
from vincicoder.evaluation.gallery import Gallery
from vincicoder.evaluation.markdown import comparison_table, details_table, results_table, sources_list
from vincicoder.evaluation.metrics import METRICS
from vincicoder.evaluation.published import Cell, disagree, main_columns, published
from vincicoder.evaluation.statistics import differences
from vincicoder.reporting.page import write_page

_TEMPLATE = Path(__file__).with_name("report_page.html")


class EvaluationReport:
    """A report of what some models reach on some benchmarks.

    Args:
        evaluations: Scores, each of one model on one benchmark.
        title: Heading of the report.
        compare: Names of two models that are compared; None for the first two that there are, if there are two.
        audit: What an audit of the training data found, or None.

    Raises:
        ConfigError: Two evaluations are of the same model on the same benchmark, or a name is none of a model.

    Example:
        >>> report = EvaluationReport([Evaluation.read(path) for path in paths], "My models")  # doctest: +SKIP
        >>> report.write("report")  # doctest: +SKIP
        PosixPath('report/index.html')
    """

    def __init__(
        self,
        evaluations: Sequence[Evaluation],
        title: str = "Evaluation",
        compare: Sequence[str] | None = None,
        audit: Audit | None = None,
    ) -> None:
        self.title, self._audit = title, audit
        self._found: dict[tuple[str, str], Evaluation] = {}
        for each in evaluations:
            other = self._found.setdefault((each.model, each.benchmark), each)
            if other is not each:
                raise ConfigError(
                    f"{other.path} and {each.path} both hold scores of {each.model!r} on {each.benchmark}; give one of "
                    "them, or score one again with another --name"
                )
        self.models = list(dict.fromkeys(each.model for each in evaluations))
        for name in compare or ():
            if name not in self.models:
                raise ConfigError(f"there are no scores of a model {name!r}; there are of: {', '.join(self.models)}")
        self.compared = tuple(compare) if compare else tuple(self.models[:2]) if len(self.models) > 1 else ()

    @cached_property
    def data(self) -> dict[str, Any]:
        """Everything that is shown but the gallery, ready for JSON."""
        told = list(dict.fromkeys(cell.benchmark for cell in published().cells))  # in the paper's order
        names = sorted(BENCHMARKS, key=lambda name: told.index(name) if name in told else len(told))
        benchmarks = [self._benchmark(BENCHMARKS.get(name)) for name in names]
        shown = {column["key"] for each in benchmarks for column in each["columns"]}
        rows = [row for row in (*self._published_rows(), *self._own_rows()) if shown.intersection(row["cells"])]
        used = {value["source"] for row in rows for each in row["cells"].values() for value in each["values"]}
        sources = [each for each in self._sources() if each["letter"] in used or self._unplaced(each["letter"])]
        return {
            "title": self.title,
            "version": __version__,
            "benchmarks": [each for each in benchmarks if each["columns"]],
            "rows": rows,
            "sources": sources,
            "models": [self._state(each) for each in self._found.values()],
            "compared": list(self.compared),
            "comparisons": list(self._comparisons()),
        }

    def markdown_table(self) -> str:
        """Return the table of results as Markdown."""
        return results_table(self.data)

    def write(self, directory: str | Path) -> Path:
        """Write ``index.html``, its images and ``report.md`` into a directory, and return the page.

        Raises:
            ConfigError: The directory cannot be written.
        """
        path = Path(directory)
        try:
            (path / "images").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"the report directory {str(directory)!r} cannot be made: {error.strerror}") from error
        gallery = {}
        for benchmark in dict.fromkeys(name for _, name in self._found):
            found = [each for each in self._found.values() if each.benchmark == benchmark]
            found.sort(key=lambda each: self.compared.index(each.model) if each.model in self.compared else 9)
            both = bool(self.compared) and {each.model for each in found}.issuperset(self.compared)
            gallery[benchmark] = Gallery(found, both).data(path / "images", _copy)
        write_page(path / "index.html", _TEMPLATE, self.title, {**self.data, "gallery": gallery})
        (path / "report.md").write_text(self._markdown(), encoding="utf-8", errors="replace")
        return path / "index.html"

    def _markdown(self) -> str:
        data = self.data
        tables = [results_table(data), comparison_table(data), details_table(data), sources_list(data)]
        parts = [f"# {self.title}", *tables]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _benchmark(self, benchmark: Benchmark) -> dict[str, Any]:
        """Return a benchmark with the columns of which something is known."""
        mine = [each for each in self._found.values() if each.benchmark == benchmark.name]
        known = {cell.column for cell in published().cells if cell.benchmark == benchmark.name}
        main = main_columns(benchmark.name) or set(benchmark.columns)  # what else there is stands below the table
        known |= {name for each in mine for name in each.columns}
        return {
            "name": benchmark.name,
            "title": benchmark.title,
            "protocol": " ".join(benchmark.protocol.split()),
            "left_out": {name: reason for each in mine for name, reason in each.left_out.items()},
            "unverified": [name for name in benchmark.metrics if not METRICS.get(name).verified],
            "own": bool(mine),
            "columns": [
                {
                    "key": _key(benchmark.name, name),
                    "title": column.title,
                    "higher": column.higher_is_better,
                    "main": name in main,
                }
                for name, column in benchmark.columns.items()
                if name in known
            ],
        }

    def _published_rows(self) -> Iterator[dict[str, Any]]:
        for model in published().models:
            cells: dict[str, Any] = {}
            for cell in published().cells:
                if cell.model == model and _key(cell.benchmark, cell.column) not in cells:
                    said = published().find(model, cell.benchmark, cell.column)
                    cells[_key(cell.benchmark, cell.column)] = {
                        "values": [_shown(each) for each in said],
                        "disagree": disagree(said),
                    }
            kind = "vincicoder" if model.startswith("VinciCoder") else "others"
            yield {"model": model, "kind": kind, "note": "", "cells": cells}

    def _own_rows(self) -> Iterator[dict[str, Any]]:
        for model in self.models:
            found = [each for each in self._found.values() if each.model == model]
            yield {"model": model, "kind": "own", "note": "", "cells": _own_cells(found)}
            clean = [each for each in map(self._clean, found) if each is not None]
            if clean:
                counts = ", ".join(f"{each.about.title} {each.samples}" for each in clean)
                yield {
                    "model": model,
                    "kind": "own",
                    "note": f"clean samples only: {counts}",
                    "cells": _own_cells(clean),
                }

    def _clean(self, evaluation: Evaluation) -> Evaluation | None:
        """Return the scores on samples that the training data do not hold; None where no audit says."""
        if self._audit is None or evaluation.benchmark not in self._audit.samples:
            return None
        held = self._audit.held(evaluation.benchmark)
        return evaluation.only({row["id"] for row in evaluation.judged} - held)

    def _state(self, evaluation: Evaluation) -> dict[str, Any]:
        held = self._audit.held(evaluation.benchmark) if self._audit is not None else set()
        return {
            "model": evaluation.model,
            "benchmark": evaluation.benchmark,
            "samples": evaluation.samples,
            "predictions": len(evaluation.rows),
            "judged": len(evaluation.judged),
            "statuses": evaluation.statuses,
            "pass_at": {str(k): value for k, value in evaluation.pass_at.items()},
            "held": len(held & {row["id"] for row in evaluation.judged}) if self._audit is not None else None,
        }

    def _comparisons(self) -> Iterator[dict[str, Any]]:
        if not self.compared:
            return
        for benchmark in BENCHMARKS.values():
            pair = [self._found.get((model, benchmark.name)) for model in self.compared]
            first, second = pair
            if first is None or second is None:
                continue
            for column, found in differences(benchmark.summary, first.judged, second.judged).items():
                yield {
                    "benchmark": benchmark.name,
                    "column": _key(benchmark.name, column),
                    "title": f"{benchmark.title} {benchmark.columns[column].title}",
                    "higher": benchmark.columns[column].higher_is_better,
                    "clear": found.clear,
                    **dataclasses.asdict(found),
                }

    def _sources(self) -> list[dict[str, Any]]:
        return [
            {"letter": _letter(name), "title": source.title, "protocol": source.protocol, "also": self._unplaced(name)}
            for name, source in published().sources.items()
        ]

    def _unplaced(self, name: str) -> list[str]:
        return [f"{model}: {text}" for model, source, text in published().unplaced if name in (source, _letter(source))]


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _key(benchmark: str, column: str) -> str:
    return f"{benchmark}.{column}"


def _letter(source: str) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[list(published().sources).index(source)]


def _shown(cell: Cell) -> dict[str, Any]:
    return {"value": cell.value, "source": _letter(cell.source), "note": cell.note}


def _own_cells(evaluations: Sequence[Evaluation]) -> Mapping[str, Any]:
    return {
        _key(each.benchmark, name): {
            "values": [{"value": found.value, "low": found.low, "high": found.high, "source": "", "note": ""}],
            "disagree": False,
        }
        for each in evaluations
        for name, found in each.intervals.items()
    }
