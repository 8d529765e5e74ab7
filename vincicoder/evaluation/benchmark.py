"""What a benchmark is: samples, the metrics that measure a prediction, and the official way to sum them up.

A benchmark knows nothing of models, files of predictions, processes and reports; who runs it knows nothing of what is
measured. What happens to one prediction, in this order:

1. ``align`` finds its code; ``complete`` makes the program of it that the official protocol runs.
2. The program is rendered in the sandbox, and ``finish`` does to the image what the official protocol does to it.
3. Each metric in ``metrics`` that is available is handed what it asks for by name; see `vincicoder.evaluation.metrics`.
   A prediction without a render gets what the metric documents for it.
4. ``summary`` turns the values of all samples into the columns that the paper prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

Row = Mapping[str, float]
"""The values of one sample, by the names that its metrics give."""


@dataclass(frozen=True)
class Sample:
    """One question of a benchmark.

    Attributes:
        id: Unique in the benchmark, and the same on every machine.
        target: The image to reproduce, as a file: its path or its content.
        prompt: What the model is asked, in the benchmark's own words.
        reference: The known-good program for the target, or None where the benchmark publishes none. It is as hostile
            as a prediction.
        language: Name of the language that is asked for.
        metadata: What else the benchmark says of the sample, such as a SMILES string or a chart type.

    Example:
        >>> Sample("bar_1", Path("bar_1.png"), "Reproduce this chart.", "import ...", "python").metadata
        {}
    """

    id: str
    target: Path | bytes = field(repr=False)
    prompt: str = field(repr=False)
    reference: str | None = field(repr=False)
    language: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """A number of the summary.

    Attributes:
        title: What the benchmark's paper calls it.
        needs: Names of the metrics' values that it is made of; it is left out where one of them was not measured.
        value: Makes the number of the rows of all samples, as the paper prints it.
        higher_is_better: Which way it points.
        only: Name of the value that a sample must have for it to count here; "" where all samples count.
    """

    title: str
    needs: tuple[str, ...]
    value: Callable[[Sequence[Row]], float]
    higher_is_better: bool = True
    only: str = ""


@dataclass(frozen=True)
class Benchmark:
    """A benchmark.

    Attributes:
        name: The name of its file, which is its name everywhere.
        title: Its name as prose spells it.
        language: The language that its samples ask for.
        hub: Its data set on the Hugging Face Hub.
        subset: The data set's configuration, or "" where it has one only.
        split: The split that is measured on.
        licence: The data's licence; "" where none is stated.
        read: Yields the samples of a directory in the official layout, or of the hub for None. Use `load`.
        metrics: Names of the metrics that its columns need.
        columns: The numbers of the summary by name, in the paper's order. Those that are shares are in percent.
        protocol: What is done, in a few sentences: how failures count, what is weighted, where we differ.
        complete: Makes the program that is run of the code of a prediction, or of a reference.
        complete_reference: Does so for a reference where the protocol treats it differently; None for ``complete``.
        finish: What the protocol does with a render before anything is measured.
        renderer_options: Options of the renderers under this protocol, as `vincicoder.rendering.RenderPool` takes them.

    Example:
        >>> from vincicoder.evaluation.benchmarks import BENCHMARKS
        >>> benchmark = BENCHMARKS.get("image2latex")
        >>> benchmark.summary([{"execution": 1.0, "ems": 0.5}, {"execution": 0.0, "ems": 0.0}])
        {'execution': 50.0, 'ems': 25.0}
    """

    name: str
    title: str
    language: str
    hub: str
    split: str
    licence: str
    read: Callable[[Path | None], Iterator[Sample]] = field(repr=False)
    metrics: tuple[str, ...]
    columns: Mapping[str, Column]
    protocol: str
    subset: str = ""
    complete: Callable[[str], str] = str
    complete_reference: Callable[[str], str] | None = None
    finish: Callable[[Image.Image], Image.Image] | None = None
    renderer_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def load(self, source: str | Path | None = None) -> Iterator[Sample]:
        """Yield the samples, in the official order.

        Args:
            source: A directory in the official layout; None for the hub, which needs the extra ``eval``.

        Raises:
            ConfigError: There is no such directory, a file or a column is missing, or the hub cannot be reached; one
                sentence says which and what to do.
        """
        return self.read(None if source is None else Path(source).expanduser())

    def summary(self, rows: Sequence[Row]) -> dict[str, float]:
        """Return the columns, as far as what they need was measured.

        Args:
            rows: The values of each sample; all samples count, so those of a failed response must be there, with the
                documented values. Samples that the machine failed are left out by the caller, who says how many.
        """
        measured = set.intersection(*(set(row) for row in rows)) if rows else set()
        return {
            name: column.value(rows)
            for name, column in self.columns.items()
            if rows and measured.issuperset(column.needs)
        }

    def sample_summary(self, row: Row) -> dict[str, float]:
        """Return what one sample contributes to the columns: the mean over samples of each is the column.

        Args:
            row: The sample's values. Columns in which it does not count are left out.

        Example:
            >>> from vincicoder.evaluation.benchmarks import BENCHMARKS
            >>> BENCHMARKS.get("chemdraw").sample_summary({"execution": 1.0, "tanimoto": 0.0, "valid": 0.0})
            {'execution': 100.0, 'tanimoto': 0.0}
        """
        counted = {name for name, column in self.columns.items() if not column.only or row.get(column.only)}
        return {name: value for name, value in self.summary([row]).items() if name in counted}


def mean_of(*names: str, title: str, scale: float = 100.0, higher_is_better: bool = True) -> Column:
    """Return the column that is the mean over all samples of the mean of some values.

    Args:
        names: Names of the values.
        title: What the paper calls it.
        scale: What it is multiplied by: 100 makes percent.
        higher_is_better: Which way it points.

    Example:
        >>> mean_of("text", "layout", title="low").value([{"text": 1.0, "layout": 0.0}])
        50.0
    """

    def value(rows: Sequence[Row]) -> float:
        return scale * sum(sum(row[name] for name in names) for row in rows) / (len(names) * len(rows))

    return Column(title, names, value, higher_is_better)


def check_benchmark(name: str, value: object) -> str:
    """Return what is wrong with a benchmark that is registered under a name, or ""."""
    if not isinstance(value, Benchmark):
        return f"is {type(value).__name__}; expected a vincicoder.evaluation.benchmark.Benchmark"
    return "" if value.name == name else f"calls itself {value.name!r}; the two names must be the same"
