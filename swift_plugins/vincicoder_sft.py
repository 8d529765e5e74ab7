"""Data sets for ms-swift: ``--external_plugins swift_plugins/vincicoder_sft.py --dataset vincicoder-sft``.

====================== ======================== ===========================================================
data set               local directory          rows
====================== ======================== ===========================================================
``vincicoder-sft``     ``VINCICODER_SFT_DATA``  the public set for fine-tuning
``vincicoder-rl``      ``VINCICODER_RL_DATA``   the public set for GRPO: ``solution`` instead of an answer
``vincicoder-records`` ``VINCICODER_RECORDS_DATA``  your own: the columns of ``vincicoder.data.record``
====================== ======================== ===========================================================

``VINCICODER_HELD_OUT=0.001`` keeps the rows of one image in a thousand out of ``vincicoder-sft`` and
``vincicoder-records``; ``vincicoder-sft-held-out`` and ``vincicoder-records-held-out`` are these rows.
``VINCICODER_PART=2/8`` is the second of eight parts of the files, so that eight machines can each prepare one.

Without the variable the public sets are downloaded: with ``--use_hf true`` from Hugging Face, where they are known to
be, else from ModelScope under the same ids, which nobody has confirmed.
A directory may also be named itself, if its last part is the name of the set's repository. What is registered here is
only how ms-swift asks; the rules are in ``vincicoder.data``.
"""

from __future__ import annotations

import atexit
import dataclasses
import hashlib
import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, IterableDataset, Value
from datasets.exceptions import DatasetGenerationError
from modelscope.hub.utils.utils import get_cache_dir
from swift.dataset import DatasetMeta, RowPreprocessor, SubsetDataset, register_dataset
from swift.dataset.dataset_syntax import DatasetSyntax
from swift.dataset.loader import DatasetLoader
from swift.utils import get_logger, is_master, safe_ddp_context

if importlib.util.find_spec("vincicoder") is None:  # cloned, not installed
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from vincicoder.data import DataError
from vincicoder.data.files import SUBSETS, FilePart, cut, find_files, mix, name_patterns, parse_subsets, select
from vincicoder.data.layouts import LAYOUTS
from vincicoder.data.public import RL_SOURCE, SFT_SOURCE
from vincicoder.data.reading import Rejects, Split, read_rows, rules_digest

logger = get_logger()

_HELD_OUT, _PART = "VINCICODER_HELD_OUT", "VINCICODER_PART"


@dataclasses.dataclass(frozen=True)
class Source:
    """One of the data sets.

    Attributes:
        name: What ``--dataset`` calls it.
        variable: The environment variable that names a local directory.
        layout: Of its rows; a name of ``vincicoder.data.layouts.LAYOUTS``.
        repository: Its id on the hubs, or None if it is on none.
        answered: Whether its rows hold the answer.
        held_out: Whether its rows are those that ``VINCICODER_HELD_OUT`` keeps from training.
    """

    name: str
    variable: str
    layout: str
    repository: str | None = None
    answered: bool = True
    held_out: bool = False

    @property
    def other_side(self) -> Source:
        """The rows of this set that are held out."""
        return dataclasses.replace(self, name=f"{self.name}-held-out", held_out=True)


_SFT = Source("vincicoder-sft", "VINCICODER_SFT_DATA", "sft", SFT_SOURCE)
_RL = Source("vincicoder-rl", "VINCICODER_RL_DATA", "rl", RL_SOURCE, answered=False)
_RECORDS = Source("vincicoder-records", "VINCICODER_RECORDS_DATA", "records")
SOURCES = (_SFT, _RL, _RECORDS, _SFT.other_side, _RECORDS.other_side)


