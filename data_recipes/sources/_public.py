"""What the readers of public sets share: their description, and how a row becomes a record.

Layouts change between releases. A reader takes each value from the names that are known for it, and a set that has
none of them ends the run with a sentence that says so.
"""

from __future__ import annotations

import dataclasses
import functools
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from data_recipes.engine.files import ImageFiles, columns_of, file_units, rows_of_unit
from data_recipes.engine.units import Row, Unit
from vincicoder.data import BadRow, DataError, Reason, Record, write_prompt
from vincicoder.data.answers import normalise
from vincicoder.data.cells import optional_text, read_image
from vincicoder.data.domains import LANGUAGE_OF
from vincicoder.data.public import without_placeholder
from vincicoder.data.record import identify

_HELD_OUT = re.compile(r"(?:^|[-_])(?:test|val|validation|eval)(?:[-_.]|$)")
"""Parts of paths that name a split that models are measured on; no training reads it unless told to."""


@dataclasses.dataclass(frozen=True)
class Context:
    """What a reader may need besides its row.

    Attributes:
        set: The set's description.
        path: The file that the row is in.
        number: Its number there.
        seed: Of the run.
        files: The images beside the file.
    """

    set: PublicSet
    path: str
    number: int
    seed: int
    files: ImageFiles

    def rng(self) -> random.Random:
        """Return random numbers that are the row's own."""
        return random.Random(f"{self.seed}/{self.set.name}/{Path(self.path).name}/{self.number}")

    def image(self, value: Any) -> bytes:
        """Return an image's content, whether the row has them or a path."""
        found = read_image(value)
        return found if isinstance(found, bytes) else self.files.get(found)


@dataclasses.dataclass(frozen=True)
class PublicSet:
    """A public set: where it is, what its files must have, and how a row becomes a record.

    Attributes:
        name: Of its reader.
        repository: Its id on Hugging Face.
        licence: As its authors state it; "unknown" where they state none.
        columns: Groups of names; of each group the files must have one.
        read: A row to a record; raises BadRow.
        patterns: Which files of the repository are needed.
        unused: Which of these are not; names, with wildcards.
    """

    name: str
    repository: str
    licence: str
    columns: tuple[tuple[str, ...], ...]
    read: Callable[[Mapping[str, Any], Context], Record]
    patterns: tuple[str, ...] = ("*.parquet", "*.json", "*.jsonl", "*.zip")
    unused: tuple[str, ...] = ()

    def open(self, location: str | None, count: int, seed: int) -> PublicSource:
        """Return the source of its rows; there are as many as there are."""
        return PublicSource(self, location, seed)

    def wants(self, path: Path) -> bool:
        """Whether a file, by its path below the set's directory, is for training and of use."""
        held_out = any(_HELD_OUT.search(part) for part in path.parts)
        return not held_out and not any(fnmatch(path.name, name) for name in self.unused)


class PublicSource:
    """The rows of a public set.

    Args:
        public: The set.
        location: A local directory, or a repository id; None for the set's own.
        seed: Of wordings and drawing styles.
    """

    def __init__(self, public: PublicSet, location: str | None, seed: int) -> None:
        self.public = public
        self.location = location or public.repository
        self.seed = seed

    def units(self) -> list[Unit]:
        """Return the parts of the set's files, having downloaded them if they are not here."""
        units = file_units(self._directory, wanted=self.public.wants)
        for path in dict.fromkeys(unit.where.path for unit in units):
            columns = columns_of(path)
            for group in self.public.columns:
                if not set(group) & set(columns):
                    raise DataError(
                        f"{path} has no column {' or '.join(group)}; its columns are: {', '.join(columns) or 'none'}; "
                        f"is it a file of {self.public.repository}?"
                    )
        return units

    def read(self, unit: Unit) -> Iterator[Row]:
        """Yield the records of a unit."""
        path = unit.where.path
        files = ImageFiles(self._directory if self._directory.is_dir() else Path(path).parent)
        for number, row in rows_of_unit(unit):
            name = f"{Path(path).name}:{number}"
            context = Context(self.public, path, number, self.seed, files)
            yield Row(name, row if isinstance(row, BadRow) else _read(row, context))

    @functools.cached_property
    def _directory(self) -> Path:
        if Path(self.location).exists():
            return Path(self.location).resolve()
        if self.location.count("/") != 1 or self.location.startswith((".", "/", "~")):
            raise DataError(f"the data directory {self.location} does not exist; give a directory or an id such as "
                            f"{self.public.repository}")  # fmt: skip
        try:
            from huggingface_hub import snapshot_download

            needed, unused = list(self.public.patterns), list(self.public.unused)
            return Path(
                snapshot_download(self.location, repo_type="dataset", allow_patterns=needed, ignore_patterns=unused)
            )
        except Exception as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise DataError(
                f"there is no directory {self.location} here, and the data set of that name cannot be downloaded "
                f"({why}); download it yourself and give the directory with --from"
            ) from error


def _read(row: Mapping[str, Any], context: Context) -> Record | BadRow:
    try:
        return context.set.read(row, context)
    except BadRow as fault:
        return fault


def first_text(row: Mapping[str, Any], *names: str) -> str:
    """Return the first text that is under one of the names.

    Raises:
        BadRow: There is none, or it is empty.
    """
    for name in names:
        if (text := optional_text(row, name)) is not None:
            if not text.strip():
                raise BadRow(Reason.EMPTY_CODE, f"{name} is empty")
            return text
    raise BadRow(Reason.MISSING_VALUE, f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} missing")


def first_image(row: Mapping[str, Any], context: Context, *names: str) -> bytes:
    """Return the first image that is under one of the names."""
    value = next((row[name] for name in names if row.get(name) is not None), None)
    return context.image(value)


def conversation(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return the first question and its answer, in the layout of LLaVA or of chat messages.

    Raises:
        BadRow: There are none.
    """
    turns: Sequence[Any] = row.get("conversations") or row.get("messages") or ()
    said: dict[str, str] = {}
    for turn in turns if isinstance(turns, list) else ():
        if isinstance(turn, Mapping):
            role = (
                {"human": "user", "gpt": "assistant"}.get(turn.get("from") or "")
                or turn.get("role")
                or turn.get("from")
            )
            text = optional_text(turn, "value" if "value" in turn else "content")
            said.setdefault(str(role), text or "")
    if not said.get("user") or not said.get("assistant"):
        raise BadRow(Reason.MISSING_VALUE, "there is no question with an answer")
    return said["user"], said["assistant"]


def record_of(
    context: Context,
    code: str,
    domain: str,
    target: bytes,
    *,
    prompt: str | None = None,
    language: str | None = None,
    licence: str | None = None,
) -> Record:
    """Return a record to generate.

    Args:
        context: Of the row.
        code: The code, in a fence or not.
        domain: What the image shows.
        target: The image; b"" where the code is to render it.
        prompt: What the row asks; None takes a wording of ours.
        language: What the code is written in; None: the domain's language.
        licence: The row's own, where it differs from the set's.

    Raises:
        BadRow: There is no complete code in the language.
    """
    language = language or LANGUAGE_OF[domain]
    _, code = normalise(code, language)
    name = identify(target, code)
    asked = without_placeholder(prompt) if prompt else ""
    return Record(
        id=name,
        domain=domain,
        task="generate",
        language=language,
        prompt=asked or write_prompt(domain, language, key=name, seed=context.seed),
        code=code,
        target=target,
        source=context.set.repository,
        licence=licence or context.set.licence,
    )
