"""A table of groups that all processes of a Ray job share, in a small actor of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import RayActorError

from vincicoder.cluster.service import runtime_environment

_NAME = "vincicoder-groups"
_TIMEOUT = 10.0  # seconds


class JobGroups:
    """The groups of a Ray job, seen from one process.

    Whichever process asks first starts the actor; when it dies, what it knew is forgotten and the next call starts
    another. Notes are sent without waiting for an answer.

    Args:
        table: Makes the table that the actor holds, with ``begin``, ``finish`` and ``find``.
    """

    shared = True

    def __init__(self, table: Callable[[], Any]) -> None:
        self._table = table
        self._actor: Any = None

    def begin(self, uids: Sequence[str]) -> None:
        """Note that the scoring of one response of each group begins."""
        self._connected().begin.remote(list(uids))

    def finish(self, uid: str, scores: Mapping[str, float] | None) -> None:
        """Note that the scoring of a response is over; without scores if it could not be judged."""
        self._connected().finish.remote(uid, scores)

    def find(self, uids: Sequence[str]) -> dict[str, Any]:
        """Return what is known of groups; nothing if the actor was lost."""
        try:
            found: dict[str, Any] = ray.get(self._connected().find.remote(list(uids)), timeout=_TIMEOUT)
        except RayActorError:
            self._actor = None
            return {}
        return found

    def _connected(self) -> Any:
        if self._actor is None:
            options = {"name": _NAME, "get_if_exists": True, "num_cpus": 0, "runtime_env": runtime_environment()}
            self._actor = ray.remote(self._table).options(**options).remote()
        return self._actor
