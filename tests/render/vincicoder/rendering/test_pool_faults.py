"""Faults of the machine in the middle of a render: they are made good, and never blamed on the code."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from repository import ROOT

from vincicoder.errors import RendererUnavailable
from vincicoder.languages import LANGUAGES
from vincicoder.rendering import Limits, RenderPool
from vincicoder.rendering.sandbox import client, processes, watch
from vincicoder.status import Status

pytestmark = pytest.mark.long

SLOW = (
    "import time; import matplotlib.pyplot as plt\nend = time.time() + 3\nwhile time.time() < end: pass\nplt.plot([1])"
)


BUSY = {
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 99 99">'
    + '<circle cx="9" cy="9" r="7" stroke="red"/><text x="3" y="9">words</text>' * 8_000
    + "</svg>",
    "latex": r"\count255=0 \loop\advance\count255 by 1 \ifnum\count255<8000000 \repeat" + LANGUAGES.get("latex").sample,
    "html": "<body><h1>a</h1><script>for (let i = 0, x = 0; i < 1e9; i++) x += i % 7</script>",
}


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


@contextlib.contextmanager
def crowded(limits: Limits) -> Iterator[RenderPool]:
    """A pool whose Python code has a fifth of a CPU: four others want it all of the time."""
    with RenderPool(workers=1, limits=limits, nice=0) as pool:
        pool.start("python")
        cpu = min(os.sched_getaffinity(0))
        server = pool._servers["python"].pid
        for pid in (server, *processes.descendants(server)):  # the servers that it has forked
            os.sched_setaffinity(pid, {cpu})
        bound = f"import os\nos.sched_setaffinity(0, {{{cpu}}})\nwhile True: pass"
        others = [subprocess.Popen([sys.executable, "-c", bound], start_new_session=True) for _ in range(4)]
        try:
            yield pool
        finally:
            for other in others:
                other.kill()
                other.wait()


WAITS = {
    "for a CPU": "end = time.process_time() + 0.6\nwhile time.process_time() < end: pass",
    "by its own will": "threading.Event().wait(20)",
}


@pytest.mark.parametrize("why", WAITS)
def test_only_the_time_in_which_a_job_does_not_wait_for_a_cpu_counts(why: str) -> None:
    code = f"import threading, time\n{WAITS[why]}\nfrom PIL import Image\nImage.new('RGB', (9, 9)).save('a.png')"
    with crowded(Limits(wall_seconds=2.5, cpu_seconds=20)) as pool:
        render = pool.render(code, "python")
    assert render.status is (Status.OK if why == "for a CPU" else Status.TIMEOUT), render
    assert render.seconds > 2.5


@pytest.mark.parametrize("end", ["the next job fails", "it is killed while it waits"])
def test_an_image_is_read_although_its_kept_worker_ends_meanwhile(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    judged, read = client.job_result, threading.Event()
    late: list[str] = []

    def slowly(*arguments: object) -> object:
        if not late and threading.current_thread().name.startswith("vincicoder-render") and "svg" in pool._servers:
            late.append("the first")
            read.wait(60)
        return judged(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(client, "job_result", slowly)
    with RenderPool(workers=2) as pool:
        pool.start("svg")
        (worker,) = processes.descendants(pool._servers["svg"].pid)
        directory = next(pool._servers["svg"].root.glob("[0-9]*"))
        first = pool.submit(LANGUAGES.get("svg").sample, "svg")
        while not late:
            time.sleep(0.01)
        if end == "the next job fails":
            assert pool.render("<svg", "svg").status is Status.SYNTAX_ERROR
        else:
            os.kill(worker, signal.SIGKILL)
            while worker in processes.descendants(pool._servers["svg"].pid):
                time.sleep(0.01)
            assert pool.render(LANGUAGES.get("svg").sample + "<!-- another -->", "svg").ok
        read.set()
        assert first.result().status is Status.OK, first.result()
        assert not directory.exists(), "and then it goes"


def test_no_job_waits_for_ever() -> None:
    with crowded(Limits(wall_seconds=0.5, cpu_seconds=20)) as pool:
        render = pool.render("while True: pass", "python")
    assert render.status is Status.TIMEOUT, render
    assert "longer than 0.5 s" in render.message


def test_a_server_that_does_not_answer_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "OPEN_SECONDS", 5.0)
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


def test_an_image_that_goes_with_its_killed_server_is_rendered_again_and_not_blamed_on_the_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the child's answer and the reading of its image another thread finds the server dead and clears it up."""
    judged = client.job_result
    cleared = []

    def late(*arguments: object) -> object:
        if not cleared and "svg" in pool._servers:  # not yet where it checks itself
            cleared.append(pool._servers["svg"])
            os.kill(cleared[0].pid, signal.SIGKILL)
            cleared[0].close()
        return judged(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(client, "job_result", late)
    with RenderPool(workers=1) as pool:
        render = pool.render(LANGUAGES.get("svg").sample, "svg")
    assert len(cleared) == 1
    assert render.status is Status.OK, render.message


@pytest.mark.parametrize("language", ["svg", "latex"])
def test_no_program_that_is_killed_from_outside_is_the_codes_fault(language: str) -> None:
    def kill_last(pid: int) -> None:
        os.kill([pid, *processes.descendants(pid)][-1], signal.SIGKILL)  # TeX itself

    with RenderPool(workers=1, limits=Limits(wall_seconds=120, cpu_seconds=60)) as pool:
        pool.start(language)
        killer = when_at_work(pool, language, kill_last)
        render = pool.render(BUSY[language], language)
        killer.join()
    assert render.status is Status.OK, render


@pytest.mark.parametrize("kind", ["renderer", "zygote"])
def test_a_page_whose_browser_loses_a_process_is_rendered_again(kind: str) -> None:
    """A machine that runs out of memory takes that of the page first, and may take those that it cannot do without."""
    killed = []

    def kill(_: int) -> None:
        for each in processes.descendants(pool._servers["html"].pid):
            with contextlib.suppress(OSError):
                if f"--type={kind}".encode() in Path(f"/proc/{each}/cmdline").read_bytes():
                    os.kill(each, signal.SIGKILL)
                    killed.append(each)

    with RenderPool(workers=1, limits=Limits(wall_seconds=120, cpu_seconds=60)) as pool:
        pool.start("html")
        killer = when_at_work(pool, "html", kill)
        render = pool.render(BUSY["html"], "html")
        killer.join()
    assert killed
    assert render.status is Status.OK, render


@pytest.mark.parametrize("delay", [pytest.param(0.0, marks=pytest.mark.slow), 0.5])
def test_a_browser_killed_in_mid_page_is_replaced_and_the_page_rendered_again(delay: float) -> None:
    killed = []

    def kill_browser(_: int) -> None:
        time.sleep(delay)
        names = {
            each: Path(f"/proc/{each}/cmdline").read_bytes()
            for each in processes.descendants(pool._servers["html"].pid)
        }
        [browser] = [
            each for each, line in names.items() if b"--remote-debugging-pipe" in line and b"--type=" not in line
        ]
        os.kill(browser, signal.SIGKILL)
        killed.append(browser)

    with RenderPool(workers=1, limits=Limits(wall_seconds=120, cpu_seconds=60)) as pool:
        pool.start("html")
        killer = when_at_work(pool, "html", kill_browser)
        render = pool.render(BUSY["html"], "html")
        killer.join()
    assert killed
    assert render.status is Status.OK, render


def kill_servers(pool_ends: threading.Event, most: int) -> Counter[str]:
    """Kill new fork servers of this process as soon as they appear, from a thread; return where it counts them."""
    killed: Counter[str] = Counter()
    seen = set(processes.Tree().children(os.getpid()))

    def kill() -> None:
        while killed["servers"] < most and not pool_ends.wait(0.02):
            for pid in set(processes.Tree().children(os.getpid())) - seen:
                with contextlib.suppress(OSError):
                    if b"/rendering/sandbox" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        seen.add(pid)
                        os.kill(pid, signal.SIGKILL)
                        killed["servers"] += 1

    threading.Thread(target=kill).start()
    return killed


@pytest.mark.parametrize(("most", "expected"), [(2, Status.OK), (10**6, Status.INFRASTRUCTURE)])
def test_servers_that_are_killed_while_they_start(most: int, expected: Status) -> None:
    """An accident or two are made good. Where it goes on, nobody waits for long."""
    over = threading.Event()
    circle = LANGUAGES.get("svg").sample
    with RenderPool(workers=4) as pool:
        killed = kill_servers(over, most)
        try:
            began = time.monotonic()
            waiting = [pool.submit(f"{circle}<!-- {number} -->", "svg") for number in range(20)]
            assert {future.result(timeout=120).status for future in waiting} == {expected}
            assert time.monotonic() - began < 90
        finally:
            over.set()
    assert killed["servers"] >= 2
    if expected is Status.INFRASTRUCTURE:
        assert "killed 3 times while it started" in waiting[-1].result().message


def test_code_too_long_for_a_message_harms_nobody() -> None:
    with RenderPool(workers=2) as pool:
        pool.start("python")
        before = pool._servers["python"].pid
        neighbour = pool.submit(SLOW, "python")
        render = pool.render("# " + "é" * 12_000_000, "python")
        assert render.status is Status.TOO_LARGE, render
        assert "64 MiB" in render.message
        assert neighbour.result().status is Status.OK
        assert pool._servers["python"].pid == before


@pytest.fixture
def awkward(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A temporary directory with a name that programs stumble over."""
    with tempfile.TemporaryDirectory() as parent:
        directory = Path(parent) / request.param
        directory.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(directory))
        yield


@pytest.mark.parametrize(
    ("awkward", "language"),
    [
        pytest.param("a blank", "latex", marks=pytest.mark.slow),
        ("it's", "latex"),
        pytest.param('"quoted"', "latex", marks=pytest.mark.slow),
        ("grün", "latex"),
        ("x" * 150, "html"),
    ],
    indirect=["awkward"],
)
def test_a_renderer_works_in_an_awkward_directory_or_says_that_it_cannot(awkward: None, language: str) -> None:
    with RenderPool(workers=1) as pool:
        try:
            pool.start(language)
        except RendererUnavailable as error:
            assert "sample" in str(error)
            expected = Status.INFRASTRUCTURE
        else:
            expected = Status.OK
        assert pool.render(LANGUAGES.get(language).sample, language).status is expected


LOW_FILE_LIMIT = """
import resource, sys
sys.path.insert(0, {root!r})
from vincicoder.rendering import RenderPool
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
with RenderPool(workers=1) as pool:
    render = pool.render("<p>a", "html")
    print(render.status.value, render.message)
"""


def test_a_low_limit_on_files_is_not_the_codes_fault() -> None:
    command = [sys.executable, "-c", LOW_FILE_LIMIT.format(root=str(ROOT))]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert output.startswith("infrastructure")
    assert "ulimit -f" in output


START = """
import sys, tempfile, time
sys.path.insert(0, {root!r})
tempfile.tempdir = {directory!r}
from vincicoder.rendering import RenderPool
RenderPool(workers=1).start("python")
time.sleep(60)  # on a fast machine it has started by now: that must leave nothing either
"""


@pytest.mark.parametrize("delay", [0.0, 1.5])
def test_a_client_that_dies_while_a_renderer_starts_leaves_nothing(tmp_path: Path, delay: float) -> None:
    code = START.format(root=str(ROOT), directory=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as client:
        while not processes.descendants(client.pid) and client.poll() is None:
            time.sleep(0.001)
        time.sleep(0.1 + delay)  # past the first steps of an interpreter, which know nothing of the directory yet
        assert list(tmp_path.glob("vincicoder-*"))
        client.kill()
    deadline = time.monotonic() + 60
    while list(tmp_path.glob("vincicoder-*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert list(tmp_path.glob("vincicoder-*")) == []
