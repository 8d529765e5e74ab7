"""The Ray that ``vincicoder serve --ray local`` starts: who can reach it, and what it asks of them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from served import SAMPLE, served

from vincicoder.cluster.connection import connected
from vincicoder.errors import ConfigError
from vincicoder.rendering.sandbox import processes

for package in ("ray", "fastapi", "uvicorn", "prometheus_client"):
    pytest.importorskip(package, reason="the extra 'ray' is not installed")

LISTENS = "0A"
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


def sockets_of(pid: int) -> set[str]:
    """Return the sockets of a process, by the numbers that the kernel's tables know them by."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):  # closed meanwhile
            found.add(str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]"))
    return found


def listening(pids: list[int]) -> dict[str, set[int]]:
    """Return the addresses, as the kernel writes them, on which processes listen, with their ports."""
    owned = set().union(*(sockets_of(pid) for pid in pids))
    found: dict[str, set[int]] = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS and fields[9] in owned:
                address, port = fields[1].split(":")
                found.setdefault(address, set()).add(int(port, 16))
    return found


def environment_of(pid: int) -> dict[str, str]:
    """Return the environment that a process was started with."""
    entries = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def test_it_listens_on_this_machine_only_and_asks_for_a_token(monkeypatch):
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"):
        monkeypatch.delenv(name, raising=False)
    with served("--ray", "local") as client:
        assert client.score(SAMPLE)[0]["status"] == "ok"
        pids = [client.server.pid, *processes.descendants(client.server.pid)]
        addresses = listening(pids)
        assert addresses, "Ray listens somewhere"
        assert set(addresses) <= LOOPBACK
        [gcs] = [pid for pid in pids if b"gcs_server" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]]
        environment = environment_of(gcs)
        assert environment["RAY_AUTH_MODE"] == "token"
        assert len(environment["RAY_AUTH_TOKEN"]) == 64, "a token of this cluster's own, which is in no file"


def test_a_ray_without_tokens_is_refused(monkeypatch):
    monkeypatch.setattr("vincicoder.cluster.connection.version", lambda _: "2.51.2")
    with (
        pytest.raises(ConfigError, match=r"Ray 2\.51\.2 cannot ask for a token.*install ray>=2\.52"),
        connected("local", "x"),
    ):
        pass
