"""What one job leaves for the next: nothing that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from vincicoder.rendering import Render, RenderPool
from vincicoder.status import Status

# Searches every readable page of its own process by a pattern that does not match itself.
SEARCH = """
import ctypes, re
pattern = re.compile(rb"{pattern}")
found = 0
for line in open('/proc/self/maps'):
    where, rights = line.split()[:2]
    if rights[0] != 'r' or line.rstrip().endswith(('[vvar]', '[vsyscall]', '[vvar_vclock]')):
        continue
    start, end = (int(each, 16) for each in where.split('-'))
    try:
        page = ctypes.string_at(start, end - start)
    except Exception:
        continue
    found += len(pattern.findall(page))
{keep}
raise SystemExit(f'FOUND {{found}}')
"""
CANARY = "quokka-4711-canary"


def search(keep: str = "") -> str:
    return SEARCH.format(pattern=f"{CANARY[:-1]}[{CANARY[-1]}]", keep=keep)


def honest() -> str:
    return f"import matplotlib.pyplot as plt\nplt.title('{CANARY}')\nplt.plot([1, 2])"


def found(render: Render) -> int:
    assert render.image is None
    [count] = re.findall(r"FOUND (\d+)", render.message)
    return int(count)


@pytest.fixture(scope="module")
def spacious() -> Iterator[RenderPool]:
    with RenderPool(workers=4) as pool:
        yield pool


def test_the_search_finds_what_is_in_its_own_memory(spacious: RenderPool) -> None:
    assert found(spacious.render(search(keep=f"kept = {CANARY!r}"), "python")) > 0


def test_a_job_finds_nothing_of_those_before_it(spacious: RenderPool) -> None:
    for end in ("", "\nraise ValueError('quokka-4711-canary')", "\nimport os; os._exit(3)"):
        spacious.render(honest() + end, "python")
        assert found(spacious.render(search(), "python")) == 0


def test_a_job_finds_nothing_of_those_that_run_and_wait_beside_it(spacious: RenderPool) -> None:
    """A group of eight: four at work, four waiting, every other one a thief."""
    codes = [honest() + f"\n# {n}" if n % 2 else search() + f"\n# {n}" for n in range(16)]
    renders = [future.result() for future in [spacious.submit(code, "python") for code in codes]]
    assert all(render.status is Status.OK for render in renders[1::2])
    assert [found(render) for render in renders[::2]] == [0] * 8


def test_a_job_finds_nothing_of_what_another_left_to_the_browser(spacious: RenderPool) -> None:
    spacious.render(
        "import plotly.express as px\nx = px.bar(x=[1], y=[2], title='quokka-4711-canary')\nx.show()", "python"
    )
    assert found(spacious.render(search(), "python")) == 0


def test_a_long_job_leaves_nothing_either(spacious: RenderPool) -> None:
    """Longer than any socket's buffer, from several threads at once."""
    long = honest() + "\n" + f"# {CANARY}\n" * 100_000
    with ThreadPoolExecutor(3) as threads:
        renders = threads.map(lambda n: spacious.render(long + f"# {n}", "python"), range(3))
        assert all(render.status is Status.OK for render in renders)
    assert found(spacious.render(search(), "python")) == 0
