"""What generated code has about it: its environment, its descriptors, locks, links; and no sight of other requests.

What it tries to reach is in `vincicoder.attacks`, and tried in ``tests/render/vincicoder/attacks``.
"""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import pytest
from rendered import SECRET

from vincicoder.rendering import RenderPool
from vincicoder.status import Status


@pytest.fixture(scope="module")
def outside_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("owner") / "target.png"
    path.write_text(SECRET)
    return path


def test_the_environment_holds_no_secret(pool: RenderPool) -> None:
    code = "import os\nraise SystemExit(repr(dict(os.environ)) + open('/proc/self/environ').read())"
    render = pool.render(code, "python")
    assert render.status is Status.RUNTIME_ERROR
    assert "MPLBACKEND" in render.message
    assert SECRET not in render.message
    assert "TEST" not in render.message


def test_no_descriptor_is_inherited(pool: RenderPool, outside_file: Path) -> None:
    with outside_file.open() as file:
        os.set_inheritable(file.fileno(), True)
        code = (
            "import os\nraise SystemExit([(n, os.readlink(f'/proc/self/fd/{n}')) for n in os.listdir('/proc/self/fd')"
        )
        render = pool.render(code + " if os.path.lexists(f'/proc/self/fd/{n}')])", "python")
    assert "socket" in render.message
    assert "target.png" not in render.message
    assert len(render.message.split("), (")) == 5, render.message  # input, output, errors, its own channel, the job's


def test_nobody_is_locked_out_of_a_shared_file(pool: RenderPool) -> None:
    """Honest code sees its lock granted, but none is taken on a file that others use."""
    import fcntl

    path = Path(os.__file__)
    code = f"import fcntl, time\nfcntl.flock(open({str(path)!r}), fcntl.LOCK_EX)\nraise SystemExit('LOCKED')"
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        render = pool.render(code, "python")  # would wait for ever if it were a lock
    assert "LOCKED" in render.message


def test_images_of_other_kinds_are_not_taken(pool: RenderPool) -> None:
    for trick in ("os.symlink('/usr/share/pixmaps', 'a.png')", "os.mkdir('a.png')", "os.symlink('a.png', 'a.png')"):
        assert pool.render(f"import os\n{trick}", "python").status is Status.NO_OUTPUT, trick


def test_one_request_cannot_see_another(pool: RenderPool) -> None:
    spy = "import os, time\nt = time.time()\nwhile time.time() < t + 1: pass\n" + textwrap.dedent("""
        seen = []
        for n in range(10 ** 4):
            try:
                if not os.path.samefile(f'../../{n}', '..'):
                    seen += os.listdir(f'../../{n}')
            except FileNotFoundError: pass
            except PermissionError: pass
        raise SystemExit(seen)
    """)
    futures = [pool.submit(f"{spy}#{n}", "python") for n in range(2)]
    messages = [future.result().message for future in futures]
    assert all("rgb" not in message and "stderr" not in message and "work" not in message for message in messages)
