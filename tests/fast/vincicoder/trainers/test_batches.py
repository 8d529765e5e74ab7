"""What a log says of a batch as a whole: percentiles, the range of rewards, means by domain, the queue."""

from __future__ import annotations

import pytest

from vincicoder.status import Status
from vincicoder.trainers import means, metrics_of_batch, sums_of, sums_of_batch
from vincicoder.trainers.members import Member
from vincicoder.trainers.metrics import Metrics, metrics_from


def sample(overall: float, status: Status = Status.OK, render: float = 0.0, queue: int = 1) -> Metrics:
    scores = {"overall": overall, "execution": float(status is Status.OK)}
    return metrics_from(scores, status, ["paper"], {"render": render, "wait": 2 * render}, queue=queue)


def test_percentiles_are_those_of_the_judged_samples() -> None:
    judged = [sample(number / 100, render=number, queue=number) for number in range(101)]
    broken = [sample(0.0, Status.INFRASTRUCTURE, render=1000.0)] * 50
    found = metrics_of_batch([Member("a", "svg", 0.0)] * 151, judged + broken)
    assert found["p5/overall"] == pytest.approx(0.05)
    assert found["p95/overall"] == pytest.approx(0.95)
    assert (found["p50/seconds_render"], found["p95/seconds_render"]) == (50, 95)
    assert (found["p50/seconds_wait"], found["p95/queue"]) == (100, 95)


def test_a_domain_has_the_means_of_its_own_samples_over_all_batches() -> None:
    web, chart = Member("a", "web", 0.0), Member("b", "chart", 0.0)
    first = sums_of([sample(0.2), sample(0.4)]) + sums_of_batch([web, chart], [sample(0.2), sample(0.4)])
    failed = sample(0.0, Status.TIMEOUT)
    second = sums_of([failed]) + sums_of_batch([web], [failed])
    found = means(first + second)
    assert found["domain/web/overall"] == pytest.approx(0.1)
    assert found["domain/web/execution"] == 0.5
    assert found["domain/chart/overall"] == pytest.approx(0.4)
    assert found["overall"] == pytest.approx(0.2)


def test_a_batch_in_which_nothing_could_be_judged_says_nothing() -> None:
    assert metrics_of_batch([Member("a", "web", None)], [sample(0.0, Status.BAD_TARGET)]) == {}
