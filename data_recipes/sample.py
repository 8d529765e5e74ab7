"""Records without duplicates, balanced by domain and difficulty: ``vincicoder data sample``.

A first pass reads only what was measured of every record (some 60 bytes a row stay in memory), a second one writes
those that were chosen. Which they are depends on their ids and the seed, not on order or number of files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data_recipes.measure import HASH_SIDE
from data_recipes.options import add_output, guarded, parser_of, positive, run_recipe
from data_recipes.pipeline import Piece, Row
from data_recipes.shards import describe_file, rows_of, shards_of
from data_recipes.sources.records import rows_in
from vincicoder.data import BadRow, DataError, Reason
from vincicoder.data.domains import DOMAINS

NEAR_BITS = 5
"""Bits by which fingerprints of pictures that count as equal may differ, of 256."""

_LEVELS = 3  # of difficulty
_BANDS = 8  # more than the bits that may differ, so that one of them is the same in both
_NEIGHBOURS = 12
_REASONS = (None, Reason.DUPLICATE_CODE, Reason.DUPLICATE_IMAGE, Reason.SIMPLE, Reason.NOT_SAMPLED, Reason.PASS_RATE)

Bytes = npt.NDArray[np.uint8]


@dataclass
class Index:
    """What is known of every record of a folder, in the order of its files.

    Attributes:
        paths: The files.
        starts: The number of each file's first record.
        domain: Place in ``DOMAINS``.
        tokens: Of the code.
        code: Digest of the code.
        picture: Fingerprints, ``[N, 32]``.
        rank: A random number of each record, its own for its id and the seed.
        verdict: Place in ``_REASONS``; 0 keeps the record.
    """

    paths: list[Path]
    starts: list[int]
    domain: Bytes
    tokens: npt.NDArray[np.int64]
    code: npt.NDArray[np.uint64]
    picture: Bytes
    rank: npt.NDArray[np.uint64]
    verdict: Bytes = field(init=False)

    def __post_init__(self) -> None:
        """Keep everything, for a start."""
        self.verdict = np.zeros(len(self.domain), np.uint8)

    @property
    def left(self) -> npt.NDArray[np.int64]:
        """Numbers of the records that are still in."""
        return np.flatnonzero(self.verdict == 0)

    def leave_out(self, rows: npt.NDArray[np.int64], reason: Reason) -> None:
        """Leave out records that are still in.

        Args:
            rows: Their numbers.
            reason: Why.
        """
        self.verdict[rows] = _REASONS.index(reason)


def read_index(folders: Sequence[Path], seed: int) -> Index:
    """Read what sampling needs of folders of records.

    Raises:
        DataError: A folder holds none, or records that were not measured by collect.
    """
    paths = [path for folder in folders for path in shards_of(folder)]
    tables = [_measured(path, seed) for path in paths]
    starts = list(accumulate(map(len, tables[:-1]), initial=0))
    whole = np.concatenate(tables)
    return Index(paths, starts, *(np.ascontiguousarray(whole[name]) for name in _MEASURED.names or ()))


_MEASURED = np.dtype(
    [
        *(("domain", "u1"), ("tokens", "i8"), ("code", "u8"), ("picture", "u1", (HASH_SIDE * HASH_SIDE // 8,))),
        ("rank", "u8"),
    ]
)
"""What is kept of a record; the fields are those of ``Index``."""


def _measured(path: Path, seed: int) -> npt.NDArray[Any]:
    rows = []
    for row in rows_of([path], ["id", "domain", "checks"]):
        try:
            domain, checks = DOMAINS.index(row["domain"]), json.loads(row["checks"])
            measures = checks["tokens"], int(checks["code_digest"], 16), list(bytes.fromhex(checks["phash"]))
        except KeyError as error:
            raise DataError(f"record {row['id']} in {path} lacks the check {error}; run it through collect") from error
        except (TypeError, ValueError) as error:
            raise DataError(f"record {row['id']} in {path} is none of collect's ({error}); run it through") from error
        digest = hashlib.blake2b(f"{seed}/{row['id']}".encode(), digest_size=8).digest()
        rows.append((domain, *measures, int.from_bytes(digest, "big")))
    return np.array(rows, _MEASURED)


def drop_equal_code(index: Index) -> None:
    """Leave out records whose code, but for comments and layout, an earlier one of the domain has."""
    left = index.left
    keys = np.stack([index.code[left], index.domain[left].astype(np.uint64)], axis=1)
    _, first = np.unique(keys, axis=0, return_index=True)
    index.leave_out(np.delete(left, first), Reason.DUPLICATE_CODE)


def drop_near_pictures(index: Index, bits: int = NEAR_BITS) -> None:
    """Leave out records whose picture looks like an earlier one's of the domain.

    Fingerprints that differ in less than eight of 256 bits agree in one of eight bands, so that sorting by each band
    brings them together; each is compared with a dozen neighbours.
    """
    left = index.left
    index.leave_out(left[near_duplicates(index.picture[left], index.domain[left], bits)], Reason.DUPLICATE_IMAGE)


def near_duplicates(picture: Bytes, group: Bytes, bits: int) -> npt.NDArray[np.bool_]:
    """Return which rows have an earlier one of their group within ``bits`` bits."""
    again = np.zeros(len(picture), bool)
    if not len(picture):
        return again
    # Near pictures with a last bit that differs sort together as well, being equal in the band's other bits.
    bands = np.split(picture, _BANDS, axis=1)
    for band in bands:
        keys = [picture[:, place] for place in reversed(range(picture.shape[1]))]
        order = np.lexsort([*keys, *(band[:, place] for place in reversed(range(band.shape[1]))), group])
        for shift in range(1, min(_NEIGHBOURS, len(order) - 1) + 1):
            a, b = order[shift:], order[:-shift]
            same = (group[a] == group[b]) & (band[a] == band[b]).all(axis=1)
            a, b = a[same], b[same]
            distance = _ONES[picture[a] ^ picture[b]].sum(axis=1)
            near = distance <= bits
            again[np.maximum(a, b)[near]] = True
    return again


_ONES = np.array([bin(number).count("1") for number in range(256)], np.uint16)


def balance(index: Index, total: int | None, shares: Mapping[str, float] | None) -> None:
    """Sample domains in shares, and of each domain as many easy, medium and hard records.

    Args:
        index: The records; those that are still in are sampled.
        total: Records wanted; None for as many as the shares allow.
        shares: Share of each domain; None leaves the domains as they are.
    """
    left = index.left
    rows = {name: left[index.domain[left] == place] for place, name in enumerate(DOMAINS)}
    wanted = quotas({name: len(each) for name, each in rows.items()}, total, shares)
    for name, each in rows.items():
        index.leave_out(_by_turns(index, each)[wanted[name] :], Reason.NOT_SAMPLED)


def quotas(present: Mapping[str, int], total: int | None, shares: Mapping[str, float] | None) -> dict[str, int]:
    """Return how many records of each domain to take.

    Raises:
        DataError: A share names no domain, or one that has no records.
    """
    if shares is None:
        whole = sum(present.values())
        shares = {name: count / whole for name, count in present.items() if count}
    lacking = [name for name, share in shares.items() if share > 0 and not present.get(name)]
    if lacking:
        there = ", ".join(f"{name} {count}" for name, count in present.items() if count)
        raise DataError(f"there are no records of {', '.join(lacking)} for their shares; there are: {there or 'none'}")
    part = sum(shares.values())
    if not part:
        return dict.fromkeys(present, 0)
    most = min(present[name] * part / share for name, share in shares.items() if share > 0)
    size = most if total is None else min(total, most)
    exact = {name: size * shares.get(name, 0) / part for name in present}
    counts = {name: int(number) for name, number in exact.items()}
    # What is lost by cutting off fractions goes to the largest of them.
    for name in sorted(exact, key=lambda name: counts[name] - exact[name])[: round(size) - sum(counts.values())]:
        counts[name] += 1
    return counts


def _by_turns(index: Index, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return rows by turns from the shortest, middle and longest third, each at random."""
    by_length = rows[np.lexsort((index.rank[rows], index.tokens[rows]))]
    thirds = [third[np.argsort(index.rank[third])] for third in np.array_split(by_length, _LEVELS)]
    turns = np.concatenate([np.arange(len(third)) for third in thirds])
    return np.concatenate(thirds)[np.argsort(turns, kind="stable")]


