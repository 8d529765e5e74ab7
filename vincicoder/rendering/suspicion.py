"""When renders fail one after the other, is it the code or the renderer? Says when to find out."""

from __future__ import annotations

import threading

from vincicoder.status import Fault, Status

_MACHINE, _ANY = 4, 8


class Suspicion:
    """Counts how many renders of one language have failed in a row. Thread-safe.

    A renderer whose programs or files are gone fails in ways that code can fail too. So its sample is worth another
    render after a few faults of the machine, or some more failures of any kind. Each time that clears the renderer, the
    next one is twice as far off, so that a model that gets nothing right costs little more; one success starts over.

    Example:
        >>> suspicion = Suspicion()
        >>> [suspicion.aroused(Status.INFRASTRUCTURE) for _ in range(4)]
        [False, False, False, True]
        >>> suspicion.aroused(Status.OK)
        False
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start_over()

    def _start_over(self) -> None:
        self._weight = 0.0
        self._patience = 1

    def aroused(self, status: Status) -> bool:
        """Note how a render ended; return whether the sample should be rendered now."""
        with self._lock:
            if status is Status.OK:
                self._start_over()
                return False
            self._weight += 1 / _MACHINE if status.fault is Fault.MACHINE else 1 / _ANY
            if self._weight < self._patience:
                return False
            self._weight = 0.0
            self._patience *= 2
            return True
