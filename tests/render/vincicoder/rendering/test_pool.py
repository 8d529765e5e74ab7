"""The pool: order, sharing, crashes, and leaving nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rendered import workers_of
from repository import ROOT

from vincicoder.errors import ConfigError
from vincicoder.rendering import Limits, RenderPool
from vincicoder.rendering.sandbox import processes
from vincicoder.status import Status


def svg(width: int, extra: str = "") -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="600">{extra}</svg>'


def wait_until(condition: object, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


def test_every_caller_gets_its_own_image(pool: RenderPool) -> None:
    def rendered_width(width: int) -> int:
        image = pool.render(svg(width), "svg").image
        assert image is not None
        return image.width

    widths = [600 + n for n in range(40)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(rendered_width, widths)) == widths


def test_equal_code_under_way_is_rendered_once(pool: RenderPool) -> None:
    code = "import threading, os\nthreading.Event().wait(0.3)\nraise SystemExit(os.urandom(8).hex())"
    messages = {future.result().message for future in [pool.submit(code, "python") for _ in range(5)]}
    assert len(messages) == 1
    assert pool.render(code, "python").message not in messages, "an old answer was kept"


@pytest.mark.parametrize("alias", ["svg", "SVG", "xml"])
def test_languages_go_by_any_of_their_names(pool: RenderPool, alias: str) -> None:
    assert pool.render(svg(600), alias).ok


def test_impossible_options_are_named() -> None:
    with pytest.raises(ConfigError, match="workers is 0"):
        RenderPool(workers=0)
    with pytest.raises(ConfigError, match="/no/such/python"):
        RenderPool(python="/no/such/python")
    with pytest.raises(ConfigError, match="pdf"):
        RenderPool(renderer_options={"pdf": {}})


def test_an_unknown_language_is_an_error(pool: RenderPool) -> None:
    with pytest.raises(ConfigError, match="klingon"):
        pool.submit("x", "klingon")


def test_a_renderer_that_cannot_start_says_how_to_fix_it() -> None:
    with RenderPool(workers=1, renderer_options={"svg": {"no_such_option": 1}}) as pool:
        before = time.monotonic()
        renders = [pool.render(svg(600 + n), "svg") for n in range(5)]
        assert time.monotonic() - before < 120
        assert pool.render("import os; os._exit(0)", "python").status is Status.NO_OUTPUT, "others work"
    assert {render.status for render in renders} == {Status.INFRASTRUCTURE}
    assert "no_such_option" in renders[0].message


def test_an_interpreter_that_is_none_is_infrastructure() -> None:
    with RenderPool(workers=1, python="/bin/false") as pool:
        render = pool.render("x = 1", "python")
    assert render.status is Status.INFRASTRUCTURE
    assert "/bin/false" in render.message


def test_work_of_a_killed_server_is_done_again(pool: RenderPool) -> None:
    pool.start("python")
    first = pool._servers["python"].pid
    sleeper = "import threading\nthreading.Event().wait(1)\nimport matplotlib.pyplot as plt\nplt.figure(figsize=(2, 1)); plt.show()"
    future = pool.submit(sleeper, "python")
    time.sleep(0.4)
    os.kill(first, signal.SIGKILL)
    render = future.result(timeout=90)
    assert render.status is Status.OK, render
    assert render.image is not None
    assert render.image.size == (200, 100)
    assert pool._servers["python"].pid != first


ENDLESS = {
    "python": "import ctypes\nctypes.CDLL(None).prctl(1, 0, 0, 0, 0)\nwhile True: pass",
    "latex": r"\loop\iftrue\repeat",
}


@pytest.mark.parametrize("language", ENDLESS)
def test_what_a_killed_server_was_drawing_ends_too(strict: RenderPool, language: str) -> None:
    strict.start(language)
    server = strict._servers[language].pid
    future = strict.submit(ENDLESS[language], language)
    assert wait_until(lambda: len(workers_of(server)) == (2 if language == "latex" else 1), 5)
    family = processes.descendants(server)
    os.kill(server, signal.SIGKILL)
    assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family))
    assert future.result().status is not Status.OK


def test_a_server_killed_while_idle_is_replaced(pool: RenderPool) -> None:
    pool.start("svg")
    os.kill(pool._servers["svg"].pid, signal.SIGKILL)
    time.sleep(0.3)
    assert pool.render(svg(600), "svg").ok


def test_closing_ends_everything() -> None:
    pool = RenderPool(workers=2)
    pool.start("svg")
    server = pool._servers["svg"]
    futures = [pool.submit(svg(600 + n), "svg") for n in range(20)]
    pool.close()
    pool.close()
    assert all(future.cancelled() or future.done() for future in futures)
    for future in futures:
        if not future.cancelled():
            assert future.result().status in (Status.OK, Status.INFRASTRUCTURE)
    assert not Path(f"/proc/{server.pid}").exists()
    assert not server.root.exists()
    with pytest.raises(ConfigError, match="closed"):
        pool.submit(svg(600), "svg")
    assert not [thread for thread in threading.enumerate() if thread.name == f"vincicoder-{server.pid}"]


def test_closing_does_not_wait_for_endless_code() -> None:
    pool = RenderPool(workers=1, limits=Limits(wall_seconds=600, cpu_seconds=600))
    pool.start("svg")
    heavy = svg(600, "<path d='M0 0" + "l1 1" * 2_000_000 + "' stroke-dasharray='0.001' stroke='red'/>")
    future = pool.submit(heavy, "svg")
    time.sleep(0.5)
    before = time.monotonic()
    pool.close()
    assert time.monotonic() - before < 120
    assert future.result().status is not Status.OK


OWNER = """
import os, sys, time
sys.path.insert(0, {root!r})
from vincicoder.rendering import RenderPool, Limits
pool = RenderPool(workers=2, limits=Limits(wall_seconds={wall}, cpu_seconds={wall}))
for code in ('import threading; threading.Event().wait(1000)', 'while True: pass'):
    pool.submit(code, 'python')
