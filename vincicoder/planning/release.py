"""The settings of the public release's reinforcement learning, each with the place that says so."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

SCRIPT, CONFIG, CODE = "script", "config", "code"
"""Places in the public release, commit dbe1e94: its script ``examples/qwen3vl_8b_vincicder.sh``, which overrides its
``examples/config.yaml``, which overrides the defaults in the code of its fork of EasyR1, ``verl/``."""


def _said(source: str, value: Any) -> Any:
    return field(default=value, metadata={"source": source})


@dataclass(frozen=True)
class Release:
    """What the release trained with. The names are those of `vincicoder.planning.profiles.SETTINGS`.

    Example:
        >>> Release().prompts, source_of("prompts")
        (256, 'script')
    """

    prompts: int = _said(SCRIPT, 256)
    responses: int = _said(CONFIG, 8)
    update_prompts: int = _said(SCRIPT, 256)
    passes: int = _said(CODE, 1)
    epochs: int = _said(CONFIG, 1)
    max_prompt: int = _said(CONFIG, 6144)
    filter_prompts: bool = _said(CONFIG, False)
    max_response: int = _said(CONFIG, 10240)
    # A test holds them equal to those of verl's layout, whose import would bring numpy to every command's start.
    min_pixels: int = _said(CONFIG, 262_144)
    max_pixels: int = _said(CONFIG, 4_194_304)
    shuffle: bool = _said(CONFIG, True)

    advantage: str = _said(CONFIG, "grpo")
    scaled: str = _said(CODE, "group")
    std_epsilon: float = _said(CODE, 1e-6)
    clip_low: float = _said(CODE, 0.2)
    clip_high: float = _said(CODE, 0.3)
    clip_dual: float = _said(CODE, 3.0)
    mean: str = _said(CODE, "token")
    kl: bool = _said(SCRIPT, False)
    entropy: float = _said(CODE, 0.0)
    correction: bool = _said(CODE, False)
    truncated: str = _said(CODE, "zero")

    optimizer: str = _said(SCRIPT, "adamw_bf16")
    learning_rate: float = _said(CONFIG, 1e-6)
    schedule: str = _said(CODE, "constant")
    warmup: float = _said(CONFIG, 0.0)
    betas: tuple[float, float] = _said(CODE, (0.9, 0.999))
    adam_epsilon: float = _said(CODE, 1e-8)
    weight_decay: float = _said(CONFIG, 1e-2)
    gradient_norm: float = _said(CONFIG, 1.0)
    freeze_vision: bool = _said(CONFIG, False)
    checkpointing: bool = _said(CONFIG, True)

    temperature: float = _said(CONFIG, 1.0)
    top_p: float = _said(CONFIG, 1.0)
    tensor_parallel: int = _said(SCRIPT, 4)
    gpu_memory: float = _said(SCRIPT, 0.35)
    batched_tokens: int = _said(SCRIPT, 22_528)
    offload: bool = _said(CONFIG, True)

    nodes: int = _said(SCRIPT, 2)
    node_gpus: int = _said(SCRIPT, 8)
    reward_cpus: int = _said(SCRIPT, 80)
    remote_code: bool = _said(CONFIG, False)
    validation: bool = _said(CONFIG, False)
    save_steps: int = _said(CONFIG, 5)
    save_limit: int = _said(SCRIPT, 30)


RELEASE = Release()


def source_of(name: str) -> str:
    """Return the place in the release that sets a value: "script", "config" or "code".

    Args:
        name: Of the value, as in `Release`.
    """
    [found] = [each for each in dataclasses.fields(Release) if each.name == name]
    source: str = found.metadata["source"]
    return source