class VinciCoderLoader(DatasetLoader):
    """Load one of ``SOURCES``; a subclass for each says which."""

    source: Source

    def load(
        self,
        dataset_syntax: DatasetSyntax | None = None,
        dataset_meta: DatasetMeta | None = None,
        *,
        use_hf: bool | None = None,
    ) -> Dataset | IterableDataset:
        """Return the rows of the subsets that ``dataset_syntax`` names; a fault of the data ends the program."""
        assert dataset_syntax is not None
        try:
            return self._load(dataset_syntax, bool(use_hf))
        except (DataError, DatasetGenerationError) as error:
            if sentence := _sentence(error):
                # For the user of a command line it is all there is to know, so no traceback goes with it.
                raise SystemExit(f"{self.source.name}: {sentence}") from error
            raise

    def _load(self, syntax: DatasetSyntax, use_hf: bool) -> Dataset | IterableDataset:
        subsets = parse_subsets(syntax.subsets, self.source.name)
        root = self._directory(syntax.dataset, subsets, use_hf)
        files = find_files(root)
        layout = LAYOUTS.get(self.source.layout)
        if layout.classified:
            unknown = [file.path.name for file in files if file.domain == "others"]
            if unknown and is_master():
                logger.warning_once(
                    f"{self.source.name}: the names of {len(unknown)} files tell no domain, so their rows are in the "
                    f"subsets default and others: {', '.join(unknown[:10])}{', …' if len(unknown) > 10 else ''}"
                )
            files = select(files, subsets, root)
        pieces = _own_part(cut(files, layout.columns, self.columns or {}))
        arguments = self._arguments(pieces, subsets)
        rejects = Rejects(Path(arguments["rejects"]))
        if next(read_rows(**arguments), None) is None:
            why = rejects.summary(root.name) or f"none is of the subset; there are {', '.join(SUBSETS)}"
            if self.source.held_out:
                why = f"none is held out; {_HELD_OUT} is {_held_out():g}, so hold out more, or do not evaluate on them"
            raise DataError(f"no row in {root} can be used: {why}")
        dataset = self._build(arguments)
        if is_master() and not self.source.held_out:  # the other side tells of all
            if self.streaming:
                atexit.register(_report, self.source.name, rejects)
            else:
                _report(self.source.name, rejects)
        return dataset

    def _directory(self, asked: str, subsets: Sequence[str], use_hf: bool) -> Path:
        """Return where the data is, having downloaded what the subsets need if it is on a hub."""
        if Path(asked).exists():
            return Path(asked).resolve()
        if local := os.environ.get(self.source.variable):
            return Path(local).expanduser().resolve()
        repository = self.source.repository
        if repository is None:
            raise DataError(f"set {self.source.variable} to a directory with your records, as Parquet or JSONL")
        patterns = name_patterns(subsets) if LAYOUTS.get(self.source.layout).classified else name_patterns(["default"])
        try:
            with safe_ddp_context(asked, True):
                return Path(_download(repository, patterns, use_hf, self.hub_token))
        except Exception as error:
            hub = "Hugging Face" if use_hf else "ModelScope"
            why = " ".join(f"{type(error).__name__}: {error}".split())
            raise DataError(
                f"{repository} cannot be downloaded from {hub} ({why}); "
                f"set {self.source.variable} to a local directory, or try the other hub with --use_hf"
            ) from error

    def _arguments(self, pieces: list[FilePart], subsets: tuple[str, ...]) -> dict[str, Any]:
        """Return the arguments of ``read_rows``; ms-swift's cache goes by them."""
        arguments: dict[str, Any] = {
            "bundles": mix(pieces) if self.streaming else [(piece,) for piece in pieces],
            "layout": self.source.layout,
            "subsets": subsets,
            "columns": self.columns or {},
            "answered": self.source.answered,
            "strict": self.strict,
            "rules": rules_digest(),
            "split": Split(_held_out(), self.source.held_out) if self.source.answered else Split(),
        }
        digest = hashlib.blake2b(repr(arguments).encode(), digest_size=12).hexdigest()
        # A stream notes what this run comes across; a table is read once for all runs, and its notes are kept with it.
        note = f"stream-{digest}-{os.getpid()}.tsv" if self.streaming else f"{digest}.tsv"
        path = Path(get_cache_dir()) / "datasets" / "vincicoder" / note
        if self.streaming:
            path.unlink(missing_ok=True)
        return arguments | {"rejects": str(path)}

    def _build(self, arguments: dict[str, Any]) -> Dataset | IterableDataset:
        if self.streaming:
            dataset = IterableDataset.from_generator(read_rows, gen_kwargs=arguments)
        else:
            features = self._features(self.source.answered)
            with safe_ddp_context(None, True):
                dataset = Dataset.from_generator(
                    read_rows,
                    features=features,
                    cache_dir=str(Path(get_cache_dir()) / "datasets"),
                    gen_kwargs=arguments,
                    num_proc=min(self.num_proc or 1, len(arguments["bundles"])),
                )
        if self.remove_unused_columns and self.source.answered:
            dataset = dataset.select_columns(["messages", "images", "channel"])
        return dataset

    @staticmethod
    def _features(answered: bool) -> Features:
        """Return the types that ms-swift gives its columns, so that these rows can be mixed with any other set's."""
        row = {"messages": [{"role": "user", "content": ""}], "images": [{"bytes": b"", "path": ""}]}
        features = RowPreprocessor()(Dataset.from_list([row]), num_proc=None, load_from_cache_file=False).features
        kept = {name: features[name] for name in row}
        names = ("solution", "language", "channel") if answered else ("solution", "language")
        return Features({**kept, **{name: Value("string") for name in names}})


