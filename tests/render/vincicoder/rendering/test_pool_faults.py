"""Faults of the machine in the middle of a render: they are made good, and never blamed on the code."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from vincicoder.rendering import Limits, RenderPool
from vincicoder.rendering.sandbox import client, processes, server
from vincicoder.status import Status

SLOW = (
    "import time; import matplotlib.pyplot as plt\nend = time.time() + 3\nwhile time.time() < end: pass\nplt.plot([1])"
)


def when_at_work(pool: RenderPool, language: str, act: object) -> threading.Thread:
    """Act once on the id of the first child that works."""

    def watch() -> None:
        for _ in range(2000):
            found = pool._servers.get(language)
            children = processes.descendants(found.pid) if found else []
            if children:
                time.sleep(0.5)  # past its opening
                act(children[0])  # type: ignore[operator]
                return
            time.sleep(0.01)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_a_child_killed_from_outside_is_replaced_and_its_job_done_again() -> None:
    with RenderPool(workers=1, limits=Limits(wall_seconds=120, cpu_seconds=60)) as pool:
        pool.start("python")
        killer = when_at_work(pool, "python", lambda pid: os.kill(pid, signal.SIGKILL))
        render = pool.render(SLOW, "python")
        killer.join()
    assert render.status is Status.OK, render


def test_code_cannot_pretend_to_have_been_killed_from_outside() -> None:
    with RenderPool(workers=1, limits=Limits(wall_seconds=60, cpu_seconds=20)) as pool:
        for attempt in ("os.kill(os.getpid(), 9)", "os.killpg(0, 9)", "signal.raise_signal(9)", "os.abort()"):
            render = pool.render(f"import os, signal\n{attempt}", "python")
            assert render.status.fault == "response", (attempt, render)


def test_a_server_that_does_not_answer_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "OPEN_SECONDS", 5.0)
    monkeypatch.setattr(client, "_SLACK_SECONDS", 1.0)
    with RenderPool(workers=1, limits=Limits(wall_seconds=2)) as pool:
        pool.start("svg")
        stopped = pool._servers["svg"].pid
        os.kill(stopped, signal.SIGSTOP)
        pool_server = pool._servers["svg"]
        render = pool.render("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "svg")
        assert render.status is Status.OK, render
        assert pool._servers["svg"].pid != stopped
        assert not pool_server.root.exists()
