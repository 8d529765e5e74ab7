"""A clock for generated Python on which sleeping takes no time: the clock is put forward instead.

Code that sleeps would hold a worker at no cost to itself. A script that plays an animation by ``plt.pause`` goes
through all its frames at once, and its image is the one that it would have shown at the end.
"""

from __future__ import annotations

import sys
import time
from typing import Any

_CLOCKS = ("time", "monotonic", "perf_counter")


class _Clock:
    """Seconds slept so far, ahead of the real clocks."""

    def __init__(self) -> None:
        self._nanoseconds = 0
        self._yield = time.sleep

    def sleep(self, seconds: Any, /) -> None:
        """Put the clock forward, and let other threads run. What ``time.sleep`` refuses is refused here."""
        self._yield(min(seconds, 0))
        self._nanoseconds += int(seconds * 1e9)

    def advance(self, name: str) -> None:
        """Let a clock of the module ``time``, in seconds and in nanoseconds, run ahead by what was slept."""
        seconds, nanoseconds = getattr(time, name), getattr(time, f"{name}_ns")
        setattr(time, name, lambda: seconds() + self._nanoseconds / 1e9)
        setattr(time, f"{name}_ns", lambda: nanoseconds() + self._nanoseconds)


def install() -> None:
    """Replace ``time.sleep``, matplotlib's wait for events and the clocks, in this process, for good.

    ``time.time``, ``time.monotonic``, ``time.perf_counter`` and their ``_ns`` forms advance by the time slept, so that
    a loop that sleeps until a moment comes to an end. ``time.process_time`` and ``datetime`` do not.
    """
    clock = _Clock()
    for name in _CLOCKS:
        clock.advance(name)
    time.sleep = clock.sleep
    if "matplotlib.backend_bases" in sys.modules:
        canvas: Any = sys.modules["matplotlib.backend_bases"].FigureCanvasBase
        # With no time given it waits for a window's events, which never come.
        canvas.start_event_loop = lambda _, timeout=0: clock.sleep(max(timeout, 0))
