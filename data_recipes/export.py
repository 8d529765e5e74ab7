"""Write records in the layout of a trainer: ``vincicoder data export``.

The name of each file tells its domain and task. With ``--pictures``, images become files in OUT/pictures, named by a
digest of their content, and rows hold their paths: absolute ones for verl and slime, which resolve no others. With
``--val-share``, OUT/train and OUT/val are two sets, and what shows the same image is in one of them. The layout
``llamafactory`` adds the set to the file dataset_info.json beside OUT.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import Any

from data_recipes.engine.images import PlaceImages, open_image
from data_recipes.engine.options import Recipe, add_output, guarded, layout_name, parser_of, positive, run_recipe, share
from data_recipes.engine.records import rows_in
from data_recipes.engine.shards import ShardFormat, describe_file, rows_of, shards_of, write_whole
from data_recipes.engine.units import Row, Unit
from vincicoder.data import BadRow, DataError, Record
from vincicoder.data.domains import DOMAINS, TASKS, file_stem
from vincicoder.data.layouts import LAYOUTS
from vincicoder.data.measure import fingerprint

ROWS = 512
"""Rows of a file."""

KINDS = tuple((domain, task) for domain in DOMAINS for task in TASKS)

_INDEX = {kind: number for number, kind in enumerate(KINDS)}


class Kinds:
    """The records of directories, a unit for each kind: domain and task.

    Args:
        directories: Of records that recipes have written.
    """

    def __init__(self, directories: Sequence[Path]) -> None:
        self._kinds = {path: _kinds_of(path) for directory in directories for path in shards_of(directory)}
        self.files = [describe_file(path) for path in self._kinds]

    def units(self) -> list[Unit]:
        """Return the kinds that there are."""
        counts = [sum(kinds.count(number) for kinds in self._kinds.values()) for number in range(len(KINDS))]
        return [
            Unit(number, rows, KINDS[number], file_stem(*KINDS[number])) for number, rows in enumerate(counts) if rows
        ]

    def read(self, unit: Unit) -> Iterator[Row]:
        """Yield the records of a kind."""
        for path, kinds in self._kinds.items():
            if unit.number in kinds:
                yield from compress(rows_in(path), (kind == unit.number for kind in kinds))


class Part:
    """The records of one of two sets that share no image.

    Args:
        kinds: The records of both.
        share: Of the images that are for validation.
        validation: Whether this is the set for validation.
    """

    def __init__(self, kinds: Kinds, share: float, validation: bool) -> None:
        self.files = kinds.files
        self.share = share
        self.validation = validation
        self._kinds = kinds

    def units(self) -> list[Unit]:
        """Return the kinds that there are; how many rows of each are in this part, reading tells."""
        return [unit._replace(rows=0) for unit in self._kinds.units()]

    def read(self, unit: Unit) -> Iterator[Row]:
        """Yield the records of a kind that are in this part, and what is wrong with others in that for training."""
        for row in self._kinds.read(unit):
            if (isinstance(row.found, Record) and _draw(row.found) < self.share) == self.validation:
                yield row


def _draw(record: Record) -> float:
    """Return a number from 0 to 1, always the same for the same image; equal shares are equal sets of images."""
    known = record.checks.get("phash")
    try:
        image = known if isinstance(known, str) else fingerprint(open_image(record.target)).tobytes().hex()
    except BadRow:  # writing it finds that, too
        return 1.0
    digest = hashlib.blake2b(f"val {image}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _kinds_of(path: Path) -> bytes:
    """Return the index in ``KINDS`` of each record of a file."""
    try:
        return bytes(_INDEX[row["domain"], row["task"]] for row in rows_of([path], ["domain", "task"]))
    except KeyError as error:
        raise DataError(f"{path} has a row whose domain or task is unknown; run it through collect first") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("export", __doc__)
    parser.add_argument("records", type=Path, nargs="+", metavar="DIR", help="directories of records")
    parser.add_argument(
        "--layout", required=True, type=layout_name, metavar="NAME", help=f"one of: {', '.join(LAYOUTS)}"
    )
    parser.add_argument(
        "--pictures", action="store_true", help="store images as files in OUT/pictures; rows hold their paths"
    )
    parser.add_argument("--rows", type=positive, default=ROWS, metavar="N", help=f"rows in each file (default: {ROWS})")
    parser.add_argument(
        "--val-share",
        type=share,
        default=0.0,
        metavar="X",
        help="share of the images set aside in OUT/val, the others in OUT/train; 0 writes one set (default: 0.0)",
    )
    add_output(parser, seed=False)
    options: argparse.Namespace = parser.parse_args(arguments)
    options.recipe += f" {options.layout}"
    kinds = Kinds(options.records)
    if not options.val_share:
        return _write(options, kinds)
    out = options.out
    codes = []
    for name in ("train", "val"):
        options.out = out / name
        codes.append(_write(options, Part(kinds, options.val_share, name == "val")))
    return max(codes)


def _write(options: argparse.Namespace, source: Kinds | Part) -> int:
    layout = LAYOUTS.get(options.layout)
    store = options.out.resolve() / "pictures" if options.pictures else None
    format = ShardFormat(options.layout, options.rows, options.pictures)
    steps = [PlaceImages(store, absolute=layout.absolute_paths)]
    settings = {"store": str(store)} if store and layout.absolute_paths else {}
    entry = layout.entry(options.out.resolve().name)
    if entry and options.pictures:
        raise DataError(f"--pictures cannot be used with --layout {options.layout}: all of --out is read as rows")
    code = run_recipe(options, source, steps, format=format, **settings)
    if entry:
        _list(options.out.resolve(), entry)
    return code


def _list(out: Path, entry: Mapping[str, Any]) -> None:
    """Add a set to the list beside it, which may have others.

    Raises:
        DataError: The file there is no such list.
    """
    path = out.parent / "dataset_info.json"
    try:
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        text = json.dumps({**known, out.name: entry}, indent=2, ensure_ascii=False) + "\n"
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path} is no list of data sets ({error}); move it away, and run this again") from error
    write_whole(path, lambda file: file.write(text.encode()), path.parent)


RECIPE = Recipe("write records in the layout of a trainer", main)

if __name__ == "__main__":
    raise SystemExit(guarded(main))
