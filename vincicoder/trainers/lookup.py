"""The rows of a data set that responses are to, for files of responses that hold no images."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.data.cells import beside
from vincicoder.data.errors import BadRow, DataError
from vincicoder.data.files import SUFFIXES, cut, find_files
from vincicoder.data.tables import raw_rows
from vincicoder.errors import TargetError
from vincicoder.images import target_key
from vincicoder.trainers.preview import PUBLIC, preview
from vincicoder.trainers.rows import NO_TARGET, request_from

if TYPE_CHECKING:
    from vincicoder.reward import RewardRequest

Asked = tuple[str | None, str | None]
"""A prompt and a reference."""

_MARK = re.compile(r"<[^<>\n]{1,40}>|\n")
"""Where a prompt is cut: templates of chats put their marks around the data's words, and for images into them."""

_SEVERAL = 2  # images of one prompt; more of them say no more


class DataRows:
    """The rows of a data set that some responses are to, by their reference and by the words of their prompt.

    Only these rows are kept, with the images that they hold.

    Args:
        paths: Files and directories of the data, in any layout that a trainer reads.
        asked: The prompt and the reference of each response, as far as they are known.

    Raises:
        DataError: A file is missing or cannot be read.

    Example:
        >>> rows = DataRows(["train.parquet"], [("Write SVG.", "<svg/>")])  # doctest: +SKIP
        >>> rows.find("Write SVG.", "<svg/>").target  # doctest: +SKIP
        b'...'
    """

    def __init__(self, paths: Sequence[str], asked: Iterable[Asked]) -> None:
        references, words = set(), set()
        for prompt, reference in asked:
            references.add(_plain(reference))
            words.update(_parts(prompt))
        self._by_reference: dict[str, RewardRequest] = {}
        self._by_words: defaultdict[str, defaultdict[str, dict[str, RewardRequest]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        for request in _requests(paths):
            reference, parts = _plain(request.reference), _parts(request.prompt)
            if reference and reference in references:
                self._by_reference.setdefault(reference, request)
            longest = max(parts, key=len, default="")
            if longest and longest in words:
                same = self._by_words[longest][" ".join(parts)]
                if len(same) < _SEVERAL:
                    same.setdefault(_image_key(request), request)

    def find(self, prompt: str | None, reference: str | None) -> RewardRequest | str:
        """Return the row that a response is to, or why there is none.

        Args:
            prompt: The prompt, perhaps inside the template of a chat.
            reference: The row's code; it decides where it is given.
        """
        if (named := self._by_reference.get(_plain(reference))) is not None:
            return named
        parts = _parts(prompt)
        whole = " ".join(parts)
        rows = {
            key: row
            for part in parts
            for words, same in self._by_words.get(part, {}).items()
            if words in whole
            for key, row in same.items()
        }
        if not rows:
            return "no row of the data has its reference or its prompt"
        if len(rows) > 1:
            return "its prompt is that of several images of the data, and no row has its reference"
        return next(iter(rows.values()))


def _requests(paths: Sequence[str]) -> Iterator[RewardRequest]:
    """Yield the rows of the data that have an image, as a trainer's adapter sees them."""
    for path in paths:
        for file in find_files(Path(path).expanduser()):
            if file.path.suffix not in SUFFIXES:
                raise DataError(f"{file.path} is no data set; give {' or '.join(SUFFIXES)} files")
            for part in cut([file], (), {}):
                for _, row in raw_rows(part, None, {}):
                    if isinstance(row, BadRow):
                        continue
                    request = request_from("", preview(_trainer_of(row), row))
                    if request.target is not NO_TARGET:
                        yield dataclasses.replace(request, target=beside(request.target, file.path.parent))


def _trainer_of(row: Mapping[str, Any]) -> str:
    return "verl" if "reward_model" in row else "easyr1" if set(PUBLIC) <= set(row) else "swift"


def _image_key(request: RewardRequest) -> str:
    try:
        return target_key(request.target)
    except TargetError:
        return str(request.target)


def _plain(code: str | None) -> str:
    return (code or "").strip()


def _parts(prompt: str | None) -> list[str]:
    return [part for each in _MARK.split(prompt or "") if (part := " ".join(each.split()))]
