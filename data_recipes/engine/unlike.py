"""Records that are nearly the samples of a benchmark, and so must not be trained on.

Images are compared by their perceptual hashes, as ``vincicoder eval audit`` does. Code is compared by its runs of five
tokens, without comments and layout: two pieces are near if they share 85 % of all their runs. So a copy with another
colour, label or number is found.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data_recipes.engine.index import Index
from data_recipes.engine.shards import rows_of
from vincicoder.data import DataError, Reason, Record
from vincicoder.data.files import SUFFIXES, table_columns
from vincicoder.data.layouts import layout_of
from vincicoder.data.measure import code_digest, fingerprint
from vincicoder.errors import TargetError
from vincicoder.evaluation.contamination import NEAR_BITS, SHORTEST_CODE, records_in
from vincicoder.images import open_target
from vincicoder.languages import LANGUAGES, find_language

NEAR_CODE = 0.85
"""Share of the runs of tokens of two pieces of code, each run counted once, that is in both if they are near."""

_RUN = 5  # tokens
_LEAST_RUNS = 20  # that code must have to be near anything; shorter code must be equal
_COMMON = 100  # pieces of code that have a run; one that more of them have tells nothing
_CANDIDATES = 8  # that share most runs are compared
_TOKEN = re.compile(r"\w+|[^\w\s]")
_IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")

Bytes = npt.NDArray[np.uint8]


class KeptOut:
    """Images and code that training data must not be like.

    Args:
        places: Files and directories: data in any layout, and image and code files.

    Raises:
        DataError: There is neither an image nor code.

    Example:
        >>> KeptOut([Path("examples/samples/svg")]).has_code("<svg>…</svg>", "svg")  # doctest: +SKIP
        True
    """

    def __init__(self, places: Sequence[Path]) -> None:
        hashes: list[Bytes] = []
        self._digests: set[str] = set()
        self._runs: list[frozenset[int]] = []
        self._with_run: dict[int, list[int]] = {}
        for place in places:
            before = len(hashes), len(self._digests)
            for image, code, language in _pieces(place):
                if image is not None and image.any():  # a blank page is like any other
                    hashes.append(image)
                if code and len(code) >= SHORTEST_CODE:
                    self._add_code(code, language)
            if (len(hashes), len(self._digests)) == before:
                raise DataError(f"{place} holds neither images nor code; give data in any layout, or such files")
        self._hashes = np.unique(np.stack(hashes), axis=0) if hashes else np.zeros((0, 32), np.uint8)

    def _add_code(self, code: str, language: str) -> None:
        digest = code_digest(code, language)
        if digest not in self._digests:
            self._digests.add(digest)
            runs = _runs_of(code, language)
            self._runs.append(runs)
            for run in runs:
                self._with_run.setdefault(run, []).append(len(self._runs) - 1)

    def has_image(self, image: Bytes) -> bool:
        """Return whether a fingerprint is near that of one of the images."""
        return bool(image.any() and (_ONES[self._hashes ^ image].sum(axis=1) <= NEAR_BITS).any())

    def has_code(self, code: str, language: str) -> bool:
        """Return whether code is near one of the pieces of code."""
        if len(code) < SHORTEST_CODE:
            return False
        if code_digest(code, language) in self._digests:
            return True
        runs = _runs_of(code, language)
        if len(runs) < _LEAST_RUNS:
            return False
        shared: Counter[int] = Counter()
        for run in runs:
            others = self._with_run.get(run, ())
            if len(others) <= _COMMON:
                shared.update(others)
        candidates = (self._runs[number] for number, _ in shared.most_common(_CANDIDATES))
        return any(len(runs & other) >= NEAR_CODE * len(runs | other) for other in candidates)


def drop_like(index: Index, places: Sequence[Path]) -> None:
    """Leave out records whose image or code is nearly one in some places.

    Args:
        index: The records.
        places: Files and directories; see `KeptOut`.

    Raises:
        DataError: One of them cannot be read.
    """
    if not places:
        return
    kept_out = KeptOut(places)
    left = index.left
    near = np.array([kept_out.has_image(image) for image in index.image[left]], bool)
    index.leave_out(left[near], Reason.LIKE_IMAGE)
    rows = rows_of(index.paths, ["code", "language"])
    like = [
        number
        for number, row in enumerate(rows)
        if not index.verdict[number] and kept_out.has_code(row["code"], row["language"])
    ]
    index.leave_out(np.array(like, np.int64), Reason.LIKE_CODE)


_ONES = np.array([bin(number).count("1") for number in range(256)], np.uint16)


def _pieces(place: Path) -> Iterator[tuple[Bytes | None, str | None, str]]:
    """Yield the image's fingerprint, the code and its language of every sample; each may be missing."""
    if not place.exists():
        raise DataError(f"{place} does not exist; give a file or directory of what must be kept out")
    suffixes = {suffix: language.name for language in LANGUAGES.values() for suffix in language.suffixes}
    files = sorted(each for each in place.rglob("*") if each.is_file()) if place.is_dir() else [place]
    loose = [each for each in files if each.suffix.lower() in (*_IMAGES, *suffixes)]
    tables = [each for each in files if each.suffix in SUFFIXES]
    # Beside image and code files, a table of no layout is a list of them; alone, it is an error that names its columns.
    known = [each for each in tables if not loose or layout_of(table_columns(each)) is not None]
    for _, record in records_in(known):
        if record is not None:
            yield _image_of(record), record.code, record.language
    for path in loose:
        if path.suffix.lower() in _IMAGES:
            yield fingerprint(open_target(path)), None, ""
        else:
            yield None, path.read_text(encoding="utf-8", errors="replace"), suffixes[path.suffix.lower()]


def _image_of(record: Record) -> Bytes | None:
    try:
        return fingerprint(open_target(record.target))
    except TargetError:
        return None


def _runs_of(code: str, language: str) -> frozenset[int]:
    """Return the runs of tokens of code without its comments, as numbers that only this process knows."""
    known = find_language(language)
    text = known.comments.sub("", code) if known and known.comments else code
    tokens = _TOKEN.findall(text)
    return frozenset(hash(tuple(tokens[at : at + _RUN])) for at in range(len(tokens) - _RUN + 1))
