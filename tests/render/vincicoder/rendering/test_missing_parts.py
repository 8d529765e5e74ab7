"""Parts of the machine that go away while renders are under way: nobody is blamed, and all is well when they are back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from own_mounts import run_with_own_mounts

SMALL_DISK = 'mount -t tmpfs -o size=400m tmpfs "$TMPDIR"'

WITHOUT_TEX = """
import vincicoder.rendering.pool as pool_module
{find}
with RenderPool(workers=1) as pool:
    render = lambda number: pool.render(sample("latex", number), "latex")
    found = {{"before": render(0).status.value}}
    {remove}
    found["without"] = [[each.status.value, each.message] for each in map(render, range(1, 1 + {renders}))]
    subprocess.run(["umount", hidden], check=True)
    found["within the minute"] = render(98).status.value
    pool_module._RETRY_START_SECONDS = 0.0
    found["after"] = render(99).status.value
print(json.dumps(found))
"""

READ_ONLY = """
names = ["python", "svg", "latex"]
def read_only(*directories):  # a new file system above, as one in use cannot be made so
    for directory in directories:
        mount("-t", "tmpfs", "-o", "ro", "tmpfs", str(directory))
def over(*directories):
    for directory in directories:
        subprocess.run(["umount", str(directory)], check=True)
with RenderPool(workers=1) as pool:
    found = {"before": {name: pool.render(sample(name, 0), name).status.value for name in names}}
    roots = [server.root for server in pool._servers.values()]
    read_only(*roots)
    found["during"] = {name: pool.render(sample(name, 1), name).status.value for name in names}
    over(*roots)
    found["after"] = {name: pool.render(sample(name, 2), name).status.value for name in names}
found["left"] = os.listdir(TMPDIR)
read_only(TMPDIR)
with RenderPool(workers=1) as late:
    found["started late"] = [late.render(sample(name, 3), name) for name in [*names, "html"]]
found["started late"] = [[each.status.value, each.message] for each in found["started late"]]
print(json.dumps(found))
"""

NO_SHARED_MEMORY = """
from PIL import Image
from vincicoder.reward import RewardRequest, VisualReward
names = ["python", "svg", "latex", "html"]
target = Image.new("RGB", (200, 200), "white")
requests = [RewardRequest(f"```{name}\\n{LANGUAGES.get(name).sample}\\n```", target, language=name) for name in names]
with VisualReward("embedded", workers=2) as reward:
    results = reward.score(requests)
print(json.dumps([[result.language, result.status.value, result.overall > 0] for result in results]))
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    """Its path is short, as a browser's sockets need it."""
    with tempfile.TemporaryDirectory(prefix="parts-") as name:
        yield Path(name)


def without_tex(directory: Path, find: str, remove: str, renders: int) -> dict[str, object]:
    script = WITHOUT_TEX.format(find=find, remove=remove, renders=renders)
    found: dict[str, object] = run_with_own_mounts(directory, SMALL_DISK, script)
    return found


def test_tex_removed_in_mid_run_is_said_to_be_missing(directory: Path) -> None:
    find = "import shutil; hidden = os.path.realpath(shutil.which('pdflatex'))"
    found = without_tex(directory, find, "mount('--bind', '/dev/null', hidden)", 5)
    assert found["before"] == found["after"] == "ok"
    assert {status for status, _ in found["without"]} == {"infrastructure"}  # type: ignore[attr-defined]
    assert "pdflatex is not installed" in found["without"][-1][1]  # type: ignore[index]
    assert found["within the minute"] == "infrastructure"


@pytest.mark.slow
def test_tex_without_its_files_is_found_out_by_the_sample(directory: Path) -> None:
    """Code can fail in the same way, so some of it is blamed until the sample is rendered again."""
    find = "hidden = subprocess.check_output(['kpsewhich', 'standalone.cls'], text=True).split('/tex/latex/')[0]"
    found = without_tex(directory, find, "mount('-t', 'tmpfs', 'tmpfs', hidden)", 9)
    assert found["before"] == found["after"] == "ok"
    assert [status for status, _ in found["without"]][7:] == ["infrastructure"] * 2  # type: ignore[attr-defined]
    assert "fails on a sample" in found["without"][-1][1]  # type: ignore[index]


@pytest.mark.slow
def test_a_read_only_temporary_directory_is_the_machines_fault(directory: Path) -> None:
    found = run_with_own_mounts(directory, SMALL_DISK, READ_ONLY)
    assert set(found["before"].values()) == set(found["after"].values()) == {"ok"}, found
    assert set(found["during"].values()) == {"infrastructure"}, found
    assert {status for status, _ in found["started late"]} == {"infrastructure"}
    assert all("TMPDIR" in message for _, message in found["started late"]), found
    assert found["left"] == []


@pytest.mark.slow
def test_nothing_needs_shared_memory(directory: Path) -> None:
    setup = f"{SMALL_DISK}\nmount -t tmpfs -o ro,size=4k tmpfs /dev/shm"
    found = run_with_own_mounts(directory, setup, NO_SHARED_MEMORY)
    assert [[status, scored] for _, status, scored in found] == [["ok", True]] * 4, found
