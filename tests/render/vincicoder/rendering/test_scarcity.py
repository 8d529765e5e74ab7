"""A machine that runs out: of descriptors, of memory, of what `ulimit` allows; and whose clock jumps."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from repository import ROOT, SUPPORT
from scored_groups import wait_until

from vincicoder.rendering import Limits, Render, RenderPool
from vincicoder.rendering import pool as pool_module
from vincicoder.rendering.config import SandboxConfig
from vincicoder.rendering.sandbox import processes
from vincicoder.rendering.sandbox.client import ForkServer
from vincicoder.status import Status

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="3"/></svg>'


@pytest.fixture
def own() -> Iterator[RenderPool]:
    with RenderPool(workers=4) as pool:
        pool.start("svg")
        yield pool


def rendered(pool: RenderPool, first: int, count: int = 8) -> list[Render]:
    waiting = [pool.submit(f"{SVG}<!-- {number} -->", "svg") for number in range(first, first + count)]
    return [future.result(timeout=120) for future in waiting]


def end_workers(server: int) -> None:
    """Kill the workers that a server keeps, so that the next job needs a fork."""
    while workers := processes.descendants(server):
        processes.kill(workers)
        time.sleep(0.02)


def test_a_fork_server_without_descriptors_blames_nobody(own: RenderPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "_RETRY_START_SECONDS", 0.0)
    assert {render.status for render in rendered(own, 0)} == {Status.OK}
    server = own._servers["svg"].pid
    usual = resource.prlimit(server, resource.RLIMIT_NOFILE)
    end_workers(server)
    used = len(list(Path(f"/proc/{server}/fd").iterdir()))
    for free in range(4):  # at each number another step of a job is the first to fail
        end_workers(server)
        resource.prlimit(server, resource.RLIMIT_NOFILE, (used + free, usual[1]))
        renders = rendered(own, 100 * (1 + free), 3)
        assert {render.status for render in renders} <= {Status.OK, Status.INFRASTRUCTURE}, (free, renders)
        assert free > 0 or Status.OK not in {render.status for render in renders}
        if not own._servers["svg"].alive or own._servers["svg"].pid != server:
            break  # retired, as its sample failed too
    assert {render.status for render in rendered(own, 900)} == {Status.OK}
    end_workers(own._servers["svg"].pid)
    assert wait_until(lambda: not list(own._servers["svg"].root.glob("[0-9]*")), 10)


def test_a_trainer_without_descriptors_blames_nobody() -> None:
    script = f"""
import json, os, resource, sys
sys.path.insert(0, {str(ROOT)!r})
import vincicoder.rendering.pool as pool_module
from vincicoder.rendering import RenderPool
pool_module._RETRY_START_SECONDS = 0.0
code = lambda number: {SVG!r} + f"<!-- {{number}} -->"
with RenderPool(workers=4) as pool:
    found = {{"before": pool.render(code(0), "svg").status.value}}
    used, usual = len(os.listdir("/proc/self/fd")), resource.getrlimit(resource.RLIMIT_NOFILE)
    for free in (0, 1, 2, 3, 5):
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + free, usual[1]))
        renders = [pool.submit(code(10 * free + number), "svg") for number in range(1, 9)]
        found[f"{{free}} free"] = sorted({{each.result(timeout=120).status.value for each in renders}})
    resource.setrlimit(resource.RLIMIT_NOFILE, usual)
    found["after"] = pool.render(code(999), "svg").status.value
    root = pool._servers["svg"].root
found["left"] = root.exists()
print(json.dumps(found))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found.pop("before") == found.pop("after") == "ok"
    assert found.pop("left") is False
    assert all(set(statuses) <= {"ok", "infrastructure"} for statuses in found.values()), found
    assert found["0 free"] == ["infrastructure"]


@pytest.mark.parametrize(("limit", "name"), [(resource.RLIMIT_AS, "-v"), (resource.RLIMIT_CPU, "-t")])
def test_a_low_ulimit_makes_a_renderer_unavailable_and_no_answer_bad(limit: int, name: str) -> None:
    """Code would be killed by it, and blamed."""
    value = 600 << 20 if limit == resource.RLIMIT_AS else 5
    script = f"""
import resource, sys
sys.path.insert(0, {str(ROOT)!r})
from vincicoder.rendering import RenderPool
resource.setrlimit({limit}, ({value}, {value}))
with RenderPool(workers=1) as pool:
    render = pool.render({SVG!r}, "svg")
    print(render.status.value, render.message)
"""
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert output.startswith("infrastructure")
    assert f"`ulimit {name}" in output


