"""Dataset cards: what the hub shows of a set, and how ``datasets.load_dataset`` finds its rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_recipes.engine.shards import shards_of
from vincicoder.data import DataError

Table = tuple[str, Sequence[str], list[Sequence[str]]]
"""Heading, columns, rows."""

_SPLITS = {"train": "train", "val": "validation"}
"""Directories of a set that was split, and what the hub calls these parts."""

_DIRECTORY = re.compile(r"(?<![\w.:/])/(?:[^\s'\"/|]+/)+")
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10**12, "1M<n<10M"),
)


def offered_sets(sets: Sequence[Path], root: Path) -> dict[str, dict[str, Any]]:
    """Return what a card says of sets: by name, the files of each split and the features.

    Args:
        sets: Directories that ``export`` wrote.
        root: The directory of the card.

    Raises:
        DataError: One does not lie in the root, has its images in files, or holds no rows.
    """
    offered: dict[str, dict[str, Any]] = {}
    for path in sets:
        if path.resolve().parent != root.resolve():
            raise DataError(f"the set {path} does not lie beside the report, in {root}, so no card there can name it")
        parts = [name for name in _SPLITS if (path / name).is_dir()]
        shards = [shards_of(path / name)[0] for name in parts] or [shards_of(path)[0]]
        if any((shard.parent / "pictures").exists() for shard in shards):
            raise DataError(
                f"{path} has images in files, which load_dataset does not find; export it without --pictures"
            )
        name = path.resolve().name
        offered[name] = {
            "files": {_SPLITS[part]: f"{name}/{part}/*.parquet" for part in parts} or {"train": f"{name}/*.parquet"},
            "features": _features(shards[0]),
        }
    return offered


def front_matter(name: str, licences: Iterable[str], rows: int, offered: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the part of a card that programs read.

    Args:
        name: Of the data set.
        licences: Of its sources.
        rows: How many it has.
        offered: What `offered_sets` returned.
    """
    import yaml

    known = sorted({licence.lower() for licence in licences})
    about: dict[str, Any] = {
        "pretty_name": name,
        "license": known[0] if len(known) == 1 else "other",
        "task_categories": ["image-text-to-text"],
        "tags": ["code", "image-to-code"],
        "size_categories": [next(label for most, label in _SIZES if rows < most)],
    }
    if offered:
        about["configs"] = [
            {"config_name": each, "data_files": [{"split": s, "path": path} for s, path in found["files"].items()]}
            for each, found in offered.items()
        ]
        about["dataset_info"] = [
            {"config_name": each, "features": found["features"]} for each, found in offered.items()
        ]
    return f"---\n{yaml.safe_dump(about, sort_keys=False, allow_unicode=True)}---\n\n"


def card_text(
    name: str,
    rows: int,
    sets: Sequence[str],
    tables: Iterable[Table],
    plots: Sequence[str],
    gallery: Mapping[tuple[str, str], Sequence[tuple[str, str]]],
) -> str:
    """Return the part of a card that people read; all paths are relative to it.

    Args:
        name: Of the data set.
        rows: How many it has.
        sets: Names to give ``load_dataset``.
        tables: What was counted.
        plots: Paths of images.
        gallery: Paths of images and ids of records, by domain and task.
    """
    lines = [f"# {_cell(name)}", ""]
    lines += [f"{rows:,} images with the code that renders them. Every row's code was run and its render compared."]
    if sets:
        lines += ["", "```python", "from datasets import load_dataset", ""]
        lines += [*(f'rows = load_dataset("path/or/id", {each!r})' for each in sets), "```"]
    for heading, columns, body in tables:
        lines += ["", f"## {heading}", "", f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
        lines += ["| " + " | ".join(_cell(each) for each in row) + " |" for row in body] or ["| none |"]
    lines += ["", "## Plots", "", *(f"![{Path(path).stem}]({path})" for path in plots)]
    lines += ["", "## Gallery"]
    for kind, shown in gallery.items():
        lines += ["", f"### {kind[0]}, {kind[1]}", "", *(f"![{_cell(record)}]({path})" for path, record in shown)]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Return text for a card, in one line and without the directories of this machine."""
    return " ".join(_DIRECTORY.sub("", text).split()).replace("|", "\\|")[:160]


def _features(shard: Path) -> list[dict[str, Any]]:
    """Return the columns of a shard as the hub writes them; what holds bytes is an image."""
    import pyarrow.parquet

    columns = [_feature(each.name, each.type) for each in pyarrow.parquet.read_schema(shard)]
    return [{**each, "dtype": "image"} if each.get("dtype") == "binary" else each for each in columns]


def _feature(name: str, kind: Any) -> dict[str, Any]:
    import pyarrow.types

    if pyarrow.types.is_list(kind):
        item = _feature("", kind.value_type)
        if "struct" in item:
            return {"name": name, "list": item["struct"]}
        return {"name": name, "sequence": item["dtype"]}
    if pyarrow.types.is_struct(kind):
        inner = [kind.field(place) for place in range(kind.num_fields)]
        if {each.name for each in inner} == {"bytes", "path"}:
            return {"name": name, "dtype": "image"}
        return {"name": name, "struct": [_feature(each.name, each.type) for each in inner]}
    return {"name": name, "dtype": str(kind)}
