"""The loop over a file of requests: skip what is done, write each result as it comes, add everything up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from vincicoder.cli.requests_file import Broken, RequestsFile, Row

if TYPE_CHECKING:
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
) -> None:
    """Score a file of requests; memory does not grow with its length.

    Args:
        reward: What scores.
        requests: What to score.
        results: Where results go, and where those of an earlier run are taken from.
        report: Gets every result.
        summary: Gets every result; what was added stays if this is interrupted.
        limit: Only this many requests from the top of the file.
        progress: Called for each request that is finished, with whether it was scored now.
        complain: Called with a sentence for each broken line.
    """
    under_way: dict[int, Row] = {}

    def finish(row: Row, result: Mapping[str, Any], render: Any, fresh: bool) -> None:
        summary.add(result, row.labels)
        if report is not None:
            report.add(
                result,
                target=row.request.target,
                response=row.request.response,
                render=render,
                labels=row.labels,
                number=row.number,
                key=row.key,
            )
        progress(fresh)

    def pending() -> Iterator[RewardRequest]:
        begun = 0
        for seen, row in enumerate(requests):
            if limit is not None and seen >= limit:
                return
            if isinstance(row, Broken):
                summary.broken += 1
                complain(f"{requests.path}, line {row.number}: {row.reason}")
                progress(False)
                continue
            earlier = results.take(row.key) if results is not None else None
            if earlier is not None:
                finish(row, earlier, None, fresh=False)
                continue
            under_way[begun] = row
            begun += 1
            yield row.request

    for index, result in reward.stream(pending()):
        row = under_way.pop(index)
        record = result.to_dict()
        if results is not None:
            results.write(row.key, {"line": row.number, **row.labels, **record})
        finish(row, record, result.render, fresh=True)
