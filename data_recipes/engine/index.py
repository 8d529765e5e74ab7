"""What sampling knows of every record, and which are left out: duplicates, and what is too much of a kind.

Of a record some 60 bytes are kept. Which records are chosen depends on their ids and the seed, not on the order or
number of files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data_recipes.engine.shards import rows_of, shards_of
from vincicoder.data import DataError, Reason
from vincicoder.data.domains import DOMAINS
from vincicoder.data.measure import HASH_SIDE

NEAR_BITS = 5
"""Bits by which fingerprints of images that count as equal may differ, of 256."""

_LEVELS = 3  # of difficulty
BANDS = 8
"""Parts of a fingerprint: more than the bits that may differ, so that one of them is the same in both."""

_NEIGHBOURS = 12
REASONS = (
    *(None, Reason.DUPLICATE_CODE, Reason.DUPLICATE_IMAGE, Reason.SIMPLE, Reason.NOT_SAMPLED),
    *(Reason.PASS_RATE, Reason.ALIKE, Reason.HEADROOM, Reason.LIKE_IMAGE, Reason.LIKE_CODE),
)

Bytes = npt.NDArray[np.uint8]


@dataclass
class Index:
    """What is known of every record of some directories, in the order of its files.

    Attributes:
        paths: The files.
        starts: The number of each file's first record.
        domain: Index in ``DOMAINS``.
        tokens: Of the code.
        code: Digest of the code.
        image: Fingerprints of the images, ``[N, 32]``.
        rank: A random number of each record, its own for its id and the seed.
        verdict: Index in ``REASONS``; 0 keeps the record.
    """

    paths: list[Path]
    starts: list[int]
    domain: Bytes
    tokens: npt.NDArray[np.int64]
    code: npt.NDArray[np.uint64]
    image: Bytes
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
        self.verdict[rows] = REASONS.index(reason)


def read_index(directories: Sequence[Path], seed: int) -> Index:
    """Read what sampling needs of directories of records.

    Raises:
        DataError: A directory holds none, or records that were not measured by collect.
    """
    paths = [path for directory in directories for path in shards_of(directory)]
    tables = [_measured(path, seed) for path in paths]
    starts = list(accumulate(map(len, tables[:-1]), initial=0))
    whole = np.concatenate(tables)
    return Index(paths, starts, *(np.ascontiguousarray(whole[name]) for name in _MEASURED.names or ()))


_MEASURED = np.dtype(
    [
        *(("domain", "u1"), ("tokens", "i8"), ("code", "u8"), ("image", "u1", (HASH_SIDE * HASH_SIDE // 8,))),
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
            raise DataError(
                f"record {row['id']} in {path} was not written by collect ({error}); run it through collect"
            ) from error
        digest = hashlib.blake2b(f"{seed}/{row['id']}".encode(), digest_size=8).digest()
        rows.append((domain, *measures, int.from_bytes(digest, "big")))
    return np.array(rows, _MEASURED)


def drop_equal_code(index: Index) -> None:
    """Leave out records whose code, but for comments and layout, an earlier one of the domain has."""
    left = index.left
    keys = np.stack([index.code[left], index.domain[left].astype(np.uint64)], axis=1)
    _, first = np.unique(keys, axis=0, return_index=True)
    index.leave_out(np.delete(left, first), Reason.DUPLICATE_CODE)


def drop_near_images(index: Index, bits: int = NEAR_BITS) -> None:
    """Leave out records whose image looks like an earlier one's of the domain.

    Fingerprints that differ in less than eight of 256 bits agree in one of eight bands, so that sorting by each band
    brings them together; each is compared with a dozen neighbours.
    """
    left = index.left
    index.leave_out(left[near_duplicates(index.image[left], index.domain[left], bits)], Reason.DUPLICATE_IMAGE)


def near_duplicates(image: Bytes, group: Bytes, bits: int) -> npt.NDArray[np.bool_]:
    """Return which rows have an earlier one of their group within ``bits`` bits."""
    again = np.zeros(len(image), bool)
    if not len(image):
        return again
    # Near images with a last bit that differs sort together as well, being equal in the band's other bits.
    bands = np.split(image, BANDS, axis=1)
    for band in bands:
        keys = [image[:, place] for place in reversed(range(image.shape[1]))]
        order = np.lexsort([*keys, *(band[:, place] for place in reversed(range(band.shape[1]))), group])
        for shift in range(1, min(_NEIGHBOURS, len(order) - 1) + 1):
            a, b = order[shift:], order[:-shift]
            same = (group[a] == group[b]) & (band[a] == band[b]).all(axis=1)
            a, b = a[same], b[same]
            distance = _ONES[image[a] ^ image[b]].sum(axis=1)
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
        raise DataError(
            f"--shares names {', '.join(lacking)}, but there are no such records; there are: {there or 'none'}"
        )
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
