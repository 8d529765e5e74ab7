"""The batch of supervised fine-tuning: what was asked for in rows or tokens, as packed sequences."""

from __future__ import annotations

from dataclasses import dataclass

from vincicoder.planning.settings import ROWS, SEQUENCES, Rates, Run


@dataclass(frozen=True)
class Batch:
    """What one update trains on, and what was asked for.

    Attributes:
        sequences: Packed sequences, a whole number for each GPU unless they were asked for themselves.
        asked: Sequences that hold exactly what was asked for.
        rows: Rows that fit into ``sequences``, by their mean length.
        tokens: Tokens of ``sequences``, full ones.
    """

    sequences: int
    asked: float
    rows: float
    tokens: int

    @property
    def ratio(self) -> float:
        """How many times as much as was asked for."""
        return self.sequences / self.asked


def batch_of(run: Run, rates: Rates) -> Batch:
    """Convert the batch that was asked for into packed sequences.

    Rows and tokens become the nearest number of sequences that all GPUs can share, and at least one for each. A batch
    in sequences stays as it is; a plan then says if the GPUs cannot share it.

    Args:
        run: Of the stage "sft".
        rates: The mean length of a row.

    Example:
        >>> batch = batch_of(Run(stage="sft", gpus=8), Rates())
        >>> batch.sequences, round(batch.rows), round(batch.asked, 1)
        (16, 119, 17.2)
        >>> batch_of(Run(stage="sft", batch=128, batch_unit="sequences"), Rates()).tokens
        2097152
    """
    share = run.gpus * (run.micro_batch or 1)
    if run.batch_unit == SEQUENCES:
        asked = float(run.batch_size)
        sequences = run.batch_size
    else:
        tokens = run.batch_size * (rates.row_tokens if run.batch_unit == ROWS else 1)
        asked = tokens / run.packed
        sequences = max(1, int(asked / share + 0.5)) * share
    full = sequences * run.packed
    return Batch(sequences, asked, full / rates.row_tokens, full)
