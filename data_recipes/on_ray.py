"""The same run on a Ray cluster: a Ray Data pipeline whose actors each work on a piece at a time.

The output folder must be on a file system that every machine of the cluster sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_recipes.pipeline import Piece, Source, Step

CPUS = 4
"""CPUs of an actor, and so renders at a time. A machine with fewer has one actor with all of them."""


def run_pieces(
    source: Source, steps: Sequence[Step], pieces: Sequence[Piece], folder: Path, address: str
) -> Iterator[Mapping[str, Any]]:
    """Work on pieces side by side; yield the notes of their shards as pieces finish.

    Args:
        source: Where the records come from.
        steps: What is done to them; each actor gets a copy.
        pieces: What to work on.
        folder: Where the shards go.
        address: Of the cluster, as ``ray.init`` has it; ``local`` starts one.
    """
    import ray
    import ray.data

    if not ray.is_initialized():
        dashboard = False if address == "local" else None
        ray.init(address=address, include_dashboard=dashboard, log_to_driver=False)
    most = int(max(node["Resources"].get("CPU", 1) for node in ray.nodes() if node["Alive"]))
    cpus = min(CPUS, most)
    actors = max(1, int(ray.cluster_resources().get("CPU", 1)) // cpus)
    rows = ray.data.from_items([{"index": piece.number} for piece in pieces], override_num_blocks=len(pieces))
    worked = rows.map_batches(
        _Worker,
        fn_constructor_args=(source, steps, pieces, str(folder.resolve()), cpus),
        batch_size=1,
        num_cpus=cpus,
        concurrency=(1, min(actors, len(pieces))),
    )
    for row in worked.iter_rows():
        yield row["note"]


class _Worker:
    """One actor: its own renderers, kept from piece to piece."""

    def __init__(
        self, source: Source, steps: Sequence[Step], pieces: Sequence[Piece], folder: str, workers: int
    ) -> None:
        self._source = source
        self._steps = steps
        self._pieces = {piece.number: piece for piece in pieces}
        self._folder = Path(folder)
        for step in steps:
            if hasattr(step, "workers"):
                step.workers = workers

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        from data_recipes.pipeline import run_piece

        notes = [
            note
            for index in batch["index"]
            for note in run_piece(self._source, self._steps, self._pieces[int(index)], self._folder)
        ]
        return {"note": notes}