class Chosen:
    """The records of a folder, those that were not chosen as faults.

    Args:
        index: The folder's.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self.verdict = hashlib.blake2b(index.verdict.tobytes(), digest_size=8).hexdigest()

    def pieces(self) -> list[Piece]:
        """Return the files."""
        starts = [*self._index.starts, len(self._index.domain)]
        return [
            Piece(number, starts[number + 1] - starts[number], describe_file(path))
            for number, path in enumerate(self._index.paths)
        ]

    def read(self, piece: Piece) -> Iterator[Row]:
        """Yield the records of a file."""
        verdicts = self._index.verdict[self._index.starts[piece.number] :]
        for verdict, row in zip(verdicts, rows_in(self._index.paths[piece.number]), strict=False):
            reason = _REASONS[verdict]
            if reason is None:
                yield row
            else:
                yield row._replace(found=BadRow(reason, f"{reason.value} by the rules of sampling"))


def parse_shares(text: str | None) -> dict[str, float] | None:
    """Read shares such as ``chart=2,web=1``.

    Raises:
        DataError: They are not written like that.
    """
    if text is None:
        return None
    shares = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        try:
            shares[name.strip()] = float(number)
        except ValueError:
            shares[name.strip()] = -1.0
        if name.strip() not in DOMAINS or shares[name.strip()] < 0:
            raise DataError(f"share {part!r} is not DOMAIN=NUMBER with one of: {', '.join(DOMAINS)}")
    return shares


def add_choice(parser: argparse.ArgumentParser, shares: str) -> None:
    """Add from what to choose, and how much of it; ``shares`` says what their default is."""
    parser.add_argument("records", type=Path, nargs="+", metavar="FOLDER", help="folders of records that collect wrote")
    parser.add_argument("--total", type=positive, metavar="N", help="records wanted (default: as many as shares allow)")
    parser.add_argument("--shares", metavar="LIST", help=f"of domains, such as chart=2,web=1 (default: {shares})")
    add_output(parser)


def write_chosen(options: argparse.Namespace, index: Index) -> int:
    """Write the records that an index still has, and return the exit code."""
    return run_recipe(options, Chosen(index), [], total=options.total, shares=options.shares)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("sample", __doc__)
    add_choice(parser, "as they are")
    parser.add_argument("--near-bits", type=int, choices=range(_BANDS), default=NEAR_BITS, metavar="N",
                        help="by which equal pictures may differ, of 256 (default: 5)")  # fmt: skip
    options: argparse.Namespace = parser.parse_args(arguments)
    index = read_index(options.records, options.seed)
    drop_equal_code(index)
    drop_near_pictures(index, options.near_bits)
    balance(index, options.total, parse_shares(options.shares))
    return write_chosen(options, index)


if __name__ == "__main__":
    raise SystemExit(guarded(main))
