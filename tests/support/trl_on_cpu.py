"""Settings of TRL's trainer for a tiny model on CPUs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trl import GRPOConfig


def on_cpu(directory: Path, group: int, **given: Any) -> GRPOConfig:
    """Return the settings of a run that logs every step and saves nothing; a batch is one group of answers."""
    from trl import GRPOConfig

    return GRPOConfig(
        output_dir=str(directory / "out"),
        per_device_train_batch_size=group,
        num_generations=group,
        logging_steps=1,
        report_to=[],
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        save_strategy="no",
        **given,
    )
