"""A worker process: a module of ours, run by the same interpreter, at the other end of a pair of sockets.

Not a fork, which would copy a trainer's threads and GPU, and not ``multiprocessing``, which would run the user's script
again. Both ends are ours, so they speak pickle.
"""

from __future__ import annotations

import io
import json
import mmap
import os
import pickle
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vincicoder.registry import adopt, exported
from vincicoder.similarity.pixels import pixels

_HEADER = struct.Struct("!QI")  # length of the message, and how many files come with it
_LARGE = 1 << 16  # bytes that are worth a file of their own
_MOST_FILES = 64  # of one message; the kernel takes 253


class Line:
    """One end of a pair of sockets. Large buffers, such as images, travel as files in memory.

    So they cost next to nothing under the interpreter's lock: pickling an image would copy it twice, and sending it
    takes the lock dozens of times.

    Args:
        sock: This end, a stream.

    Example:
        >>> ours, theirs = map(Line, socket.socketpair())
        >>> ours.send({"target": Image.new("RGB", (200, 200), "red")})
        >>> theirs.receive()["target"].getpixel((0, 0))
        (255, 0, 0)
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def send(self, message: Any) -> None:
        """Send a message: anything that can be pickled.

        Raises:
            OSError: The other end is gone.
        """
        files: list[int] = []

        def stays(buffer: pickle.PickleBuffer) -> bool:
            content = buffer.raw()
            if content.nbytes < _LARGE or len(files) == _MOST_FILES:
                return True
            files.append(os.memfd_create("message"))
            while content:
                content = content[os.write(files[-1], content) :]
            return False

        try:
            file = io.BytesIO()
            _Pickler(file, 5, buffer_callback=stays).dump(message)
            socket.send_fds(self._sock, [_HEADER.pack(file.tell(), len(files))], files)
            self._sock.sendall(file.getbuffer())
        finally:
            for each in files:
                os.close(each)

    def receive(self, seconds: float | None = None) -> Any:
        """Return what the other end sends next.

        Args:
            seconds: How long to wait for it; None for ever.

        Raises:
            TimeoutError: Nothing came in so many seconds.
            EOFError: The other end is gone.
        """
        self._sock.settimeout(seconds)
        header, files, _, _ = socket.recv_fds(self._sock, _HEADER.size, _MOST_FILES, socket.MSG_WAITALL)
        try:
            if len(header) < _HEADER.size:
                raise EOFError
            length, _ = _HEADER.unpack(header)
            message = memoryview(bytearray(length))
            left = message
            while left:
                count = self._sock.recv_into(left)
                if not count:
                    raise EOFError
                left = left[count:]
            return pickle.loads(message, buffers=[mmap.mmap(each, 0, prot=mmap.PROT_READ) for each in files])
        finally:
            for each in files:
                os.close(each)

    def close(self) -> None:
        """Close this end."""
        self._sock.close()


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, Image.Image) and value.mode == "RGB" and min(value.size) > 0:
            return _image, (value.size, pickle.PickleBuffer(np.ascontiguousarray(pixels(value)).data))
        return NotImplemented


def _image(size: tuple[int, int], content: Any) -> Image.Image:
    return Image.frombytes("RGB", size, content)


class WorkerProcess:
    """A worker process, seen from the thread that it belongs to.

    Args:
        module: What it runs; the module calls `served` when it is run.
        nice: Its niceness.

    Attributes:
        line: Our end of the line to it.
    """

    def __init__(self, module: str, nice: int) -> None:
        ours, theirs = socket.socketpair()
        self.line = Line(ours)
        package = str(Path(__file__).resolve().parents[2])
        paths = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, str(theirs.fileno()), json.dumps(exported())],
            env={**os.environ, "PYTHONPATH": paths},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the process that asks
        )
        theirs.close()
        os.setpriority(os.PRIO_PROCESS, self._process.pid, nice)

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()
        self.line.close()


def served() -> Line:
    """Return the line to whoever started this process as a `WorkerProcess`, having adopted its plugins."""
    adopt(json.loads(sys.argv[2]))
    return Line(socket.socket(fileno=int(sys.argv[1])))
