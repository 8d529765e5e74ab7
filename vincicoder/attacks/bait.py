"""What attacks are after, made for one attack and thrown away: files, sockets, a process; and what became of them.

The secret is a text that nobody else has. As an image it is a plain colour that no honest sample uses, so that it can
be recognised in a screenshot.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

VARIABLE = "VINCICODER_ATTACKED"
"""An environment variable of this process that holds a secret while attacks run."""

SIGNAL_COLOUR = (255, 0, 255)
"""The colour of everything that must not be seen; pages paint themselves so when they have succeeded."""

ESCAPED = "ESCAPED"
"""What code says when it has succeeded."""

_SEEN_PIXELS = 16


class Bait:
    """Files, sockets and a process to attack.

    Attributes:
        secret: A text that only the files of this bait hold.
        directory: Where its files are. Only this user may see it.
        victim: The id of a process that does nothing.
    """

    def __init__(self) -> None:
        self.secret = f"secret-{secrets.token_hex(12)}"
        self.directory = Path(tempfile.mkdtemp(prefix="bait-"))
        self._write_files()
        self._sockets = self._listen()
        self._process = subprocess.Popen(
            ["sleep", "100000"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.victim = self._process.pid
        self._before = self._state()

    @property
    def file(self) -> Path:
        """A text file with the secret."""
        return self.directory / "secret.txt"

    @property
    def marker(self) -> Path:
        """A path at which there must never be anything."""
        return self.directory / "intruder"

    def names(self) -> dict[str, Any]:
        """Return what an attack is told of it: constants by name."""
        names: dict[str, Any] = {
            "FILE": str(self.file),
            "MISSING": str(self.directory / "nobody.txt"),
            "DIRECTORY": str(self.directory),
            "MARKER": str(self.marker),
            "VICTIM": self.victim,
            "HOST": os.getpid(),
            "HOME": str(Path("~").expanduser()),
            "STREAM": str(self.directory / "stream"),
            "DATAGRAM": str(self.directory / "datagram"),
            "ABSTRACT": f"\0{self.secret}-stream",
            "ABSTRACT_DATAGRAM": f"\0{self.secret}-datagram",
            "SQUAT": f"\0{self.secret}-squat",
            "NETNS": str(Path("/proc/self/ns/net").readlink()),
            "TCP": self._sockets["tcp"].getsockname()[1],
            "UDP": self._sockets["udp"].getsockname()[1],
        }
        for suffix in ("png", "html", "svg", "tex", "rgb"):
            names[suffix.upper()] = str(self.directory / f"secret.{suffix}")
        return names

    def harm(self) -> str:
        """Return what shows that it was attacked with success; empty if nothing does."""
        reached = select.select(list(self._sockets.values()), [], [], 0)[0]
        if reached:
            return f"reached {', '.join(name for name, sock in self._sockets.items() if sock in reached)}"
        now = self._state()
        changed = [name for name, value in self._before.items() if now.get(name) != value]
        return f"changed {', '.join(f'{name}: {now.get(name)}' for name in changed)}"[:300] if changed else ""

    def close(self) -> None:
        """Remove all of it."""
        for sock in self._sockets.values():
            sock.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Bait:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write_files(self) -> None:
        paint = "\\pdfliteral direct{1 0 1 rg -500 -500 1000 1000 re f}"
        (self.directory / "secret.txt").write_text(self.secret + "\n")
        (self.directory / "secret.tex").write_text(f"{paint} % {self.secret}\n")
        (self.directory / "secret.html").write_text(f"<body style='background:#f0f'>{self.secret}")
        (self.directory / "secret.svg").write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"><rect id="a" width="99" height="99" '
            'fill="#f0f"/></svg>'
        )
        (self.directory / "secret.rgb").write_bytes(bytes(SIGNAL_COLOUR) * 64)
        Image.new("RGB", (99, 99), SIGNAL_COLOUR).save(self.directory / "secret.png")
        (self.directory / "empty").mkdir()
        (self.directory / "programs").mkdir()
        ghostscript = self.directory / "programs" / "gs"  # which Pillow starts for some files
        ghostscript.write_text(f"#!/bin/sh\n: > '{self.marker}'\n")
        ghostscript.chmod(0o755)
        os.mkfifo(self.directory / "pipe")
        with contextlib.suppress(OSError):  # not every file system has attributes
            os.setxattr(self.file, "user.origin", self.secret.encode())

    def _listen(self) -> dict[str, socket.socket]:
        unix, inet, stream, datagram = socket.AF_UNIX, socket.AF_INET, socket.SOCK_STREAM, socket.SOCK_DGRAM
        addresses: dict[str, tuple[int, int, Any]] = {
            "tcp": (inet, stream, ("127.0.0.1", 0)),
            "udp": (inet, datagram, ("127.0.0.1", 0)),
            "stream": (unix, stream, str(self.directory / "stream")),
            "datagram": (unix, datagram, str(self.directory / "datagram")),
            "abstract stream": (unix, stream, f"\0{self.secret}-stream"),
            "abstract datagram": (unix, datagram, f"\0{self.secret}-datagram"),
        }
        sockets = {}
        for name, (family, kind, address) in addresses.items():
            sockets[name] = sock = socket.socket(family, kind)
            sock.bind(address)
            if kind == stream:
                sock.listen()
        return sockets

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = {"files": sorted(path.name for path in self.directory.iterdir())}
        for path in sorted(self.directory.iterdir()):
            found = path.lstat()
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            with contextlib.suppress(OSError):
                content += b"".join(os.getxattr(path, name) for name in os.listxattr(path))
            attributes = (
                found.st_mode,
                found.st_uid,
                found.st_gid,
                found.st_nlink,
                found.st_mtime_ns,
                found.st_ctime_ns,
            )
            state[path.name] = (*attributes, content[:200])
        state["victim"] = self._victim_state()
        return state

    def _victim_state(self) -> tuple[Any, ...]:
        """Return whether the process runs, at which pace, and within which limits."""
        ended = self._process.poll()
        if ended is not None:
            return ("ended", ended)
        fields = Path(f"/proc/{self.victim}/stat").read_text().rpartition(")")[2].split()
        stopped = fields[0] in "tT"
        scheduled = (os.sched_getscheduler(self.victim), sorted(os.sched_getaffinity(self.victim)))
        limits = Path(f"/proc/{self.victim}/limits").read_text()
        return ("stopped" if stopped else "running", fields[16], scheduled, hash(limits))


def shows_secret(image: Image.Image | None) -> bool:
    """Whether an image shows the colour of the secret."""
    if image is None:
        return False
    colours = image.convert("RGB").getcolors(image.width * image.height) or []
    return sum(count for count, colour in colours if colour == SIGNAL_COLOUR) >= _SEEN_PIXELS


@contextmanager
def secret_environment() -> Iterator[str]:
    """Keep a secret in this process's environment, and a descriptor that children could inherit, and yield it."""
    secret = f"secret-{secrets.token_hex(12)}"
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = secret
    with tempfile.TemporaryFile() as file:
        file.write(secret.encode())
        file.flush()
        os.set_inheritable(file.fileno(), True)
        try:
            yield secret
        finally:
            if before is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before