def test_a_fork_server_out_of_memory_blames_nobody(own: RenderPool) -> None:
    server = own._servers["svg"].pid
    end_workers(server)
    in_use = int(Path(f"/proc/{server}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(server, resource.RLIMIT_AS, (in_use, in_use))
    assert {render.status for render in rendered(own, 0, 3)} <= {Status.OK, Status.INFRASTRUCTURE}
    for number in range(100, 108):  # until the sample has been tried again, and another server has begun
        last = own.render(f"{SVG}<!-- {number} -->", "svg")
        assert last.status in (Status.OK, Status.INFRASTRUCTURE)
    assert last.status is Status.OK
    assert own._servers["svg"].pid != server


def test_jumps_of_the_clock_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a day and more, to and fro, at every look, for the trainer's process and the fork server."""
    real = time.time
    looks = iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: real() + (-1) ** next(looks) * 100_000)
    limits = Limits(cpu_seconds=30, wall_seconds=2)
    path = [str(SUPPORT)]
    server = ForkServer("jumping_renderer:JumpingRenderer", {}, limits, SandboxConfig(), path=path)
    try:
        assert [server.run("").status for _ in range(3)] == [Status.OK] * 3
        began = time.monotonic()
        assert server.run("wait").status is Status.TIMEOUT
        assert 1.5 < time.monotonic() - began < 30
        assert server.run("").status is Status.OK
    finally:
        server.close()
    assert not server.root.exists()


ORDINARY = """
import json, os, sys
sys.path.insert(0, {root!r})
from vincicoder.languages import LANGUAGES
from vincicoder.rendering import Limits, RenderPool
statuses = {{}}
with RenderPool(workers=2, limits=Limits(cpu_seconds=20, wall_seconds=90)) as pool:
    for name in {names!r}:
        render = pool.render(LANGUAGES.get(name).sample, name)
        statuses[name] = render.status.value + render.message
    for name, code in {hostile!r}.items():
        statuses[name] = pool.render(code, "python").status.value
print(json.dumps([os.getuid(), statuses, os.listdir(os.environ["TMPDIR"])]))
"""
HOSTILE = {
    "kill": "import os\nos.kill(os.getppid(), 9)",
    "read": "open('/proc/%d/environ' % __import__('os').getppid()).read()",
    "write": "open('/tmp/owned', 'w')",
}


def python_for_another_user(directory: Path, prefix: list[str]) -> str:
    """Return a Python that another user can run and that imports what this one does; skip where there is none.

    Ours may lie in a closed home; then the system's of the same version is given our packages.
    """
    venv = directory / "venv"
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    if subprocess.run([system, "-m", "venv", "--without-pip", venv], capture_output=True, check=False).returncode == 0:
        [packages] = venv.glob("lib/python*/site-packages")
        (packages / "ours.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")))
    # That it starts is not enough: setpriv gives up its rights late.
    probe = f"import PIL, subprocess, sys; open({str(ROOT / 'pyproject.toml')!r}); subprocess.check_call([sys.executable, '-V'])"
    for python in (sys.executable, str(venv / "bin/python")):
        if (
            shutil.which(python)
            and not subprocess.run([*prefix, python, "-c", probe], stderr=subprocess.DEVNULL).returncode
        ):
            return python
    pytest.skip("another user can run no Python that sees this project")


@pytest.mark.skipif(os.getuid() != 0, reason="the user is an ordinary one already")
@pytest.mark.parametrize("names", [["svg", "python"], pytest.param(["html", "latex"], marks=pytest.mark.slow)])
def test_an_ordinary_user_needs_nothing_more(names: list[str]) -> None:
    script = ORDINARY.format(root=str(ROOT), names=names, hostile=HOSTILE)
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    with tempfile.TemporaryDirectory(prefix="user-") as directory:
        Path(directory).chmod(0o755)
        temporary = Path(directory, "tmp")
        temporary.mkdir()
        temporary.chmod(0o777)
        command = [*prefix, python_for_another_user(Path(directory), prefix), "-c", script]
        environment = {**os.environ, "TMPDIR": str(temporary), "HOME": "/nonexistent"}
        environment.pop("XDG_CACHE_HOME", None)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        user, statuses, left = json.loads(done.stdout)
    assert user == 65534
    assert {name: statuses[name] for name in names} == dict.fromkeys(names, "ok")
    assert {Status(statuses[name]).fault.value for name in HOSTILE} == {"response"}
    assert [name for name in left if not name.startswith("vincicoder-cache-")] == []
