"""The same run on a Ray cluster: a Ray Data pipeline whose actors each work on a piece at a time.

The output folder must be on a file system that every machine of the cluster sees.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vincicoder.data import DataError
from vincicoder.errors import VinciCoderError

if TYPE_CHECKING:
    from data_recipes.pipeline import Job, Piece

CPUS = 4
"""CPUs of an actor, and so renders at a time. A machine with fewer has one actor with all of them."""


def run_pieces(job: Job, pieces: Sequence[Piece], address: str) -> Iterator[Mapping[str, Any]]:
    """Work on pieces side by side; yield the notes of their shards as pieces finish.

    Args:
        job: What is done to them; each actor gets a copy.
        pieces: What to work on.
        address: Of the cluster, as ``ray.init`` has it; ``local`` starts one.

    Raises:
        DataError: A piece cannot be worked on; the message is that of the error there.
    """
    import ray
    import ray.data

    if not pieces:
        return
    if not ray.is_initialized():
        dashboard = False if address == "local" else None
        ray.init(address=address, include_dashboard=dashboard, log_to_driver=False)
    most = int(max(node["Resources"].get("CPU", 1) for node in ray.nodes() if node["Alive"]))
    cpus = min(CPUS, most)
    actors = max(1, int(ray.cluster_resources().get("CPU", 1)) // cpus)
    rows = ray.data.from_items([{"index": piece.number} for piece in pieces], override_num_blocks=len(pieces))
    worked = rows.map_batches(
        _Worker,
        fn_constructor_args=(job._replace(folder=job.folder.resolve()), pieces, cpus),
        batch_size=1,
        num_cpus=cpus,
        concurrency=(1, min(actors, len(pieces))),
    )
    for row in worked.iter_rows():
        found = json.loads(row["found"])
        if "fault" in found:
            raise DataError(found["fault"])
        yield found


class _Worker:
    """One actor: its own renderers, kept from piece to piece."""

    def __init__(self, job: Job, pieces: Sequence[Piece], workers: int) -> None:
        self._job = job
        self._pieces = {piece.number: piece for piece in pieces}
        for step in job.steps:
            if hasattr(step, "workers"):
                step.workers = workers

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Return the notes, or the sentence of an error, as JSON: Ray's tables would give all of them the same keys."""
        from data_recipes.pipeline import run_piece

        found: list[dict[str, Any]] = []
        try:
            for index in batch["index"]:
                found += run_piece(self._job, self._pieces[int(index)])
        except VinciCoderError as error:
            found = [{"fault": str(error)}]
        return {"found": [json.dumps(each) for each in found]}
