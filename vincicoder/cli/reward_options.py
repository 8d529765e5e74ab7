"""The reward's options on the command line."""

from __future__ import annotations

import argparse
from typing import Any

from vincicoder.cli.parser import positive, positive_int
from vincicoder.rendering.config import Limits

DEFAULT_ENCODER = "facebook/dinov2-large"

LIMITS = tuple(Limits.__dataclass_fields__)
_REWARD_OPTIONS = (
    *("encoder", "device", "dtype", "preset", "alignment_weight", "coarse_weight", "batch_tiles", "workers"),
    *("python", "browser", *LIMITS),
)
NOT_IN_DIGEST = ("device", "dtype", "batch_tiles", "workers")  # speed, not scores


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the reward that were given."""
    given = {name: getattr(options, name) for name in _REWARD_OPTIONS if getattr(options, name) is not None}
    return {**given, "require_fence": not options.no_fence}


def add_scoring_options(group: Any) -> None:
    """Add the flags that say how code is judged."""
    add = group.add_argument
    add("--encoder", metavar="NAME", help=f"hub id, directory, timm:NAME or embedded (default: {DEFAULT_ENCODER})")
    add("--device", metavar="NAME", help="cpu, cuda, cuda:1, ... (default: a GPU if there is one)")
    add("--dtype", metavar="NAME", help="float32, float16 or bfloat16 (default: by device)")
    add("--preset", metavar="NAME", help="scoring rules (default: paper)")
    add("--alignment-weight", type=float, metavar="W", help="share of alignment in overall (default: 0.1)")
    add("--coarse-weight", type=float, metavar="W", help="share of coarse in visual (default: as one tile more)")
    add("--no-fence", action="store_true", help="also accept SVG, HTML and LaTeX documents without a code fence")
    add("--batch-tiles", type=positive_int, metavar="N", help="tiles that the encoder takes at once (default: 64)")


def add_rendering_options(group: Any) -> None:
    """Add the flags that say how code is rendered."""
    add = group.add_argument
    add("--workers", type=positive_int, metavar="N", help="renders at a time (default: one per CPU)")
    add("--python", metavar="PATH", help="interpreter that runs generated Python (default: this one)")
    add("--browser", metavar="PATH", help="Chromium that renders HTML (default: search for one)")
    add("--allow-unsandboxed", action="store_true", help="run generated code unconfined; it can do what you can")
    limits = Limits()
    for name, what in (
        ("cpu_seconds", "CPU time of one render, s"),
        ("wall_seconds", "wall time of one render, s"),
        ("memory_mb", "memory of one render, MiB"),
        ("output_mb", "what one render may write, MiB"),
        ("pixels", "largest image, pixels"),
        ("tasks", "processes and threads of one render"),
    ):
        default = getattr(limits, name)
        check = positive_int if isinstance(default, int) else positive
        add(f"--{name.replace('_', '-')}", type=check, metavar="N", help=f"{what} (default: {default:g})")
