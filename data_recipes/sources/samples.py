"""The sample set of this repository: references and their images."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from data_recipes.engine.units import Row, Unit
from vincicoder.data import DataError, Record
from vincicoder.languages import get_language

DIRECTORY = Path(__file__).resolve().parents[2] / "examples" / "samples"
_DOMAINS = {"molecule": "chemistry"}
LICENCE = "Apache-2.0"


class Samples:
    """The sample set.

    Args:
        directory: Where it is; None for that of the clone this file is in.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or DIRECTORY

    def units(self) -> list[Unit]:
        """Return one unit, with one row for each sample."""
        path = self.directory / "index.jsonl"
        if not path.is_file():
            raise DataError(f"the sample set is not at {self.directory}; run this in a clone of the repository")
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
