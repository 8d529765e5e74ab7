"""What a run of ``swift sft`` trains on, for ms-swift: ``--external_plugins`` this file ``--callbacks vincicoder_sft``.

Before the run it says how many rows, sequences and tokens there are, and how many updates they make. Each line of the
log then holds the ``rows`` and ``tokens`` seen so far, exact ones. Each checkpoint holds what its run trains on, and a
run that is resumed from it ends at once if it would go on with other data, another packing, or another number of GPUs:
ms-swift skips as many batches as were seen, and only with the same batches are these the rows that were seen.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from swift.callbacks import callbacks_map
from swift.callbacks.base import TrainerCallback
from swift.dataloader import BatchSamplerShard
from swift.utils import get_logger

logger = get_logger()

FILE = "vincicoder_sft.json"
"""In a checkpoint: the :class:`Schedule` of its run."""


@dataclasses.dataclass(frozen=True)
class Schedule:
    """What an epoch consists of, and how it is dealt to the processes.

    Attributes:
        rows: Of the data, in all sequences.
        tokens: In all sequences; None if no row was encoded.
        sequences: Packed ones; without packing, rows.
        processes: One for each GPU.
        micro_batch: Sequences of a process at a time.
        accumulation: Micro batches of an update.
        seed: Of the order.
        packing: A digest of which row is in which sequence, and of their lengths.
    """

    rows: int
    tokens: int | None
    sequences: int
    processes: int
    micro_batch: int
    accumulation: int
    seed: int
    packing: str

    @property
    def batch(self) -> int:
        """Sequences of an update."""
        return self.processes * self.micro_batch * self.accumulation

    @property
    def left_over(self) -> int:
        """Sequences at the end that no epoch has, as all processes take equally many."""
        return self.sequences % self.processes

    @property
    def updates(self) -> int:
        """Updates of an epoch; the last one may have fewer sequences."""
        return math.ceil(math.ceil(self.sequences // self.processes / self.micro_batch) / self.accumulation)

    def differences(self, before: dict[str, Any]) -> list[str]:
        """Return what differs from an earlier schedule, as its JSON has it."""
        now = dataclasses.asdict(self)
        return [f"{name} was {before[name]} and is {now[name]}" for name in now if before.get(name) != now[name]]


class _Order(BatchSamplerShard):
    """The sequences of an epoch in the order in which all processes together see them."""

    rank, world_size = 0, 1


class VinciCoderRun(TrainerCallback):
    """Say what the run trains on, count it, and keep a resumed run from going on with something else."""

    def __init__(self, args: Any, trainer: Any) -> None:
        super().__init__(args, trainer)
        self.schedule: Schedule | None = None
        self._seen: dict[int, npt.NDArray[np.int64]] = {}

    def on_init_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Find the schedule; it is known before the model is trained or a checkpoint loaded."""
        self.schedule = schedule_of(self.trainer.train_dataset, args)
        if self.schedule is None:
            return
        if args.resume_from_checkpoint and not args.ignore_data_skip:
            self._compare(Path(args.resume_from_checkpoint), state.is_world_process_zero)
        if state.is_world_process_zero:
            logger.info(described(self.schedule, args.max_steps, args.num_train_epochs))

    def _compare(self, checkpoint: Path, speaks: bool) -> None:
        assert self.schedule is not None
        try:
            before = json.loads((checkpoint / FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            logger.warning(f"vincicoder-sft: {checkpoint} does not say what it was trained on; rows may come twice")
            return
        if found := self.schedule.differences(before):
            sentence = (
                f"vincicoder-sft: {checkpoint} cannot be resumed with these data and settings, as rows would come "
                f"twice or not at all: {'; '.join(found)}. Use those of before, or start from its weights with --model"
            )
            raise SystemExit(sentence if speaks else 1)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Put the schedule into the checkpoint."""
        if self.schedule is not None and state.is_world_process_zero:
            text = json.dumps(dataclasses.asdict(self.schedule), indent=2) + "\n"
            (Path(args.output_dir) / f"checkpoint-{state.global_step}" / FILE).write_text(text, encoding="utf-8")

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Add the rows and tokens that were seen up to this update."""
        if self.schedule is None or logs is None or "loss" not in logs:
            return
        rows, tokens = self.seen(state.global_step)
        logs["rows"] = rows
        if self.schedule.tokens is not None:
            logs["tokens"] = tokens

    def seen(self, updates: int) -> tuple[int, int]:
        """Return how many rows and tokens all processes together have seen after so many updates."""
        assert self.schedule is not None
        epochs, rest = divmod(updates, self.schedule.updates)
        taken = [self._counts(epoch)[-1] for epoch in range(epochs)]
        if rest:
            taken.append(self._counts(epochs)[rest * self.schedule.batch - 1])
        rows, tokens = np.sum(taken, axis=0) if taken else (0, 0)
        return int(rows), int(tokens)

    def _counts(self, epoch: int) -> npt.NDArray[np.int64]:
        """Return rows and tokens after each sequence of an epoch, in the order in which they are seen."""
        schedule = self.schedule
        assert schedule is not None
        if epoch not in self._seen:
            order = _Order(
                schedule.sequences - schedule.left_over,
                batch_size=1,
                shuffle=self.args.train_dataloader_shuffle,
                drop_last=False,
                data_seed=self.args.data_seed,
            )
            order.set_epoch(epoch)
            self._seen[epoch] = np.cumsum(self._sizes()[[index for [index] in order]], axis=0)
        return self._seen[epoch]

    def _sizes(self) -> npt.NDArray[np.int64]:
        """Return rows and tokens of each sequence."""
        dataset = self.trainer.train_dataset
        if not hasattr(dataset, "packed_idx"):
            return np.ones((len(dataset), 2), np.int64)
        return np.array([(len(rows), n) for rows, n in zip(dataset.packed_idx, dataset.packed_length, strict=True)])


def schedule_of(dataset: Any, args: Any) -> Schedule | None:
    """Return the schedule of a run; None for a stream, whose length nobody knows.

    Args:
        dataset: What ms-swift trains on.
        args: Its training arguments.
    """
    if not hasattr(dataset, "__len__"):
        return None
    rows, tokens, digest = len(dataset), None, ""
    if hasattr(dataset, "packed_idx"):
        rows, tokens = sum(map(len, dataset.packed_idx)), sum(dataset.packed_length)
        packing = json.dumps([dataset.packed_idx, dataset.packed_length])
        digest = hashlib.blake2b(packing.encode(), digest_size=8).hexdigest()
    return Schedule(
        rows=rows,
        tokens=tokens,
        sequences=len(dataset),
        processes=args.world_size,
        micro_batch=args.per_device_train_batch_size,
        accumulation=args.gradient_accumulation_steps,
        seed=args.data_seed or 0,
        packing=digest,
    )


def described(schedule: Schedule, max_steps: int, epochs: float) -> str:
    """Return a schedule in words.

    Args:
        schedule: Of an epoch.
        max_steps: Updates of the run, if above 0.
        epochs: Of the run otherwise.
    """
    mean = schedule.rows / schedule.sequences
    text = f"vincicoder-sft: an epoch has {schedule.rows:,} rows in {schedule.sequences:,} sequences"
    batch = f"an update {schedule.batch:,} sequences, about {schedule.batch * mean:,.0f} rows"
    if schedule.tokens is not None:
        text += f", {schedule.tokens:,} tokens"
        batch += f" and {schedule.batch * schedule.tokens / schedule.sequences:,.0f} tokens"
    updates = max_steps if max_steps > 0 else math.ceil(epochs * schedule.updates)
    text += f"; {batch}; {schedule.updates:,} updates an epoch, {updates:,} in all"
    if schedule.left_over:
        left = schedule.left_over
        text += f"; the last {left:,} left over in each epoch, about {left * mean:,.0f} rows"
    return text


callbacks_map["vincicoder_sft"] = VinciCoderRun
