"""Rows of a data set as trainers take them, streamed from their files; what cannot be used is noted and left out."""

from __future__ import annotations

import functools
import hashlib
import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vincicoder import alignment, data, languages
from vincicoder.data.errors import BadRow, DataError, Reason
from vincicoder.data.files import FilePart, in_subsets, subset_of
from vincicoder.data.image_checks import check_image
from vincicoder.data.layouts import LAYOUTS, Layout
from vincicoder.data.layouts.swift import messages_of
from vincicoder.data.tables import raw_rows


class Split(NamedTuple):
    """One side of a set that is split in two: the rows that are held out, or all others.

    The image decides, so that an image is never on both sides: a row and its refinement stay together, in whatever
    files they are. The side of a row does not depend on any other row, on the order or on the machine.

    Attributes:
        share: Of the images that are held out, from 0 to 1.
        held_out: Which side this is.

    Example:
        >>> [Split(share).has(b"image") for share in (0, 0.5, 1)]
        [True, False, False]
    """

    share: float = 0.0
    held_out: bool = False

    def has(self, target: bytes | str) -> bool:
        """Whether rows with this image, its content or its path, are on this side; one without a file is trained on."""
        if not self.share:
            return not self.held_out
        try:
            content = target if isinstance(target, bytes) else Path(target).read_bytes()
        except OSError:
            return not self.held_out
        place = int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")
        return (place < self.share * 2**64) == self.held_out


def read_rows(
    bundles: Sequence[Sequence[FilePart]],
    layout: str,
    subsets: Sequence[str],
    columns: Mapping[str, str],
    answered: bool,
    strict: bool,
    rejects: str,
    rules: str = "",
    split: Split = Split(),  # noqa: B008 - it cannot be changed
) -> Iterator[dict[str, Any]]:
    """Yield rows of messages.

    Args:
        bundles: What to read. Workers take a share of them each; the parts of one are read by turns.
        layout: A name of :data:`vincicoder.data.layouts.LAYOUTS`.
        subsets: Which rows are wanted, where the names of files do not tell.
        columns: Other names that columns have in the files, and the names they stand for.
        answered: Whether the messages hold the answer.
        strict: Whether to stop at the first row that cannot be used.
        rejects: Path of the :class:`Rejects` of this run.
        rules: :func:`rules_digest`. Unused here; trainers that cache by the arguments of a call see changes by it.
        split: The side that is wanted.

    Yields:
        ``messages``, ``images`` (one ``{"bytes", "path"}``), ``solution`` (the code) and ``language``; if ``answered``,
        also ``channel``, the smallest subset that the row belongs to. ms-swift logs the loss of each channel.

    Raises:
        DataError: ``strict``, and a row cannot be used.

    Example:
        >>> parts = cut(find_files(Path("sets/sft")), LAYOUTS.get("sft").columns, {})  # doctest: +SKIP
        >>> rows = read_rows(mix(parts), "sft", ("default",), {}, True, False, "rejects.tsv")  # doctest: +SKIP
        >>> next(rows)["messages"][0]["role"]  # doctest: +SKIP
        'user'
    """
    kind = LAYOUTS.get(layout)
    noted = Rejects(Path(rejects))
    for bundle in bundles:
        for part, number, row in _by_turns(bundle, kind, columns):
            try:
                if isinstance(row, BadRow):
                    raise row
                found = kind.read(row, Path(part.path).parent, part.domain, part.task)
                if not kind.classified and not in_subsets(found.domain, found.task, subsets):
                    continue
                if answered and not found.code.strip():
                    raise BadRow(Reason.EMPTY_CODE, "code is empty")
                if not split.has(found.target):
                    continue
                check_image(found.target)
            except BadRow as fault:
                if strict:
                    raise DataError(f"{part.path}, row {number}: {fault}") from fault
                noted.add(part.path, number, fault.reason)
                continue
            channel = {"channel": subset_of(found.domain, found.task)} if answered else {}
            yield messages_of(found, answered) | channel


def rule_files() -> list[Path]:
    """Return the files that hold the rules a row goes through: code and wordings of three packages, sorted."""
    directories = (Path(str(each.__file__)).parent for each in (alignment, languages, data))
    return sorted(path for each in directories for path in each.rglob("*") if path.suffix in (".py", ".txt"))


@functools.cache
def rules_digest() -> str:
    """Return a digest of every rule that a row goes through, so that a cache of rows ends when one changes."""
    digest = hashlib.blake2b(repr(sorted(languages.LANGUAGES.entries().items())).encode(), digest_size=8)
    for path in rule_files():
        digest.update(b"\0" + path.read_bytes())
    return digest.hexdigest()


class Rejects:
    """The rows that were left out: a file to which any number of processes append a line per row.

    Args:
        path: The file; made when the first row is noted.

    Example:
        >>> Rejects(Path("rejects.tsv")).summary("my-set")  # doctest: +SKIP
        'my-set: left out 14 rows (empty code 9, code cut off 5); they are listed in rejects.tsv'
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, file: str, row: int, reason: Reason) -> None:
        """Note a row. A line this short is written whole, also while other processes write."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as lines:
            lines.write(f"{reason.value}\t{row}\t{file}\n")

    def count(self) -> Counter[str]:
        """Return how many rows were left out, by reason; a row that was read several times counts once."""
        if not self.path.is_file():
            return Counter()
        with self.path.open(encoding="utf-8") as lines:
            return Counter(line.split("\t")[0] for line in set(lines))

    def summary(self, name: str) -> str | None:
        """Return one line on what was left out of the data set ``name``, or None if nothing was."""
        counts = self.count()
        if not counts:
            return None
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts.most_common())
        return f"{name}: left out {counts.total():,} rows ({reasons}); they are listed in {self.path}"


def _by_turns(
    bundle: Sequence[FilePart], kind: Layout, columns: Mapping[str, str]
) -> Iterator[tuple[FilePart, int, dict[str, Any] | BadRow]]:
    """Yield the rows of several parts, each spread evenly over the whole."""
    readers = [raw_rows(part, (*kind.columns, *kind.optional), columns) for part in bundle]
    turns = [(0.5 / max(part.rows, 1), index) for index, part in enumerate(bundle)]
    heapq.heapify(turns)
    while turns:
        progress, index = turns[0]
        part = bundle[index]
        if (following := next(readers[index], None)) is None:
            heapq.heappop(turns)
        else:
            heapq.heapreplace(turns, (progress + 1 / max(part.rows, 1), index))
            yield part, *following
