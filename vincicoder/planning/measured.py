"""What a response costs: the measured numbers that plans and the simulation of a step start from.

They are CPU seconds of one core. ``docs/benchmarks.md`` has the commands that measure them on your machine.
"""

from __future__ import annotations

from collections.abc import Mapping

# benchmarks/render_cost.py, the medians of 12 public files of each language, twice each.
RENDER_SECONDS: Mapping[str, float] = {"python": 0.096, "html": 0.131, "svg": 0.0053, "latex": 0.240}
"""A render by language."""

# benchmarks/server_cpu.py beside 2,000 processes.
SERVER_SECONDS: Mapping[str, float] = {"python": 0.0044, "html": 0.0045, "svg": 0.0005, "latex": 0.0045}
"""What a fork server does for a render, one after the other."""

# benchmarks/scorer_cost.py counts it; on the busy machine of that day 3.0 and 2.4 ms for charts of 1280 x 960, which is
# 0.70 and 0.81 times what the commit before took beside it, and that took 3.9 and 2.8 ms on a quiet one.
SCORER_SECONDS = 0.0028
"""What the process that scores does for a response, one after the other, under the interpreter's lock."""

SCORER_ON_RAY_SECONDS = 0.0023
"""The same where the encoder's process cuts the images."""

SCORER_ROBUST_SECONDS = 0.0026
"""What the components of ``robust`` add to it: 5.5 in place of 3.0 ms, for samples of all languages with references."""

CUTTING_SECONDS = 0.021
"""What the process that scores does for a response without that lock: to resize and cut images."""
