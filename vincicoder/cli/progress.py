"""A bar on standard error, and complaints above it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vincicoder.reporting.printable import printable

_SHOWN_COMPLAINTS = 20


@contextmanager
def shown_progress(
    total: int | None, unit: str, label: str = ""
) -> Iterator[tuple[Callable[[bool], object], Callable[[str], object]]]:
    """Show a bar with the rate and the time left.

    Args:
        total: How much there is to do; None if nobody knows.
        unit: What is counted, in the singular.
        label: Stands before the bar.

    Yields:
        What to call for each thing that is done, with whether it was done now and not by an earlier run; and what to
        call with each complaint, of which the first few are shown.
    """
    from tqdm import tqdm

    often = 0.1 if sys.stderr.isatty() else 30.0  # seconds between updates; a log file needs few
    complaints = 0
    with tqdm(
        total=total,
        unit=unit,
        desc=label or None,
        file=sys.stderr,
        dynamic_ncols=True,
        mininterval=often,
        smoothing=0.1,
    ) as bar:

        def progress(fresh: bool) -> None:
            if fresh:
                bar.update()
            else:  # not this run's work, so not in its rate
                bar.initial += 1
                bar.n += 1

        def complain(message: str) -> None:
            nonlocal complaints
            complaints += 1
            if complaints <= _SHOWN_COMPLAINTS:
                bar.write(printable(f"vincicoder: {message}"), file=sys.stderr)

        yield progress, complain
    if complaints > _SHOWN_COMPLAINTS:
        print(f"vincicoder: and {complaints - _SHOWN_COMPLAINTS} more such lines", file=sys.stderr)
