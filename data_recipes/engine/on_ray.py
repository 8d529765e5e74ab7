"""The same run on a Ray cluster: a Ray Data pipeline whose actors each work on one unit at a time.

The output directory must be on a file system that every machine of the cluster sees.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from data_recipes.engine.units import Job, Unit, run_unit
from vincicoder.data import DataError
from vincicoder.errors import VinciCoderError

CPUS = 4
"""CPUs of an actor, and so renders at a time. A machine with fewer has one actor with all of them."""


def run_units(job: Job, units: Sequence[Unit], address: str) -> Iterator[Mapping[str, Any]]:
    """Work on units in parallel; yield the notes of their shards as units finish.

    Args:
        job: What is done to them; each actor gets a copy.
        units: What to work on.
        address: Of the cluster, as ``ray.init`` has it; ``local`` starts one.

    Raises:
        DataError: A unit failed; the message is that of the error there.
    """
    import ray
    import ray.data

    if not units:
        return
    if not ray.is_initialized():
        dashboard = False if address == "local" else None
        ray.init(address=address, include_dashboard=dashboard, log_to_driver=False)
    most = int(max(node["Resources"].get("CPU", 1) for node in ray.nodes() if node["Alive"]))
    cpus = min(CPUS, most)
    actors = max(1, int(ray.cluster_resources().get("CPU", 1)) // cpus)
    rows = ray.data.from_items([{"index": unit.number} for unit in units], override_num_blocks=len(units))
    worked = rows.map_batches(
        _Worker,
        fn_constructor_args=(job._replace(directory=job.directory.resolve()), units, cpus),
        batch_size=1,
        num_cpus=cpus,
        concurrency=(1, min(actors, len(units))),
    )
    for row in worked.iter_rows():
        found = json.loads(row["found"])
        if "fault" in found:
            raise DataError(found["fault"])
        yield found


class _Worker:
    """One actor: its own renderers, kept from unit to unit."""

    def __init__(self, job: Job, units: Sequence[Unit], workers: int) -> None:
        self._job = job
        self._units = {unit.number: unit for unit in units}
        for step in job.steps:
            if hasattr(step, "workers"):
                step.workers = workers

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Return the notes, or the sentence of an error, as JSON: Ray's tables would give all of them the same keys."""
        found: list[dict[str, Any]] = []
        try:
            for index in batch["index"]:
                found += run_unit(self._job, self._units[int(index)])
        except VinciCoderError as error:
            found = [{"fault": str(error)}]
        return {"found": [json.dumps(each) for each in found]}
