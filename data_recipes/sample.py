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
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data_recipes.measure import HASH_SIDE
from data_recipes.options import add_output, guarded, parser_of, run_recipe
from data_recipes.pipeline import Piece, Row
from data_recipes.shards import rows_of, shards_of
from vincicoder.data import BadRow, DataError, Reason, Record
from vincicoder.data.record import DOMAINS

NEAR_BITS = 5
"""Bits by which fingerprints of pictures that count as equal may differ, of 256."""

LEVELS = ("easy", "medium", "hard")

_BANDS = NEAR_BITS + 3
_NEIGHBOURS = 12
_REASONS = (None, Reason.DUPLICATE_CODE, Reason.DUPLICATE_PICTURE, Reason.SIMPLE, Reason.NOT_SAMPLED, Reason.PASS_RATE)

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
        pass_rate: Share of a policy's samples that passed; NaN where it is not known.
        verdict: Place in ``_REASONS``; 0 keeps the record.
    """

    paths: list[Path]
    starts: list[int]
    domain: Bytes
    tokens: npt.NDArray[np.int64]
    code: npt.NDArray[np.uint64]
    picture: Bytes
    rank: npt.NDArray[np.uint64]
    pass_rate: npt.NDArray[np.float32]
    verdict: Bytes = field(init=False)

    def __post_init__(self) -> None:
        """Keep everything, for a start."""
        self.verdict = np.zeros(len(self.domain), np.uint8)

    def leave_out(self, chosen: npt.NDArray[np.bool_], reason: Reason) -> None:
        """Leave out those of the chosen records that are still in."""
        self.verdict[chosen & (self.verdict == 0)] = _REASONS.index(reason)


def read_index(folders: Sequence[Path], seed: int) -> Index:
    """Read what sampling needs of folders of records.

    Raises:
        DataError: A folder holds none, or records that were not measured by collect.
    """
    paths = [path for folder in folders for path in shards_of(folder)]
    tables = [_measured(path, seed) for path in paths]
    lengths = [len(table) for table in tables]
    starts = [sum(lengths[:number]) for number in range(len(lengths))]
    whole = np.concatenate(tables)
    return Index(paths, starts, *(np.ascontiguousarray(whole[name]) for name in _MEASURED.names or ()))


_MEASURED = np.dtype(
    [
        *(("domain", "u1"), ("tokens", "i8"), ("code", "u8"), ("picture", "u1", (HASH_SIDE * HASH_SIDE // 8,))),
        *(("rank", "u8"), ("pass_rate", "f4")),
    ]
)
"""What is kept of a record; the fields are those of ``Index``."""


def _measured(path: Path, seed: int) -> npt.NDArray[Any]:
    rows = []
    for row in rows_of([path], ["id", "domain", "checks"]):
        checks = json.loads(row["checks"])
        try:
            measures = checks["tokens"], int(checks["code_digest"], 16), list(bytes.fromhex(checks["phash"]))
        except KeyError as error:
            raise DataError(f"record {row['id']} in {path} lacks the check {error}; run it through collect") from error
        digest = hashlib.blake2b(f"{seed}/{row['id']}".encode(), digest_size=8).digest()
        rate = checks.get("pass_rate", np.nan)
        rows.append((DOMAINS.index(row["domain"]), *measures, int.from_bytes(digest, "big"), rate))
    return np.array(rows, _MEASURED)


def drop_equal_code(index: Index) -> None:
    """Leave out records whose code, but for comments and layout, an earlier one of the domain has."""
    keys = np.stack([index.code, index.domain.astype(np.uint64)], axis=1)
    _, first = np.unique(keys, axis=0, return_index=True)
    again = np.ones(len(keys), bool)
    again[first] = False
    index.leave_out(again, Reason.DUPLICATE_CODE)


def drop_near_pictures(index: Index, bits: int = NEAR_BITS) -> None:
    """Leave out records whose picture looks like an earlier one's of the domain.

    Fingerprints that differ in at most ``NEAR_BITS`` of 256 bits agree in one of eight bands, so that sorting by each
    band brings them together; each is compared with a dozen neighbours.
    """
    index.leave_out(near_duplicates(index.picture, index.domain, bits), Reason.DUPLICATE_PICTURE)


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
    alive = index.verdict == 0
    present = {name: int((alive & (index.domain == place)).sum()) for place, name in enumerate(DOMAINS)}
    wanted = quotas(present, total, shares)
    for place, name in enumerate(DOMAINS):
        rows = np.flatnonzero(alive & (index.domain == place))
        if len(rows) > wanted[name]:
            kept = _by_level(index, rows, wanted[name])
            left = np.zeros(len(alive), bool)
            left[rows] = True
            left[kept] = False
            index.leave_out(left, Reason.NOT_SAMPLED)


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
    most = min(present[name] * part / share for name, share in shares.items() if share > 0) if part else 0
    size = most if total is None else min(total, most)
    return {name: round(size * shares.get(name, 0) / part) if part else 0 for name in present}


def _by_level(index: Index, rows: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """Return ``count`` of the rows: by turns from the shortest, middle and longest third, each at random."""
    by_length = rows[np.lexsort((index.rank[rows], index.tokens[rows]))]
    thirds = [third[np.argsort(index.rank[third])] for third in np.array_split(by_length, len(LEVELS))]
    turns = [(place, level) for level, third in enumerate(thirds) for place in range(len(third))]
    turns.sort()
    return np.array([thirds[level][place] for place, level in turns[:count]], np.int64)


class Chosen:
    """The records of a folder, those that were not chosen as faults.

    Args:
        index: The folder's.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        kept = int((index.verdict == 0).sum())
        self.rule = f"{kept} of {len(index.verdict)}, checksum {int((index.verdict * (index.rank % 251)).sum())}"

    def pieces(self) -> list[Piece]:
        """Return the files."""
        starts = [*self._index.starts, len(self._index.domain)]
        return [
            Piece(number, starts[number + 1] - start, (f"{path.parent.name}/{path.name}", start))
            for number, (path, start) in enumerate(zip(self._index.paths, starts, strict=False))
        ]

    def read(self, piece: Piece) -> Iterator[Row]:
        """Yield the records of a file."""
        for offset, row in enumerate(rows_of([self._index.paths[piece.number]])):
            reason = _REASONS[self._index.verdict[piece.where[1] + offset]]
            if reason is None:
                yield Row(row["id"], Record.from_dict(row))
            else:
                yield Row(row["id"], BadRow(reason, f"{reason.value} by the rules of sampling"))


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("sample", __doc__)
    parser.add_argument("records", type=Path, nargs="+", metavar="FOLDER", help="folders of records that collect wrote")
    parser.add_argument("--total", type=int, metavar="N", help="records wanted (default: as many as shares allow)")
    parser.add_argument("--shares", metavar="LIST", help="of domains, such as chart=2,web=1 (default: as they are)")
    parser.add_argument("--near-bits", type=int, default=NEAR_BITS, metavar="N", help="0 drops equal fingerprints only")
    add_output(parser)
    options: argparse.Namespace = parser.parse_args(arguments)
    index = read_index(options.records, options.seed)
    drop_equal_code(index)
    drop_near_pictures(index, options.near_bits)
    balance(index, options.total, parse_shares(options.shares))
    return run_recipe(options, Chosen(index), [], total=options.total, shares=options.shares)


if __name__ == "__main__":
    raise SystemExit(guarded(main))
