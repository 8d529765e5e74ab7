"""What the soak test is made of: good and hostile code, who kills, and what belongs to this process."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

from PIL import Image, ImageDraw

from vincicoder.rendering.sandbox import processes

_SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><circle cx="20" cy="20" r="{}" fill="{}"/></svg>'
_SCRIPT = "from PIL import Image, ImageDraw\nimage = Image.new('RGB', (300, 300), 'white')\n"
_SCRIPT += "ImageDraw.Draw(image).ellipse(({0}, {0}, 250, 250), 'red')\nimage.save('out.png')"
_CHART = "import matplotlib.pyplot as plt\nplt.figure(figsize=(3, 3))\nplt.plot([1, 3, 2])\nplt.savefig('out.png')"
_PAGE = "<!DOCTYPE html><body style='margin:0'><div style='width:{}px;height:300px;background:red'></div></body>"
_TIKZ = r"\begin{{tikzpicture}}\fill[red] (0,0) circle ({}cm);\end{{tikzpicture}}"

GOLD = {
    "svg": [_SVG.format(*each) for each in ((15, "red"), (10, "red"), (15, "blue"), (5, "green"))],
    "python": [*[_SCRIPT.format(each) for each in (50, 80, 120)], _CHART],
    "html": [_PAGE.format(each) for each in (300, 200)],
    "latex": [_TIKZ.format(each) for each in (1, 2)],
}
"""Good code by language. Each always earns the same."""

_WAIT = "import threading; threading.Event().wait(2)"
HOSTILE = {
    "svg": {
        "not closed": "<svg",
        "an entity": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
        "a huge image": '<svg xmlns="http://www.w3.org/2000/svg" width="999999" height="999999"/>',
        "a file": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><image href="file:///etc/passwd"/></svg>',
        "deep": "<svg xmlns='http://www.w3.org/2000/svg'>" + "<g>" * 3000 + "</g>" * 3000 + "</svg>",
    },
    "python": {
        "an error": "1 / 0",
        "an endless loop": "while True: pass",
        "its own end": "import os; os._exit(1)",
        "a crash": "import ctypes; ctypes.string_at(0)",
        "a secret": "open('/etc/passwd')",
        "a connection": "import socket; socket.socket()",
        "a process": "import os; os.fork()",
        "a kill of its parent": "import os; os.kill(os.getppid(), 9)",
        "a forged answer": "import os\nfor fd in range(3, 9):\n  try: os.write(fd, b'k' * 999)\n"
        f"  except OSError: pass\n{_WAIT}",
        "a closed channel": f"import os; os.closerange(3, 99); {_WAIT}",
        "memory": "x = []\nwhile True: x.append(bytearray(10 ** 8))",
        "a huge file": "with open('f', 'wb') as f: f.truncate(10 ** 10)",
        "many files": "for i in range(5000): open(f'f{i}', 'w').close()",
        "deep directories": "import os\nfor i in range(300): os.mkdir('d'); os.chdir('d')",
        "directories without rights": "import os; os.makedirs('a/b'); os.chmod('a', 0); os.chmod('.', 0o500)",
        "a pipe for an image": "import os; os.mkfifo('out.png')",
        "no image": "x = 1",
    },
    "html": {
        "an endless script": "<script>while (true) {}</script>",
        "a flood of history": "<script>for (let i = 0; i < 500; i++) history.pushState(0, '', '#' + i)</script>",
        "windows": "<script>for (let i = 0; i < 20; i++) window.open('about:blank')</script><p>text",
        "a dialog": "<script>alert(1); confirm(2)</script><p>text",
        "another page": "<meta http-equiv=refresh content='0;url=file:///etc/passwd'><p>text",
        "a page without end": "<body style='height:9999999px'>",
    },
    "latex": {
        "an endless loop": r"\loop\iftrue\repeat",
        "a command": r"\immediate\write18{touch /tmp/owned}\undefinedcommand",
        "a file": r"\input{/etc/passwd}",
        "an error": r"\begin{tikzpicture}\draw (0,0) -- \end{tikzpicture}",
        "a written log": r"\newwrite\w\immediate\openout\w=figure.log\immediate\closeout\w\undefinedcommand",
    },
}
"""Hostile and broken code by language, none of which may harm anyone."""


@functools.cache
def target() -> bytes:
    """Return the target of all requests, as a PNG file."""
    image = Image.new("RGB", (300, 300), "white")
    ImageDraw.Draw(image).ellipse((50, 50, 250, 250), "red")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


class Killer:
    """Kills processes that this one has started, at random moments, from threads of its own.

    Args:
        seed: Decides the moments and the victims, as far as a machine repeats itself.
        workers: Shortest and longest pause in seconds between kills of a renderer's process, a browser's, TeX or a
            pixel worker; None for none.
        servers: Likewise between kills of fork servers.
        spared: Seconds for which most fork servers are spared after their start, or none would ever be ready; every
            tenth is not.

    Attributes:
        killed: How many of each kind it has killed.
        resting: Whether fork servers are left in peace for now.
    """

    def __init__(
        self,
        seed: int,
        workers: tuple[float, float] | None,
        servers: tuple[float, float] | None,
        spared: float = 5.0,
    ) -> None:
        self._spared = spared
        self.killed: Counter[str] = Counter()
        self.resting = False
        self._over = threading.Event()
        kinds = {"worker": workers, "server": servers}
        self._threads = [
            threading.Thread(target=self._run, args=(kind, random.Random(f"{kind}/{seed}"), pause))
            for kind, pause in kinds.items()
            if pause
        ]

    def _run(self, kind: str, chance: random.Random, pause: tuple[float, float]) -> None:
        while not self._over.wait(chance.uniform(*pause)):
            if kind == "server" and self.resting:
                continue
            servers = {pid for pid in processes.Tree().children(os.getpid()) if _runs(pid, "sandbox")}
            below = set(processes.descendants(os.getpid())) - servers
            if kind == "server":
                spared = self._spared if chance.random() < 0.9 else 0.0
                found = {pid for pid in servers if _age(pid) >= spared}
            else:  # what removes a large directory is left in peace, as nobody would be there to do it again
                found = {pid for pid in below if not _runs(pid, "rm", "sh", "chmod")}
            if found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(chance.choice(sorted(found)), signal.SIGKILL)
                    self.killed[kind] += 1

    def __enter__(self) -> Killer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def _age(pid: int) -> float:
    try:
        started = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")


def _runs(pid: int, *words: str) -> bool:
    """Whether a process's command has one of these words in it, as a whole argument or the end of one."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return True  # gone
    return any(argument.endswith(word) for argument in command[:4] for word in words)


def belongings(directory: str, before: dict[str, set[str]] | None = None) -> dict[str, set[str]]:
    """Return what this process has: processes, files, descriptors, threads, shared memory and sockets with a name.

    Args:
        directory: The directory for temporary files.
        before: What it had before and may have still.
    """
    sockets = [line.split(None, 7) for line in Path("/proc/net/unix").read_text().splitlines()]
    found = {
        "processes": {_command(pid) for pid in processes.descendants(os.getpid())},
        "files": {str(path) for path in Path(directory).rglob("*")},
        "descriptors": {str(number) for number in range(sum(1 for _ in Path("/proc/self/fd").iterdir()))},
        "threads": {thread.name for thread in threading.enumerate()},
        "shared memory": {path.name for path in Path("/dev/shm").iterdir()} if Path("/dev/shm").is_dir() else set(),
        "sockets": {each[7] for each in sockets if len(each) == 8 and directory in each[7]},
    }
    return {kind: now - (before or {}).get(kind, set()) for kind, now in found.items()}


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return f"{pid} " + Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200]
    return str(pid)
