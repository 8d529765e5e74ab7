"""A worker process: a module of ours, run by the same interpreter, at the other end of a pipe.

Not a fork, which would copy a trainer's threads and GPU, and not ``multiprocessing``, which would run the user's script
again. Both ends are ours, so they speak pickle.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from vincicoder.registry import adopt, exported


class WorkerProcess:
    """A worker process, seen from the thread that it belongs to.

    Args:
        module: What it runs; the module calls `served` when it is run.
        nice: Its niceness.

    Attributes:
        connection: The pipe to it.
    """

    def __init__(self, module: str, nice: int) -> None:
        self.connection, theirs = Pipe()
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

    def receive(self, seconds: float) -> Any:
        """Return what it sends next.

        Raises:
            TimeoutError: Nothing came in so many seconds.
            EOFError: It has ended.
        """
        if not self.connection.poll(seconds):
            raise TimeoutError(f"no answer in {seconds:g} s")
        return self.connection.recv()

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()
        self.connection.close()


def served() -> Connection[Any, Any]:
    """Return the pipe to whoever started this process as a `WorkerProcess`, having adopted its plugins."""
    adopt(json.loads(sys.argv[2]))
    return Connection(int(sys.argv[1]))
