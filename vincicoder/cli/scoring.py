"""The loop over a file of requests: skip what is done, write each result as it comes, add everything up."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from vincicoder.cli.requests_file import RequestsFile, Row
from vincicoder.reward import RewardResult
from vincicoder.reward.combine import STEP
from vincicoder.reward.settings import reweighed
from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image

    from vincicoder.reporting import Report, ResultsFile, Summary
    from vincicoder.reward import RewardRequest, VisualReward


def score_file(
    reward: VisualReward,
    requests: RequestsFile,
    results: ResultsFile | None,
    report: Report | None,
    summary: Summary,
    limit: int | None = None,
    progress: Callable[[bool], object] = lambda fresh: None,
    complain: Callable[[str], object] = lambda message: None,
) -> int:
    """Score a file of requests; memory does not grow with its length.

    Args:
        reward: What scores.
        requests: What to score.
        results: Where results go, and where those of an earlier run are taken from.
        report: Gets every result.
        summary: As well; what was added stays if this is interrupted.
        limit: Only this many requests from the top of the file.
        progress: Called for each line that is finished, with whether it was scored now.
        complain: Called with a sentence for each broken line.

    Returns:
        How many earlier results got ``overall`` anew from their components, as the weights were others.
    """
    under_way: dict[int, Row] = {}
    anew: list[int] = []

    def finish(row: Row, record: Mapping[str, Any], render: Image.Image | None, fresh: bool) -> None:
        summary.add(record, row.labels)
        _show(report, row, record, render)
        progress(fresh)

    def keep(row: Row, result: RewardResult, fresh: bool) -> None:
        record = {"line": row.number, **row.labels, "language_from": row.language_from, **result.to_dict()}
        if results is not None:
            results.write(row.key, record)
        finish(row, record, result.image(), fresh)

    def pending() -> Iterator[RewardRequest]:
        begun = 0
        for row in itertools.islice(requests, limit):
            if row.problem:
                complain(f"{requests.path}, {row.problem}")
                keep(row, _refused(row, reward), fresh=False)
            elif results is not None and (earlier := results.take(row.key)) is not None:
                record = reweighed(earlier, reward.config.scoring, row.request.metadata.get(STEP))
                if record != earlier:
                    results.write(row.key, record)
                    anew.append(row.number)
                finish(row, record, None, fresh=False)
            else:
                under_way[begun] = row
                begun += 1
                yield row.request

    for index, result in reward.stream(pending()):
        keep(under_way.pop(index), result, fresh=True)
    return len(anew)


def _show(report: Report | None, row: Row, record: Mapping[str, Any], render: Image.Image | None) -> None:
    if report is None:
        return
    report.add(
        record,
        target=row.request.target,
        response=row.request.response,
        render=render,
        labels=row.labels,
        number=row.number,
        key=row.key,
    )


def _refused(row: Row, reward: VisualReward) -> RewardResult:
    """Return the result of a line that is no request, with the keys of all others."""
    preset = reward.config.scoring.preset
    return RewardResult.failed(row.request, Status.BAD_REQUEST, row.problem, encoder=reward.encoder, preset=preset)
