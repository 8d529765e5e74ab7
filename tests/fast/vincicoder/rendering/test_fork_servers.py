"""Fork servers that share the libraries: many for many workers, and plain ones for plain charts."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vincicoder.rendering import RenderPool
from vincicoder.rendering.python import PythonRenderer
from vincicoder.rendering.sandbox.processes import descendants

pytestmark = pytest.mark.long

CHART = "import numpy as np\nimport matplotlib.pyplot as plt\nplt.bar(np.arange(3), [1, 3, 2], label='a')\nplt.legend()"
MARK = "  # pandas"  # what makes a script need everything
LOADED = """import sys, matplotlib.pyplot
from PIL import Image
Image.new("RGB", (9, 100 if any(name.startswith("pan" + "das") for name in sys.modules) else 1)).save("a.png")"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="{}"/></svg>'


@pytest.fixture(scope="module")
def wide() -> Iterator[RenderPool]:
    """A pool of so many workers that a renderer has three servers."""
    with RenderPool(workers=9) as pool:
        yield pool


@pytest.mark.parametrize(
    ("code", "plain"),
    [
        (CHART, True),
        (
            "from __future__ import annotations\nimport os.path, io as files\nfrom mpl_toolkits.mplot3d import Axes3D",
            True,
        ),
        ("import matplotlib as mpl, seaborn as sns", False),
        ("def f():\n    from scipy import stats", False),
        ("import os; import pandas", False),
        ("import squarify", False),
        ("from . import squarify", True),  # which fails wherever it runs
        ("import importlib\nimportlib.import_module('plot' + 'ly.express')", False),
        ("import matplotlib.pyplot as plt\nplt.set_cmap('rocket')", False),
        ("import", True),
        ("", True),
    ],
)
def test_what_code_imports_decides_whether_it_is_plain(code: str, plain: bool) -> None:
    assert PythonRenderer.is_plain(code) is plain


def test_plain_code_runs_where_less_is_loaded(pool: RenderPool) -> None:
    pytest.importorskip("pandas")
    sizes = [image.size for code in (LOADED, LOADED + MARK) if (image := pool.render(code, "python").image)]
    assert sizes == [(9, 1), (9, 100)]


@pytest.mark.parametrize(
    "code",
    [
        CHART,
        "import matplotlib.pyplot as plt\nplt.title('$x^2$ 中文'); plt.plot([1, 2], [3, 1]); plt.savefig('a.png', dpi=80)",
        "import numpy as np, matplotlib.pyplot as plt\nplt.imshow(np.random.rand(9, 9), cmap='viridis'); plt.colorbar()",
        "import matplotlib.pyplot as plt\nplt.style.use('ggplot')\nplt.figure().add_subplot(projection='3d').plot([1, 2], [2, 1])",
        "import datetime, matplotlib.pyplot as plt\nplt.plot([datetime.date(2024, 1, day) for day in (1, 9)], [1, 2])",
    ],
    ids=["bars", "text", "random", "3d", "dates"],
)
def test_a_plain_server_gives_the_same_image_as_a_full_one(pool: RenderPool, code: str) -> None:
    plain, full = (pool.render(each, "python") for each in (code, code + MARK))
    assert plain.image is not None, plain
    assert plain.image == full.image


def test_many_workers_have_several_servers_and_all_of_them_work(wide: RenderPool) -> None:
    futures = [wide.submit(SVG.format(1 + number / 50), "svg") for number in range(60)]
    assert all(future.result().ok for future in futures)
    channels = wide._servers["svg"]._channels
    assert len(channels) == 3
    assert all(channel._serial for channel in channels)


@pytest.mark.parametrize("which", ["the first", "another"])
def test_servers_end_together_and_their_work_is_done_again(wide: RenderPool, which: str) -> None:
    wide.start("svg")
    server = wide._servers["svg"]
    forked = [pid for pid in descendants(server.pid) if os.getsid(pid) == server.pid]
    assert len(forked) == 2
    futures = [wide.submit(SVG.format(2 + number / 50), "svg") for number in range(40)]
    os.kill(server.pid if which == "the first" else forked[-1], signal.SIGKILL)
    renders = [future.result() for future in futures]
    assert not [render for render in renders if not render.ok]
    deadline = time.monotonic() + 20
    while (left := [pid for pid in (server.pid, *forked) if _runs(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left
    assert wide.render(SVG.format(4), "svg").ok
    assert wide._servers["svg"] is not server
    assert not server.root.exists()


def test_a_server_that_takes_no_job_is_replaced_before_its_end_is_known(wide: RenderPool, monkeypatch) -> None:
    wide.start("svg")
    server = wide._servers["svg"]

    for channel in server._channels:
        monkeypatch.setattr(channel, "send", lambda *job: False)
    assert wide.render(SVG.format(5), "svg").ok
    assert wide._servers["svg"] is not server


def test_closing_ends_every_server() -> None:
    with RenderPool(workers=5) as pool:
        assert pool.render(CHART, "python").ok
        server = pool._servers["python"]
        family = [server.pid, *descendants(server.pid)]
        assert len(family) >= 4  # two full, two plain
    assert not [pid for pid in family if _runs(pid)]
    assert not server.root.exists()


def _runs(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_standard_library_is_plain() -> None:
    assert all(PythonRenderer.is_plain(f"import {name}") for name in sys.stdlib_module_names)
