"""What a run needs beside its GPUs: disk, and the memory of its nodes."""

from __future__ import annotations

from vincicoder.planning.memory import GIB, PRECISIONS, Split, host_bytes, lora_parameters
from vincicoder.planning.models import Shape
from vincicoder.planning.release import RELEASE
from vincicoder.planning.settings import RL, SFT, SWIFT, Run

SFT_CHECKPOINTS = 3  # SAVE_LIMIT of the scripts

# Assumed: an image of 1024 x 1024 as PNG, and the code. The demo set's rows have 15 KB, photographs of pages 500 KB.
ROW_BYTES = 100_000
# Assumed: torch, CUDA's libraries and the trainer's own objects in the process of a GPU, with a data loader; the engine
# that writes is another such process.
RANK_BYTES = 8 * GIB
ENGINE_BYTES = 6 * GIB
# Assumed. A chart's child shares what its fork server has loaded and adds less than 0.1; a browser has 0.3.
RENDER_BYTES = 0.25 * GIB


def kept_checkpoints(run: Run) -> int:
    """Return how many checkpoints are kept at a time."""
    return run.checkpoints or (RELEASE.save_limit if run.stage == RL else SFT_CHECKPOINTS)


def checkpoint_bytes(run: Run, shape: Shape) -> int:
    """Return the size of a checkpoint from which a run can go on: weights, and the optimizer's states.

    With LoRA, EasyR1 and verl save all weights and ms-swift those of the adapter alone.

    Example:
        >>> from vincicoder.planning.models import shape_of
        >>> round(checkpoint_bytes(Run(), shape_of("8b")) / 1e9)
        70
    """
    precision = PRECISIONS[run.framework]
    if not run.lora_rank:
        return shape.parameters * (precision.weights + precision.optimizer)
    trained = lora_parameters(shape, run.lora_rank)
    weights = trained if run.framework == SWIFT else shape.parameters + trained
    return weights * precision.weights + trained * precision.optimizer


def disk_bytes(run: Run, shape: Shape) -> float:
    """Return the disk that a run fills: its checkpoints and one that is being written, the model, the data.

    Example:
        >>> from vincicoder.planning.models import shape_of
        >>> round(disk_bytes(Run(checkpoints=2), shape_of("8b")) / 1e9)
        232
    """
    checkpoints = (kept_checkpoints(run) + 1) * checkpoint_bytes(run, shape)
    return checkpoints + 2.0 * shape.parameters + ROW_BYTES * run.row_count


def node_bytes(run: Run, shape: Shape, split: Split) -> float:
    """Return the memory that a node needs: what leaves its GPUs, and its processes."""
    processes: float = RANK_BYTES * run.local_gpus
    if run.stage != SFT:
        # ms-swift writes in the process that trains.
        processes += (0 if run.framework == SWIFT else ENGINE_BYTES * run.local_gpus) + RENDER_BYTES * run.cpus
    return host_bytes(run, shape, split) + processes
