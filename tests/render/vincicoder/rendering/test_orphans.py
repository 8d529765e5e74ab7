"""Processes that leave their parent, group and session: counted and ended all the same, without a look at others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from repository import SUPPORT

from vincicoder.rendering import Limits
from vincicoder.rendering.config import SandboxConfig
from vincicoder.rendering.sandbox import processes
from vincicoder.rendering.sandbox.client import ForkServer
from vincicoder.status import Status

ORPHAN = "import time\npids += [orphan(lambda: time.sleep(600)) for _ in range({count})]"
BURN = "def burn():\n  while True: pass\norphan(burn)\n" + ORPHAN.format(count=1) + "\nimport threading\n"
BURN += "threading.Event().wait(600)"


def start(jobs: int = 1, limits: Limits | None = None, **options: bool) -> ForkServer:
    name = "orphans_renderer:OrphansRenderer"
    return ForkServer(name, options, limits or Limits(), SandboxConfig(), jobs_per_child=jobs, path=[str(SUPPORT)])


@pytest.fixture(params=[True, False], ids=["children listed", "children not listed"])
def server(request: pytest.FixtureRequest) -> Iterator[ForkServer]:
    server = start(lists_children=request.param)
    yield server
    server.close()


def gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.02)
    return False


def orphans_of(server: ForkServer, count: int) -> list[int]:
    result = server.run(ORPHAN.format(count=count))
    assert result.status is Status.OK, result
    assert result.facts is not None
    pids = [int(span.text) for span in result.facts.spans]
    assert len(set(pids)) == count
    return pids


def test_orphans_end_with_the_render(server: ForkServer) -> None:
    assert gone(orphans_of(server, 5))


def test_orphans_of_a_child_that_is_kept_live_no_longer_than_it() -> None:
    server = start(jobs=2)
    first = orphans_of(server, 2)
    assert all(Path(f"/proc/{pid}").exists() for pid in first)  # or the next assertion would show nothing
    assert set(first) < set(processes.descendants(server.pid))
    assert gone(first + orphans_of(server, 2))
    last = orphans_of(server, 2)
    server.close()
    assert gone([server.pid, *last])


def test_what_orphans_use_counts() -> None:
    server = start(limits=Limits(cpu_seconds=1, wall_seconds=60, tasks=20))
    try:
        burnt = server.run(BURN)
        assert burnt.status is Status.TIMEOUT, burnt
        assert "CPU time" in burnt.message
        many = server.run(ORPHAN.format(count=30) + "\nimport threading\nthreading.Event().wait(600)")
        assert many.status is Status.FORBIDDEN, many
        deadline = time.monotonic() + 20
        while processes.descendants(server.pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert processes.descendants(server.pid) == []
    finally:
        server.close()


def test_a_server_looks_at_no_process_but_its_own() -> None:
    blind = start(sees_others=False)
    try:
        assert gone(orphans_of(blind, 2))
    finally:
        blind.close()


def test_a_tree_is_the_same_by_either_way() -> None:
    """A child of a thread and a child of a child included."""
    code = "import subprocess, threading\nrun = lambda: subprocess.run(['sh', '-c', 'sleep 60 & sleep 60'])\n"
    code += "threads = [threading.Thread(target=run) for _ in range(3)]\n[each.start() for each in threads]"
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as process:
        deadline = time.monotonic() + 20
        while len(found := processes.Tree(listed=True).descendants(process.pid)) < 9 and time.monotonic() < deadline:
            time.sleep(0.05)
        whole = processes.Tree(listed=False).descendants(process.pid)
        os.killpg(process.pid, 9)
    assert len(found) == 9
    assert sorted(found) == sorted(whole)
