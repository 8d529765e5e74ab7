"""The sample set of this repository: references and their pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from data_recipes.pipeline import Piece, Row
from vincicoder.data import DataError, Record

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "samples"
_DOMAINS = {"molecule": "chemistry"}
LICENCE = "Apache-2.0"


class Samples:
    """The sample set.

    Args:
        folder: Where it is; None for that of the clone this file is in.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or FOLDER

    def pieces(self) -> list[Piece]:
        """Return one piece, with one row for each sample."""
        path = self.folder / "index.jsonl"
        if not path.is_file():
            raise DataError(f"the sample set is not at {self.folder}; run this in a clone of the repository")
        groups = dict.fromkeys(json.loads(line)["group"] for line in path.open(encoding="utf-8"))
        return [Piece(0, len(groups), path.name)]

    def read(self, piece: Piece) -> Iterator[Row]:
        """Yield a record for each sample."""
        seen = set()
        with (self.folder / piece.where).open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if row["group"] in seen:
                    continue
                seen.add(row["group"])
                reference = self.folder / row["reference"]
                language = {".py": "python", ".tex": "latex"}.get(reference.suffix) or reference.suffix[1:]
                record = Record(
                    id=f"sample-{row['group']}",
                    domain=_DOMAINS.get(row["domain"], row["domain"]),
                    task="generate",
                    language=language,
                    prompt=row["prompt"],
                    code=reference.read_text(encoding="utf-8"),
                    target=(self.folder / row["target"]).read_bytes(),
                    source="vincicoder/samples",
                    licence=LICENCE,
                )
                yield Row(record.id, record)