def _held_out() -> float:
    """Return the share of images that are held out."""
    given = os.environ.get(_HELD_OUT) or "0"
    try:
        share = float(given)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise DataError(f"{_HELD_OUT} is {given!r}; expected a number from 0 to below 1, such as 0.001")
    return share


def _own_part(pieces: list[FilePart]) -> list[FilePart]:
    """Return what is this machine's to read: all, or every n-th piece."""
    given = os.environ.get(_PART) or "1/1"
    found = re.fullmatch(r"(\d+)/(\d+)", given)
    number, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= count:
        raise DataError(f"{_PART} is {given!r}; expected a part and how many there are, such as 2/8")
    if count > len(pieces):
        raise DataError(f"{_PART} is {given!r}, but the files have only {len(pieces)} row groups to share")
    return pieces[number - 1 :: count]


def _download(repository: str, patterns: list[str], use_hf: bool, token: str | None) -> str:
    """Download files of a data set, those that are there already not again, and return their directory."""
    if use_hf:
        from huggingface_hub import snapshot_download

        return snapshot_download(repository, repo_type="dataset", allow_patterns=patterns, token=token)
    from modelscope import dataset_snapshot_download

    return str(dataset_snapshot_download(repository, allow_patterns=patterns, token=token))


def _sentence(error: Exception) -> str | None:
    """Return what a ``DataError`` says, or one that was raised while the library ``datasets`` was at work."""
    if isinstance(error, DataError):
        return str(error)
    if isinstance(error.__cause__, DataError):
        return str(error.__cause__)
    # What was raised in another process arrives as the text of its traceback.
    found = re.search(rf"{DataError.__name__}: (.*)", str(error.__cause__))
    return found[1] if found else None


def _report(name: str, rejects: Rejects) -> None:
    if summary := rejects.summary(name):
        logger.warning(summary)


def _register(source: Source) -> None:
    # A directory that is named itself is found by the last part of the id, and is the side that is trained on.
    known = source.name if source.held_out or source.repository is None else source.repository
    register_dataset(
        DatasetMeta(
            dataset_name=source.name,
            ms_dataset_id=known,
            hf_dataset_id=known,
            subsets=[SubsetDataset(name=name, subset=name) for name in SUBSETS],
            loader=type(f"{source.name.title().replace('-', '')}Loader", (VinciCoderLoader,), {"source": source}),
            tags=["vision", "code"],
            huge_dataset=source.layout == "sft",
        ),
        exist_ok=True,
    )


for _source in SOURCES:
    _register(_source)
