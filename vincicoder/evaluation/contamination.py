"""Which samples of the benchmarks training data hold: by images that look the same, and by code that says the same.

Images are compared by a perceptual hash of 256 bits, so that a resized or compressed copy is found; code by a digest
that does not change with comments and layout. Simple drawings look alike without being copies, so what images say is
an upper bound.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vincicoder.data import BadRow, DataError, Record
from vincicoder.data.files import cut, find_files, table_columns
from vincicoder.data.layouts import LAYOUTS, layout_of
from vincicoder.data.measure import code_digest, fingerprint
from vincicoder.data.tables import raw_rows
from vincicoder.errors import ConfigError, TargetError
from vincicoder.evaluation.benchmark import Sample
from vincicoder.images import open_target

NEAR_BITS = 16
"""Bits of 256 by which hashes of images that count as equal may differ.

Of copies of the sample set's 84 targets at half the size, as JPEG, 96 % are within 16 bits of the original and 30 %
within 5. No two different targets are nearer than 98 bits.
"""

_SHOWN = 3
"""Rows of the training data that are named for each sample."""

_BATCH = 256  # rows that are measured at a time
SHORTEST_CODE = 40
"""Characters of code; what is shorter can be the same by chance."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Audit:
    """What was found.

    Attributes:
        rows: Rows of the training data that were compared.
        unreadable: Rows that could not be.
        bits: By how many bits hashes of equal images may differ.
        samples: How many samples each benchmark has.
        image: By benchmark: samples whose image the data hold, each with the first rows that do.
        code: By benchmark: samples whose code the data hold, likewise.
    """

    rows: int
    unreadable: int
    bits: int
    samples: dict[str, int]
    image: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    code: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def held(self, benchmark: str) -> set[str]:
        """Return the ids of the samples that the training data hold, by image or by code."""
        return {*self.image.get(benchmark, ()), *self.code.get(benchmark, ())}

    def table(self) -> str:
        """Return what was found as text."""
        lines = [f"{'benchmark':<14} {'samples':>8} {'by image':>9} {'by code':>8} {'held':>6}"]
        for name, count in self.samples.items():
            found = len(self.image.get(name, ())), len(self.code.get(name, ())), len(self.held(name))
            lines.append(f"{name:<14} {count:>8} {found[0]:>9} {found[1]:>8} {found[2]:>6}")
        return "\n".join([*lines, f"{self.rows:,} rows compared, {self.unreadable:,} could not be read"])

    def write(self, path: Path) -> None:
        """Write it as JSON.

        Raises:
            ConfigError: The file cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"the audit {str(path)!r} cannot be written: {error.strerror}") from error

    @classmethod
    def read(cls, path: Path) -> Audit:
        """Read what `write` wrote.

        Raises:
            ConfigError: The file cannot be read, or holds something else.
        """
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise ConfigError(f"the audit {str(path)!r} cannot be read: {error.strerror}") from error
        except (ValueError, TypeError) as error:
            raise ConfigError(f"{str(path)!r} is no audit; give a file that `vincicoder eval audit` wrote") from error


def audit(
    training: Sequence[Path],
    benchmarks: Mapping[str, Iterable[Sample]],
    bits: int = NEAR_BITS,
    progress: Callable[[bool], object] = lambda fresh: None,
) -> Audit:
    """Compare training data with benchmarks.

    Args:
        training: Files or directories in any layout of :mod:`vincicoder.data.layouts`.
        benchmarks: Samples by the name of the benchmark.
        bits: By how many bits of 256 hashes of equal images may differ.
        progress: Called for each row.

    Raises:
        DataError: A file cannot be read, or is of no layout.

    Example:
        >>> found = audit([Path("sets/rl")], {"unisvg": BENCHMARKS.get("unisvg").load()})  # doctest: +SKIP
        >>> len(found.held("unisvg"))  # doctest: +SKIP
        12
    """
    index = _Index(benchmarks, bits)
    rows = unreadable = 0
    with ThreadPoolExecutor() as threads:
        for batch in _batches(records_in(training)):
            for (name, _), found in zip(batch, threads.map(_measured, (record for _, record in batch)), strict=True):
                progress(True)
                rows += found is not None
                unreadable += found is None
                if found is not None:
                    index.note(name, *found)
    return Audit(rows, unreadable, bits, dict(index.samples), index.image, index.code)


class _Index:
    """What is known of the samples of all benchmarks, and which of them were found."""

    def __init__(self, benchmarks: Mapping[str, Iterable[Sample]], bits: int) -> None:
        self.samples: Counter[str] = Counter()
        self.image: dict[str, dict[str, list[str]]] = {name: {} for name in benchmarks}
        self.code: dict[str, dict[str, list[str]]] = {name: {} for name in benchmarks}
        self._bits = bits
        self._places: list[tuple[str, str]] = []
        self._digests: dict[str, list[tuple[str, str]]] = {}
        hashes: list[Bytes] = []
        for name, samples in benchmarks.items():
            for sample in samples:
                self.samples[name] += 1
                image = fingerprint(open_target(sample.target))
                if image.any():  # a blank page is like any other
                    hashes.append(image)
                    self._places.append((name, sample.id))
                if sample.reference and len(sample.reference) >= SHORTEST_CODE:
                    digest = code_digest(sample.reference, sample.language)
                    self._digests.setdefault(digest, []).append((name, sample.id))
        self._hashes = np.stack(hashes) if hashes else np.zeros((0, 32), np.uint8)

    def note(self, row: str, image: Bytes, digest: str) -> None:
        """Compare a row of the training data with all samples."""
        if image.any():
            distance = _ONES[self._hashes ^ image].sum(axis=1)
            for place in np.flatnonzero(distance <= self._bits).tolist():
                _add(self.image, self._places[place], row)
        for found in self._digests.get(digest, ()):
            _add(self.code, found, row)


_ONES = np.array([bin(number).count("1") for number in range(256)], np.uint16)


def _add(found: dict[str, dict[str, list[str]]], place: tuple[str, str], row: str) -> None:
    name, sample = place
    rows = found[name].setdefault(sample, [])
    if len(rows) < _SHOWN:
        rows.append(row)


def _measured(record: Record | None) -> tuple[Bytes, str] | None:
    """Return the hash of a record's image and the digest of its code, or None if it cannot be read."""
    if record is None:
        return None
    try:
        known = record.checks.get("phash")
        image = (
            np.frombuffer(bytes.fromhex(known), np.uint8)
            if isinstance(known, str)
            else fingerprint(open_target(record.target))
        )
    except (TargetError, ValueError):
        return None
    return image, code_digest(record.code, record.language)


def records_in(paths: Sequence[Path]) -> Iterator[tuple[str, Record | None]]:
    """Yield the records of files, each with the place of its row; None for a row that is none.

    Args:
        paths: Files or directories in any layout of :mod:`vincicoder.data.layouts`.

    Raises:
        DataError: A file cannot be read, or is of no layout.
    """
    for root in paths:
        for file in find_files(root):
            columns = table_columns(file.path)
            layout = layout_of(columns)
            if layout is None:
                known = "; ".join(f"{each}: {', '.join(LAYOUTS.get(each).columns)}" for each in LAYOUTS)
                raise DataError(f"{file.path} has the columns {', '.join(columns)}, which are of no layout ({known})")
            kind = LAYOUTS.get(layout)
            for part in cut([file], kind.columns, {}):
                for number, row in raw_rows(part, None, {}):
                    name = f"{file.path.name}:{number}"
                    try:
                        yield (
                            name,
                            None
                            if isinstance(row, BadRow)
                            else kind.read(row, file.path.parent, part.domain, part.task),
                        )
                    except BadRow:
                        yield name, None


def _batches(rows: Iterable[tuple[str, Record | None]]) -> Iterator[list[tuple[str, Record | None]]]:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    yield batch
