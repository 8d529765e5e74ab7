"""Where samples come from: a directory in the official layout, or the Hugging Face Hub, which is made into one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vincicoder.errors import ConfigError
from vincicoder.registry import install_command


def directory(source: Path | None, hub: str, patterns: Sequence[str]) -> Path:
    """Return the directory that holds a data set; for None, what the patterns match is downloaded from the hub.

    Raises:
        ConfigError: There is no such directory, or the hub cannot be reached.
    """
    if source is not None:
        if not source.is_dir():
            raise ConfigError(f"{source} is not a directory; give the one that holds {hub}, or none to download it")
        return source
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ConfigError(f"downloading {hub} needs huggingface-hub; run: {install_command('eval')}") from error
    try:
        return Path(snapshot_download(hub, repo_type="dataset", allow_patterns=list(patterns)))
    except Exception as error:  # the hub's client raises errors of many packages
        raise ConfigError(
            f"{hub} cannot be downloaded ({error}); download it by other means and name its directory"
        ) from error


def table_rows(
    source: Path | None, hub: str, split: str, columns: Sequence[str], subset: str = "", optional: Sequence[str] = ()
) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a split that is stored as Parquet files.

    Args:
        source: The directory, or None for the hub.
        hub: Name of the data set.
        split: What the files' names begin with.
        columns: Columns that must be there.
        subset: Name of the directory of the configuration, if there are several.
        optional: Columns that are read if they are there.

    Raises:
        ConfigError: There is no such file, one is damaged, or a column is missing.
    """
    inner = f"{subset}/" if subset else ""
    root = directory(source, hub, [f"{inner}{split}*.parquet", f"data/{split}*.parquet", f"{split}*.parquet"])
    found = sorted(path for path in root.rglob(f"{split}*.parquet") if path.is_file())
    if subset:  # the directory of the configuration itself is as good as the one above it
        found = [path for path in found if path.parent.name == subset] or (found if root.name == subset else [])
    if not found:
        raise ConfigError(f"{root} has no file {inner}{split}*.parquet; expected the layout of {hub}")
    for path in found:
        yield from _rows(path, columns, optional)


def _rows(path: Path, columns: Sequence[str], optional: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ConfigError(f"Parquet files need pyarrow; run: {install_command('eval')}") from error
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            there = file.schema_arrow.names
            if absent := [name for name in columns if name not in there]:
                raise ConfigError(f"{path} has no column {absent[0]!r}; its columns are: {', '.join(there)}")
            for batch in file.iter_batches(32, columns=[*columns, *(name for name in optional if name in there)]):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise ConfigError(f"{path} cannot be read as Parquet ({error}); download it again") from error


def json_list(path: Path, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Return the objects of a JSON file that is a list.

    Raises:
        ConfigError: It cannot be read, or an object lacks a key.
    """
    try:
        items = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read as JSON ({error}); download it again") from error
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ConfigError(f"{path} is not a list of objects")
    for number, item in enumerate(items):
        if absent := [key for key in keys if key not in item]:
            raise ConfigError(f"{path}: item {number} has no {absent[0]!r}; it has: {', '.join(item)}")
    return items


def image_bytes(cell: Any, where: str) -> bytes:
    """Return the image file in a cell: bytes, or a mapping that holds them under ``bytes``.

    Raises:
        ConfigError: There is none.

    Example:
        >>> image_bytes({"bytes": b"...", "path": None}, "row 3")
        b'...'
    """
    content = cell.get("bytes") if isinstance(cell, Mapping) else cell
    if not isinstance(content, bytes) or not content:
        raise ConfigError(f"{where} holds no image; expected the bytes of an image file")
    return content


def pairs(root: Path, program: str, image: str = ".png") -> list[tuple[Path, Path]]:
    """Return the programs of a directory with their images, which have the same name but for the suffix.

    Raises:
        ConfigError: There are none, or an image is missing.
    """
    found = sorted(root.glob(f"*{program}"), key=lambda path: (len(path.stem), path.stem))
    for path in found:
        if not path.with_suffix(image).is_file():
            raise ConfigError(f"{path.with_suffix(image)} is missing; each {program} file needs its {image} file")
    if not found:
        raise ConfigError(f"{root} has no {program} files; give the directory that holds them")
    return [(path, path.with_suffix(image)) for path in found]


def text_of(path: Path) -> str:
    """Return the text of a file of unknown origin; what is not valid UTF-8 becomes replacement characters."""
    return path.read_bytes().decode("utf-8-sig", "replace")
