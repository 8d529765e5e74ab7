"""What the siblings of a sample earned: the responses to one prompt, whichever process scores them.

A sample that the machine, not the model, failed to score gets the mean of its siblings. Trainers spread a group over
processes, and some pass one sample at a time, so the scores meet in a `Groups` that all of them can reach: an
actor in a Ray job, the node's process where the ranks of a node share one, an object of the process otherwise.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Protocol

Scores = Mapping[str, float]

SIBLING_SECONDS = 60.0
"""How long a sample waits for siblings that are still under way."""

_GRACE_SECONDS = 2.0  # in which siblings that other processes are about to begin may appear
_PAUSE_SECONDS = 0.1
_KEPT = 65_536  # groups
_OVER_SECONDS = 600.0  # after which a group that is met again, as in the next epoch, begins anew


@dataclass
class Group:
    """What is known of a group.

    Attributes:
        begun: Responses whose scoring has begun.
        finished: Of these, those whose scoring is over, whatever came of it.
        judged: Of these, those with scores of their own.
        sums: Their summed scores, by name.
        touched: When anything was heard of it last, by the monotonic clock.
    """

    begun: int = 0
    finished: int = 0
    judged: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    touched: float = field(default_factory=time.monotonic)

    def mean(self) -> Scores | None:
        """Return the mean scores of those that were judged, or None if there are none."""
        return {name: value / self.judged for name, value in self.sums.items()} if self.judged else None


class Board(Protocol):
    """Where groups are looked up: a `Groups`, or one that is reached through a process or an actor."""

    shared: bool
    """Whether other processes contribute."""

    def begin(self, uids: Sequence[str]) -> None:
        """Note that the scoring of responses begins.

        Args:
            uids: The group of each response; a group may be named several times.
        """

    def finish(self, uid: str, scores: Scores | None) -> None:
        """Note that the scoring of a response is over.

        Args:
            uid: Its group.
            scores: Its scores by name, or None if it could not be judged.
        """

    def find(self, uids: Sequence[str]) -> dict[str, Group]:
        """Return what is known of groups.

        Args:
            uids: The groups.
        """


class Groups:
    """Which responses of the latest groups were scored, and how. Thread-safe.

    Example:
        >>> groups = Groups()
        >>> groups.begin(["a", "a"])
        >>> groups.finish("a", {"overall": 0.5})
        >>> groups.find(["a"])["a"].mean()
        {'overall': 0.5}
    """

    shared = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: OrderedDict[str, Group] = OrderedDict()

    def begin(self, uids: Sequence[str]) -> None:
        """Note that the scoring of responses begins.

        Args:
            uids: The group of each response; a group may be named several times.
        """
        with self._lock:
            for uid in uids:
                group = self._groups.get(uid)
                if group and group.begun <= group.finished and time.monotonic() - group.touched > _OVER_SECONDS:
                    del self._groups[uid]
                self._group(uid).begun += 1
            while len(self._groups) > _KEPT:
                self._groups.popitem(last=False)

    def finish(self, uid: str, scores: Scores | None) -> None:
        """Note that the scoring of a response is over.

        Args:
            uid: Its group.
            scores: Its scores by name, or None if it could not be judged.
        """
        with self._lock:
            group = self._group(uid)
            group.finished += 1
            if scores is not None:
                group.judged += 1
                for name, value in scores.items():
                    group.sums[name] = group.sums.get(name, 0.0) + value

    def find(self, uids: Sequence[str]) -> dict[str, Group]:
        """Return what is known of groups.

        Args:
            uids: The groups.
        """
        with self._lock:
            found = {uid: self._groups.get(uid, Group()) for uid in uids}
            return {uid: replace(group, sums=dict(group.sums)) for uid, group in found.items()}

    def _group(self, uid: str) -> Group:
        group = self._groups.setdefault(uid, Group())
        group.touched = time.monotonic()
        self._groups.move_to_end(uid)
        return group


class Siblings:
    """Wait for the siblings of samples, all in one thread, so that nobody else has to.

    A group is complete when all of its ``size`` responses are over; where the size is not known, when none is under
    way and other processes have had a moment to begin theirs. `SIBLING_SECONDS` later, what is known has to do.

    Args:
        board: Where the groups are.
        size: Responses in a group, or None if that is not known.
    """

    def __init__(self, board: Board, size: int | None) -> None:
        self._board = board
        self._size = size
        self._changed = threading.Condition()
        self._waiting: dict[Future[Scores | None], tuple[str, float]] = {}
        self._thread: threading.Thread | None = None

    def mean(self, uid: str) -> Future[Scores | None]:
        """Return what will be the mean of a group, or None if none of it can be known in time."""
        future: Future[Scores | None] = Future()
        with self._changed:
            self._waiting[future] = uid, time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="vincicoder-siblings", daemon=True)
                self._thread.start()
            self._changed.notify()
        return future

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                waiting = list(self._waiting.items())
            for future, mean in self._known(waiting):
                with self._changed:
                    del self._waiting[future]
                if future.set_running_or_notify_cancel():
                    future.set_result(mean)
            time.sleep(_PAUSE_SECONDS)

    def _known(
        self, waiting: Sequence[tuple[Future[Scores | None], tuple[str, float]]]
    ) -> Iterable[tuple[Future[Scores | None], Scores | None]]:
        """Return those whose waiting is over, with what they waited for."""
        try:
            groups = self._board.find(list({uid for _, (uid, _) in waiting}))
        except Exception:  # noqa: BLE001 - whatever became of the board, those who wait must not wait for ever
            groups = {}
        known = []
        for future, (uid, since) in waiting:
            group, waited = groups.get(uid, Group()), time.monotonic() - since
            if waited > SIBLING_SECONDS or self._complete(group, waited):
                known.append((future, group.mean()))
        return known

    def _complete(self, group: Group, waited: float) -> bool:
        if self._size is not None and self._board.shared:
            return group.finished >= self._size
        if group.finished < group.begun:
            return False
        return not self._board.shared or (group.judged > 0 and waited > _GRACE_SECONDS)
