"""Samples of a benchmark as a trainer's validation data, and back from what the trainer gives to the reward."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.data import Record
from vincicoder.data.domains import domain_of
from vincicoder.data.layouts import LAYOUTS
from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmark import Benchmark, Sample
from vincicoder.images import target_content
from vincicoder.registry import install_command

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest

CELL = "benchmark"
"""The column, in verl's layout of ``extra_info``, that says which sample of which benchmark a row is: JSON text."""

_SEEN = "extra_info"
"""What verl's reward sees of a row."""


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
    rows = []
    for sample in samples:
        row = kind.write(_record(benchmark, sample))
        if "data_source" in row:
            row["data_source"] = f"vincicoder/{benchmark.name}"
        about = {"name": benchmark.name, "id": sample.id, "metadata": dict(sample.metadata)}
        row.get(_SEEN, row)[CELL] = json.dumps(about)
        rows.append(row)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, _with_cell(kind.schema())), path)
    except OSError as error:
        raise ConfigError(f"the validation data {str(path)!r} cannot be written: {error.strerror}") from error
    return len(rows)


def exported_sample(request: RewardRequest) -> tuple[str, Sample | None]:
    """Return the benchmark and the sample that a request's row is, or None if it is none.

    Args:
        request: The request; its metadata holds the row's ``CELL``.

    Example:
        >>> from vincicoder import RewardRequest
        >>> about = {"benchmark": '{"name": "unisvg", "id": "7-icon", "metadata": {}}'}
        >>> name, sample = exported_sample(RewardRequest("no code", b"...", language="svg", metadata=about))
        >>> name, sample.id
        ('unisvg', '7-icon')
    """
    try:
        about = json.loads(request.metadata.get(CELL, ""))
        name, key, metadata = str(about["name"]), str(about["id"]), dict(about["metadata"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return "", None
    target: Any = request.target  # trainers decode images
    return name, Sample(key, target, request.prompt or "", request.reference, request.language or "", metadata)


def _with_cell(schema: Any) -> Any:
    """Return a layout's schema with ``CELL``."""
    import pyarrow

    cell = pyarrow.field(CELL, pyarrow.string())
    place = schema.get_field_index(_SEEN)
    if place < 0:
        return schema.append(cell)
    return schema.set(place, pyarrow.field(_SEEN, pyarrow.struct([*schema.field(place).type, cell])))


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
