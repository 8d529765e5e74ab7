"""Records in the layout of a host: ``vincicoder data export``.

Files are named so that their names tell domain and task, and each is written whole or not at all; a run that was
stopped is simply run again. With ``--pictures`` the pictures go into a content-addressed store beside the files, and
rows hold paths.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from data_recipes.options import FINE, guarded, parser_of
from data_recipes.pictures import PictureStore
from data_recipes.shards import output_folder, rows_of, shards_of, write_table
from vincicoder.data import Record
from vincicoder.data.layouts import HOST_LAYOUTS, file_stem

ROWS = 512
"""Rows of a file; one file of each domain and task is in memory at a time."""


def export(
    records: Iterable[Record], layout: str, folder: Path, store: PictureStore | None = None, rows: int = ROWS
) -> Counter[str]:
    """Write records in a layout and return how many rows each kind of file has.

    Args:
        records: What to write.
        layout: A name of ``HOST_LAYOUTS``.
        folder: Where to.
        store: Where pictures go; None keeps them in the rows. Paths are then relative to the folder above the store.
        rows: Rows of a file.
    """
    write = HOST_LAYOUTS[layout].write
    waiting: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    files: Counter[str] = Counter()
    written: Counter[str] = Counter()

    def flush(stem: str) -> None:
        path = folder / f"{stem}-{files[stem]:05d}.parquet"
        write_table(path, waiting[stem], layout_schema(layout, store is not None), {"layout": layout})
        files[stem] += 1
        waiting[stem] = []

    with output_folder(folder, {"layout": layout, "rows": rows, "pictures": store is not None}):
        for record in records:
            stem = file_stem(record.domain, record.task)
            waiting[stem].append(write(_stored(record, store)))
            written[stem] += 1
            if len(waiting[stem]) == rows:
                flush(stem)
        for stem in [stem for stem, left in waiting.items() if left]:
            flush(stem)
        for stale in set(folder.glob("*.parquet")) - {
            folder / f"{stem}-{number:05d}.parquet" for stem, count in files.items() for number in range(count)
        }:
            stale.unlink()  # of an earlier export with more rows
    return written


def _stored(record: Record, store: PictureStore | None) -> Record:
    if store is None or not isinstance(record.target, bytes):
        return record
    return dataclasses.replace(record, target=f"{store.folder.name}/{store.put(record.target)}")


def records_of(folders: Sequence[Path]) -> Iterator[Record]:
    """Yield the records of folders that recipes have written."""
    for folder in folders:
        for row in rows_of(shards_of(folder)):
            yield Record.from_dict(row)


def layout_schema(layout: str, paths: bool) -> Any:
    """Return the Arrow schema of a layout's tables.

    Args:
        layout: A name of ``HOST_LAYOUTS``.
        paths: Whether pictures are paths; the public set's ``image`` is then text.
    """
    import pyarrow

    from data_recipes.pipeline import record_schema

    text, picture = pyarrow.string(), pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()})
    pictures = pyarrow.list_(picture)
    messages = pyarrow.list_(pyarrow.struct({"role": text, "content": text}))
    rl = {"problem": text, "answer": text, "images": pictures}
    columns: dict[str, dict[str, Any]] = {
        "sft": {"user_content": text, "assistant_content": text, "image": text if paths else pyarrow.binary()},
        "rl": rl,
        "easyr1": rl,
        "verl": {
            "data_source": text,
            "prompt": messages,
            "images": pictures,
            "ability": text,
            "reward_model": pyarrow.struct({"style": text, "ground_truth": text}),
            "extra_info": pyarrow.struct({"id": text, "language": text, "target": picture}),
        },
        "swift": {"messages": messages, "images": pictures, "solution": text, "language": text},
    }
    return record_schema() if layout == "records" else pyarrow.schema(columns[layout] | {"record": text})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("export", __doc__)
    parser.add_argument("records", type=Path, nargs="+", metavar="FOLDER", help="folders of records")
    parser.add_argument("--layout", required=True, choices=list(HOST_LAYOUTS), help="of the files")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the files")
    parser.add_argument("--pictures", action="store_true", help="keep pictures in DIR/pictures, rows hold paths")
    parser.add_argument("--rows", type=int, default=ROWS, metavar="N", help=f"rows of a file (default: {ROWS})")
    options: argparse.Namespace = parser.parse_args(arguments)
    store = PictureStore(options.out / "pictures") if options.pictures else None
    written = export(records_of(options.records), options.layout, options.out, store, options.rows)
    print(json.dumps({"rows": written.total(), "files": dict(sorted(written.items()))}))
    return FINE


if __name__ == "__main__":
    raise SystemExit(guarded(main))
