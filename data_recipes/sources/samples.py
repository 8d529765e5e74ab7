"""The sample set of this repository: references and their images."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from data_recipes.engine.units import Row, Unit
from vincicoder.data import DataError, Record
from vincicoder.languages import get_language

_PLACE, _INDEX = Path("examples", "samples"), "index.jsonl"
_DOMAINS = {"molecule": "chemistry"}
LICENCE = "Apache-2.0"


def sample_set() -> Path | None:
    """Return the directory of the sample set: in the clone of this file, or in the one that this process is in."""
    here, there = Path(__file__).resolve().parents[2], Path.cwd()
    return next((each / _PLACE for each in (here, there, *there.parents) if (each / _PLACE / _INDEX).is_file()), None)


class Samples:
    """The sample set.

    Args:
        directory: Where it is; None for that of the clone this file is in, or else this process, in whatever
            directory of it.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or sample_set() or _PLACE

    def units(self) -> list[Unit]:
        """Return one unit, with one row for each sample."""
        path = self.directory / _INDEX
        if not path.is_file():
            raise DataError(
                f"the sample set is not at {self.directory}; run this in a clone of the repository, or give --from"
            )
        groups = dict.fromkeys(json.loads(line)["group"] for line in path.open(encoding="utf-8"))
        return [Unit(0, len(groups), path.name)]

    def read(self, unit: Unit) -> Iterator[Row]:
        """Yield a record for each sample."""
        seen = set()
        with (self.directory / unit.where).open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if row["group"] in seen:
                    continue
                seen.add(row["group"])
                reference = self.directory / row["reference"]
                record = Record(
                    id=f"sample-{row['group']}",
                    domain=_DOMAINS.get(row["domain"], row["domain"]),
                    task="generate",
                    language=get_language(reference.suffix[1:]).name,
                    prompt=row["prompt"],
                    code=reference.read_text(encoding="utf-8"),
                    target=(self.directory / row["target"]).read_bytes(),
                    source="vincicoder/samples",
                    licence=LICENCE,
                )
                yield Row(record.id, record)


class SampleSet:
    """What ``samples`` reads: this repository's samples, or a directory like theirs."""

    def open(self, location: str | None, count: int, seed: int) -> Samples:
        """Return the source of the samples."""
        return Samples(Path(location) if location else None)


SOURCE = SampleSet()
