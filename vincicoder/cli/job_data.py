"""The data of a training job, checked before it starts: columns, targets, languages, and what gold answers score."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vincicoder.cli.examination import Check, State
from vincicoder.data.errors import BadRow, DataError
from vincicoder.data.files import SUFFIXES, FilePart, cut, find_files, table_columns
from vincicoder.data.tables import raw_rows
from vincicoder.errors import TargetError, VinciCoderError
from vincicoder.images import open_target
from vincicoder.languages import LANGUAGES
from vincicoder.reward import RewardRequest
from vincicoder.reward.config import RewardConfig
from vincicoder.trainers.preview import NEEDED, preview
from vincicoder.trainers.rows import NO_LANGUAGE, NO_TARGET, request_from

_PARTS = 16
"""Row groups and files that a sample is taken from."""

_SHOWN = 3


class Sample(NamedTuple):
    """Rows of a job's data, as its reward will see them.

    Attributes:
        requests: Those that can be scored, by where they are; the response is empty.
        faults: What is wrong with the others, by where they are.
    """

    requests: dict[str, RewardRequest]
    faults: dict[str, str]


def read_sample(
    trainer: str,
    paths: Sequence[str],
    columns: Mapping[str, str],
    image_dir: str | None,
    rows: int,
) -> Sample:
    """Read some rows, from places spread over the data, and look at each as the trainer's adapter will.

    Args:
        trainer: Name of the trainer.
        paths: Files and directories.
        columns: Names of ours, and the columns of the files that stand for them.
        image_dir: Directory that relative paths of targets start from.
        rows: How many.

    Raises:
        DataError: A file cannot be read, or lacks columns.
    """
    renamed = {theirs: ours for ours, theirs in columns.items()}
    files = [file for path in paths for file in find_files(Path(path).expanduser())]
    for file in files:
        if file.path.suffix not in SUFFIXES:
            raise DataError(f"{file.path} cannot be looked at; give {' or '.join(SUFFIXES)} files, or leave --data out")
        _check_columns(trainer, file.path, table_columns(file.path), renamed)
    sample = Sample({}, {})
    for place, row in itertools.islice(_spread(cut(files, (), {}), renamed, rows), rows):
        if isinstance(row, BadRow):
            sample.faults[place] = str(row)
            continue
        request = request_from("", preview(trainer, row), image_dir)
        if fault := _fault(request):
            sample.faults[place] = fault
        else:
            sample.requests[place] = request
    return sample


def data_checks(trainer: str, sample: Sample) -> list[Check]:
    """Return a check of the rows, and one of their languages.

    Args:
        trainer: Name of the trainer.
        sample: Rows of its data.
    """
    total = len(sample.requests) + len(sample.faults)
    if not total:
        return [Check("data", State.MISSING, "there is no row in it", "give files with rows", True)]
    counts = Counter(request.language or "" for request in sample.requests.values())
    languages = ", ".join(f"{name} {count}" for name, count in counts.most_common())
    if not sample.faults:
        return [Check("data", State.OK, f"{total} rows looked at: {languages}", required=True)]
    shown = "; ".join(f"{place}: {fault}" for place, fault in itertools.islice(sample.faults.items(), _SHOWN))
    detail = f"{len(sample.faults)} of {total} rows cannot be scored. {shown}"
    # The trainers leave single rows out or give them 0; data that is bad throughout is a mistake.
    state = State.MISSING if 2 * len(sample.faults) >= total else State.WARNING
    return [Check("data", state, detail, "see the data section of the trainer's page in docs/", True)]


def gold_check(config: RewardConfig, sample: Sample, count: int, least: float) -> Check:
    """Return a check of what the references of some rows score when a model answers with them.

    Args:
        config: The reward's options.
        sample: Rows of the data.
        count: Most rows that are scored.
        least: What they must score, in [0, 1].
    """
    from vincicoder.reward.visual_reward import VisualReward

    known = {place: request for place, request in sample.requests.items() if request.reference}
    if not known:
        return Check("gold-answers", State.WARNING, "no row that was looked at has reference code")
    chosen = list(known)[:: max(1, len(known) // count)][:count]
    requests = [_answered(known[place]) for place in chosen]
    rendering = dataclasses.replace(config.rendering, workers=min(config.rendering.workers or 4, 4))
    try:
        with VisualReward(config.encoder, rendering=rendering, scoring=config.scoring, keep_renders="none") as reward:
            results = reward.score(requests)
    except VinciCoderError as error:
        return Check("gold-answers", State.MISSING, f"they cannot be scored: {error}", required=True)
    low = {
        place: f"{result.overall:.3f}" + (f" ({result.status.value}: {result.message})" if result.message else "")
        for place, result in zip(chosen, results, strict=True)
        if result.overall < least
    }
    median = statistics.median(result.overall for result in results)
    said = f"reference code of {len(chosen)} rows scores {median:.3f} in the median"
    if not low:
        return Check("gold-answers", State.OK, said, required=True)
    shown = "; ".join(f"{place}: {score}" for place, score in itertools.islice(low.items(), _SHOWN))
    detail = f"{said}; below {least:g} are {len(low)}. {shown}"
    fix = "make targets and references fit: `vincicoder data rl` keeps rows whose code gives their image"
    return Check("gold-answers", State.MISSING if median < least else State.WARNING, detail, fix, True)


def _check_columns(trainer: str, path: Path, found: Sequence[str], renamed: Mapping[str, str]) -> None:
    if unknown := [theirs for theirs in renamed if theirs not in found]:
        text = f"{path} has no column {', '.join(unknown)} but {', '.join(sorted(found)) or 'none'}"
        ours = {name for needed in NEEDED[trainer] for name in needed}
        turned = ",".join(f"{each}={renamed[each]}" for each in unknown if each in ours and renamed[each] in found)
        raise DataError(text + (f"; ours comes first, as in --columns {turned}" if turned else ""))
    present = {renamed.get(name, name) for name in found}
    if any(set(needed) <= present for needed in NEEDED[trainer]):
        return
    nearest = min(NEEDED[trainer], key=lambda needed: len(set(needed) - present))
    missing = ", ".join(name for name in nearest if name not in present)
    raise DataError(
        f"{path} has no column {missing} but {', '.join(sorted(present)) or 'none'}; {trainer} needs "
        f"{' or '.join(' + '.join(needed) for needed in NEEDED[trainer])}. Say which column stands for which, as in "
        f"--columns {nearest[0]}=question, or write the layout with `vincicoder data export`"
    )


def _spread(
    parts: Sequence[FilePart], columns: Mapping[str, str], rows: int
) -> Iterator[tuple[str, dict[str, Any] | BadRow]]:
    """Yield rows from the beginnings of parts that are spread over the data, with the place of each."""
    chosen = list(parts)[:: max(1, -(-len(parts) // _PARTS))]
    share = -(-rows // max(1, len(chosen)))
    for part in chosen:
        for number, row in itertools.islice(raw_rows(part, None, columns), share):
            yield f"{Path(part.path).name}, row {number}", row


def _fault(request: RewardRequest) -> str:
    """Return what is wrong with a row, or nothing."""
    if request.target is NO_TARGET:
        return "it has no target image"
    if request.language == NO_LANGUAGE:
        return "neither a column 'language' nor the prompt nor the reference's fence says the language"
    if request.language not in LANGUAGES:
        return LANGUAGES.unknown(str(request.language))
    try:
        open_target(request.target)
    except TargetError as error:
        return f"{error}; relative paths start from image_dir"
    return ""


def _answered(request: RewardRequest) -> RewardRequest:
    """Return the request of a model that answers with the reference."""
    return dataclasses.replace(request, response=f"```{request.language}\n{request.reference}\n```")