pool.start('python')
time.sleep(1.5)
{before}
print(pool._servers['python'].pid, pool._servers['python'].root, flush=True)
{after}
"""


def start_owner(
    before: str = "", after: str = "time.sleep(1000)", wall: int = 600
) -> tuple[subprocess.Popen[str], int, Path]:
    code = OWNER.format(root=str(ROOT), wall=wall, before=textwrap.dedent(before), after=textwrap.dedent(after))
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid, root = owner.stdout.readline().split()
    return owner, int(pid), Path(root)


def assert_gone(pids: list[int], root: Path) -> None:
    def running() -> list[int]:
        return [pid for pid in pids if Path(f"/proc/{pid}").exists() and processes.usage_of(pid).tasks]

    assert wait_until(lambda: not running() and not root.exists()), (running(), root.exists())


@pytest.mark.parametrize("death", ["kill", "exit", "os._exit"])
def test_nothing_outlives_the_owner(death: str) -> None:
    ends = {"exit": "sys.exit()", "os._exit": "os._exit(1)"}
    wall = 2 if death == "exit" else 600  # Python waits for the threads of those it lets finish
    owner, server, root = start_owner(after="time.sleep(1)\n" + ends.get(death, "time.sleep(1000)"), wall=wall)
    family = [server, *processes.descendants(server)]
    assert len(workers_of(server)) == 2
    if death == "kill":
        owner.kill()
    try:
        assert_gone(family, root)
        assert owner.wait(timeout=20) is not None
    finally:
        owner.kill()


def test_a_forked_child_of_the_owner_keeps_nothing_alive() -> None:
    before = """
    child = os.fork()
    if child == 0:
        time.sleep(30)
        os._exit(0)
    """
    owner, server, root = start_owner(before)
    family = [server, *processes.descendants(server)]
    orphans = [pid for pid in processes.descendants(owner.pid) if pid not in family]
    owner.kill()
    owner.wait()
    try:
        assert orphans
        assert_gone(family, root)
    finally:
        processes.kill(orphans)


def test_a_pool_copied_by_fork_does_not_harm_the_original(pool: RenderPool) -> None:
    pool.start("svg")
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    assert pool.render(svg(601), "svg").ok


def test_descriptors_and_processes_do_not_pile_up(pool: RenderPool) -> None:
    pool.start("svg")
    pool.start("python")

    def descriptors(pid: int | str) -> int:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))

    keeps, forks = pool._servers["svg"].pid, pool._servers["python"].pid
    before = descriptors("self"), descriptors(forks), descriptors(keeps) - len(processes.descendants(keeps))
    bad = ["import os; os._exit(1)", "1 / 0", "import os; os.close(3)", "import ctypes; ctypes.string_at(0)", "def"]
    futures = [pool.submit(f"{bad[n % 5]}\n#{n}", "python") for n in range(40)]
    futures += [pool.submit(svg(600 + n), "svg") for n in range(40)]
    for future in futures:
        future.result()
    assert descriptors("self") <= before[0] + 2
    assert descriptors(forks) <= before[1]
    assert wait_until(lambda: not workers_of(forks))
    kept = processes.descendants(keeps)
    assert len(kept) <= pool.workers
    assert descriptors(keeps) <= before[2] + len(kept), "one to each worker that is kept"


def test_limits_hold_without_the_sandbox_too() -> None:
    """What is spelled out is allowed; the limits stay."""
    with RenderPool(workers=2, limits=Limits(cpu_seconds=1, wall_seconds=3), allow_unsandboxed=True) as pool:
        endless = pool.submit("while True: pass", "python")
        fine = pool.render("import os\nassert os.path.isdir(os.getcwd())\nraise SystemExit('ran')", "python")
        assert endless.result().status is Status.TIMEOUT
    assert "ran" in fine.message
