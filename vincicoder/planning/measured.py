"""What a response costs: the measured numbers that plans and the simulation of a step start from.

They are CPU seconds of one core. ``docs/benchmarks.md`` has the commands that measure them on your machine.
"""

from __future__ import annotations

from collections.abc import Mapping

# benchmarks/render_cost.py, the medians of 48 renders each: 24 public files of Python and 12 of each other language.
RENDER_SECONDS: Mapping[str, float] = {"python": 0.089, "html": 0.082, "svg": 0.0055, "latex": 0.142}
"""A render by language."""

# benchmarks/server_cpu.py beside 2,000 processes.
SERVER_SECONDS: Mapping[str, float] = {"python": 0.0018, "html": 0.0010, "svg": 0.0002, "latex": 0.0019}
"""What a fork server does for a render, one after the other."""

# benchmarks/scorer_cost.py counts it, for charts of 1280 x 960.
SCORER_SECONDS = 0.0025
"""What the process that scores does for a response, one after the other, under the interpreter's lock."""

SCORER_ON_RAY_SECONDS = 0.0020
"""The same where the encoder's process cuts the images."""

SCORER_ROBUST_SECONDS = 0.0026
"""What the components of ``robust`` add to it: 5.5 in place of 3.0 ms, for samples of all languages with references."""

CUTTING_SECONDS = 0.021
"""What the process that scores does for a response without that lock: to resize and cut images."""
