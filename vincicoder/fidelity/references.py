"""The references that are damaged: records of the user's own, and snippets of this package that no weight has seen.

The split is frozen. Half of all references, by a digest of their names, are for choosing weights (``training``); the
others and every snippet are for reporting what was chosen (``held-out``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.data.domains import domain_of
from vincicoder.data.errors import BadRow
from vincicoder.data.prompts import write_prompt
from vincicoder.data.record import Record
from vincicoder.errors import ConfigError
from vincicoder.languages import get_language
from vincicoder.registry import install_command

if TYPE_CHECKING:
    from vincicoder.images import TargetLike

SNIPPETS = "snippets"
"""Stands for the package's own snippets where a file of records may be given."""

SPLITS = ("training", "held-out", "all")


@dataclass(frozen=True)
class Reference:
    """Known-good code and the image that it renders.

    Attributes:
        name: Tells references apart; the split and all damage depend on it.
        language: Name of a registered language.
        domain: The kind of image, such as ``chart``.
        code: The code, without a fence.
        prompt: What a model would be asked.
        target: The image, or None to render the code for it.
        split: ``training`` or ``held-out``.
    """

    name: str
    language: str
    domain: str
    code: str
    prompt: str
    target: TargetLike | None
    split: str


def split_of(name: str) -> str:
    """Return the half that a reference belongs to by its name.

    Example:
        >>> split_of("icon-bell"), split_of("icon-home")
        ('held-out', 'held-out')
    """
    return "held-out" if hashlib.blake2b(name.encode(), digest_size=1).digest()[0] % 2 else "training"


def snippets() -> Iterator[Reference]:
    """Yield the snippets of this package, which are all held out.

    Example:
        >>> len(list(snippets())), {each.split for each in snippets()}
        (16, {'held-out'})
    """
    for path in sorted(Path(__file__).with_name("snippets").glob("*.txt")):
        name, language, _ = path.name.split(".")
        code = path.read_text(encoding="utf-8")
        domain = domain_of(language, code)
        yield Reference(name, language, domain, code, write_prompt(domain, language, key=name), None, "held-out")


def read_references(
    sources: Iterable[str | Path],
    split: str = "all",
    languages: Iterable[str] = (),
    complain: Callable[[str], object] = lambda message: None,
) -> list[Reference]:
    """Return the references of files of records, of requests that have a reference, or of ``snippets``.

    Args:
        sources: Files in JSONL or Parquet, or the word ``snippets``. A row is a record (``code`` and ``target``), or a
            request with ``reference``, which is code or the path of a file with it; of a ``group`` the first counts.
        split: ``training``, ``held-out`` or ``all``.
        languages: Names or aliases of the languages that are wanted; empty for all.
        complain: Called with a sentence for each row that cannot be used.

    Raises:
        ConfigError: A file cannot be read or has no references, or nothing is left of them.

    Example:
        >>> [each.name for each in read_references(["snippets"], languages=["latex"])]
        ['data-pipeline', 'pulley', 'river-levels']
    """
    if split not in SPLITS:
        raise ConfigError(f"split is {split!r}; expected one of: {', '.join(SPLITS)}")
    wanted = {get_language(language).name for language in languages}
    found: dict[str, Reference] = {}
    for source in sources:
        for each in snippets() if str(source) == SNIPPETS else _references(Path(source), complain):
            if (not wanted or each.language in wanted) and split in ("all", each.split):
                found.setdefault(each.name, each)
    if not found:
        raise ConfigError(
            f"no reference is left for split {split!r}" + (f" and {', '.join(sorted(wanted))}" if wanted else "")
        )
    return list(found.values())


def _references(path: Path, complain: Callable[[str], object]) -> Iterator[Reference]:
    found, seen = False, set()
    for number, row in enumerate(_rows(path), start=1):
        group = row.get("group")
        if group is not None and group in seen:
            continue
        try:
            record = Record.from_dict(_as_record(row, path.parent), path.parent)
        except (BadRow, OSError) as error:
            complain(f"{path}, row {number}: {error}")
            continue
        seen.add(group)
        found = True
        name = str(group or record.id)
        yield Reference(name, record.language, record.domain, record.code, record.prompt, record.target, split_of(name))
    if not found:
        raise ConfigError(f"{str(path)!r} has no references: a row needs 'target', and 'code' or 'reference'")


def _as_record(row: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """Return a row of records; of a request, with its reference as the code."""
    reference = row.get("reference")
    if row.get("code") is not None or not isinstance(reference, str):
        return dict(row)
    if "\n" not in reference and len(reference) < 1024 and (directory / reference).is_file():
        reference = (directory / reference).read_text(encoding="utf-8", errors="replace")
    names = ("id", "target", "prompt", "language")  # the domain is told by the code: requests name it as they like
    kept = {name: row[name] for name in names if row.get(name) is not None}
    return {**kept, "code": reference}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise ConfigError(f"{str(path)!r} does not exist; give a .jsonl or .parquet file, or {SNIPPETS!r}")
    if path.suffix.lower() == ".parquet":
        try:
            from pyarrow import parquet
        except ImportError:
            raise ConfigError(f"reading {str(path)!r} needs pyarrow; run: {install_command('parquet')}") from None
        try:
            for batch in parquet.ParquetFile(path).iter_batches(batch_size=32):
                yield from batch.to_pylist()
        except (OSError, ValueError) as error:
            raise ConfigError(f"{str(path)!r} is not a Parquet file: {error}") from error
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ConfigError(f"{str(path)!r}, line {number} is not JSON: {error}") from error
            if not isinstance(row, dict):
                raise ConfigError(f"{str(path)!r}, line {number} is not an object")
            yield row
