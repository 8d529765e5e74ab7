"""This process's connection to a Ray cluster."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from vincicoder.errors import ConfigError

_FIRST_WITH_TOKENS = (2, 52)


@contextmanager
def connected(address: str, namespace: str) -> Iterator[None]:
    """Connect this process to a Ray cluster until the end of the block.

    A cluster that is started here can be reached from this machine only, and by those who have its token only.

    Args:
        address: The cluster's; ``"auto"`` for the one on this machine, ``"local"`` to start one.
        namespace: Ray's namespace; processes that share a service share it.

    Raises:
        ConfigError: This Ray is too old to start a cluster that asks for a token.
    """
    if address == "local":
        _close_to_strangers()
    import ray

    dashboard = {"include_dashboard": False} if address == "local" else {}
    ray.init(address, namespace=namespace, log_to_driver=False, **dashboard)
    try:
        yield
    finally:
        ray.shutdown()


def current_address() -> str:
    """Return the address of the cluster that this process is connected to, for another process to connect to."""
    import ray

    return str(ray.get_runtime_context().gcs_address)


def _close_to_strangers() -> None:
    """Have a cluster that is started here listen on the loopback address and ask for a token of its own.

    Whoever reaches a cluster without a token can run code in it. Ray reads these variables when it is imported, so this
    comes first; the processes that it starts inherit them. What the user has set stays.
    """
    found = version("ray")
    if tuple(int(number) for number in re.findall(r"\d+", found)[:2]) < _FIRST_WITH_TOKENS:
        least = ".".join(map(str, _FIRST_WITH_TOKENS))
        raise ConfigError(f"Ray {found} cannot ask for a token, so anybody could run code in it; install ray>={least}")
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if not os.environ.get("RAY_AUTH_TOKEN_PATH"):
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    # Its name says where Ray sets it by itself: 0 makes every server of Ray listen on the loopback address.
    os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
