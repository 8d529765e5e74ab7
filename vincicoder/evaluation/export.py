"""Samples of a benchmark as a trainer's validation data."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vincicoder.data import Record
from vincicoder.data.domains import domain_of
from vincicoder.data.layouts import LAYOUTS
from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmark import Benchmark, Sample
from vincicoder.images import target_content
from vincicoder.registry import install_command


def export(benchmark: Benchmark, samples: Iterable[Sample], layout: str, path: Path) -> int:
    """Write samples in the layout of a trainer, and return how many there are.

    Prompts are the benchmark's own. verl, which averages by ``data_source``, gets the benchmark's name there.

    Args:
        benchmark: What the samples belong to.
        samples: What to write.
        layout: A name of :data:`vincicoder.data.layouts.LAYOUTS`.
        path: The Parquet file.

    Raises:
        ConfigError: There is no such layout, pyarrow is missing, or the file cannot be written.

    Example:
        >>> unisvg = BENCHMARKS.get("unisvg")  # doctest: +SKIP
        >>> export(unisvg, unisvg.load("data/unisvg"), "verl", Path("validation/unisvg.parquet"))  # doctest: +SKIP
        500
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ConfigError(f"writing Parquet needs pyarrow; run: {install_command('eval')}") from error
    kind = LAYOUTS.get(layout)
    rows = [kind.write(_record(benchmark, sample)) for sample in samples]
    for row in rows:
        if "data_source" in row:
            row["data_source"] = f"vincicoder/{benchmark.name}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, kind.schema()), path)
    except OSError as error:
        raise ConfigError(f"the validation data {str(path)!r} cannot be written: {error.strerror}") from error
    return len(rows)


def _record(benchmark: Benchmark, sample: Sample) -> Record:
    content = target_content(sample.target)
    assert isinstance(content, bytes), "samples hold image files"
    code = sample.reference or ""
    return Record(
        id=sample.id,
        domain=domain_of(sample.language, code),
        task="generate",
        language=sample.language,
        prompt=sample.prompt,
        code=code,
        target=content,
        source=benchmark.hub,
        licence=benchmark.licence,
    )
