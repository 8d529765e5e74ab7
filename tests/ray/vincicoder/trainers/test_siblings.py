"""A group spread over the processes of a Ray job: its scores meet in one actor."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from needed import needs
from repository import ROOT
from reward_files import PERFECT, PROSE

needs("ray")

RASTER = f'```html\n<html><img src="data:image/png;base64,{"A" * 4000}"></html>\n```'
GROUP = ["```html\n<html>page</html>\n```", RASTER, PROSE, RASTER]
"""Without a browser the first cannot be judged; the others need none."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    from started_ray import one_node

    with one_node(num_cpus=2):
        yield


def workers(count: int) -> list[Any]:
    """Return actors that score one sample at a time, as verl's reward workers do."""
    import ray

    class Worker:  # in here, so that Ray sends its code along
        def __init__(self, root: str) -> None:
            sys.path.append(root)
            from vincicoder.trainers import sample_scorer

            options = {"encoder": "embedded", "workers": 1, "cluster": False, "browser": "/nowhere/chromium"}
            self.score_sample = sample_scorer("", group_size=4, **options)

        async def score(self, response: str, row: dict[str, Any]) -> dict[str, float]:
            return await self.score_sample(response, [row])

    return [ray.remote(num_cpus=0)(Worker).remote(str(ROOT)) for _ in range(count)]


def test_a_fault_of_the_machine_gets_the_mean_of_its_own_siblings_in_other_processes(cluster, png):
    """Each of four processes has one response of one prompt, and one to another prompt that scores well."""
    import ray

    html, svg = ({"target": png, "language": each, "uid": each} for each in ("html", "svg"))
    actors = workers(4)  # kept: Ray ends an actor that nobody holds, and with it the table if that one began it
    calls = [
        worker.score.remote(response, row)
        for worker, member in zip(actors, GROUP, strict=True)
        for response, row in ((member, html), (PERFECT, svg))
    ]
    scores = ray.get(calls, timeout=240)
    overall = [each["overall"] for each in scores]
    assert overall[2::2] == pytest.approx([0.1, 0.0, 0.1])
    assert overall[0] == pytest.approx(0.2 / 3)
    assert min(overall[1::2]) > 0.95
    assert [each["infrastructure"] for each in scores] == [1, 0, 0, 0, 0, 0, 0, 0]
    assert not any(each["stand_in_unknown"] for each in scores)
