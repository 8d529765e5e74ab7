"""What the children of a fork server use, held against the limits of a job."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from vincicoder.rendering.renderer import Policy
from vincicoder.status import Status

from . import disk, processes, wire

OPEN_SECONDS = 90.0
PATIENCE = 4
"""Times the wall limit that a job may take in all, where it had to wait for a CPU."""

_TREE_TICK, _DISK_TICK = 0.3, 0.5  # finding a browser's family costs 1 ms, looking through its directory 2
_MAX_FILES = 4096


@dataclass
class Child:
    """A process that a fork server has forked, and the job that it has, with the CPU time that this may use."""

    pid: int
    sock: socket.socket
    directory: str
    opening: bool
    served: int = 0
    job: int | None = None
    cpu_seconds: float = 0.0
    started: float = 0.0
    cpu_before: float = 0.0
    waited_before: float = 0.0
    disk_checked: float = 0.0


class Watch:
    """Look at children's use.

    Args:
        limits: The limits of each job.
        policy: What children may touch.
        starts_programs: Whether children may start programs, whose use counts as theirs.
    """

    def __init__(self, limits: wire.Message, policy: Policy, starts_programs: bool) -> None:
        self._limits = limits
        self._policy = policy
        self._starts_programs = starts_programs
        self._seen = 0.0
        self.tree = processes.Tree()

    def look_again(self, now: float) -> None:
        """Forget who started whom, if that is old."""
        if now - self._seen > _TREE_TICK:
            self._seen, self.tree = now, processes.Tree()

    def usage(self, child: Child) -> processes.Usage:
        """Return what a child uses, with all that it started."""
        if self._starts_programs:
            return self.tree.usage(child.pid)
        return processes.usage_of(child.pid)

    def cpu_seconds(self, child: Child) -> float:
        """Return the CPU time of a child, with all that it started."""
        if self._starts_programs:
            return self.tree.cpu_seconds(child.pid)
        return processes.cpu_seconds(child.pid)

    def begin(self, child: Child, told: tuple[float, float] | None = None) -> None:
        """Remember what a child used before the job that begins now.

        Args:
            child: The child.
            told: The CPU seconds that it says to have used, and the seconds that it waited for a CPU. It has run no
                code yet, and knows both better than the kernel's count of 10 ms, which is read where this is None.
        """
        child.cpu_before, child.waited_before = told or (self.cpu_seconds(child), self._waited_seconds(child))

    def verdict(self, child: Child, now: float, at_once: bool) -> wire.Message | None:
        """Return what ends a child's job now, if anything does.

        Args:
            child: A child that has a job.
            now: The time.
            at_once: Look through its directory out of turn.

        Raises:
            OSError: If this cannot be found out.
        """
        return self._excess(child, now) or self._too_large(child, now, at_once)

    def _excess(self, child: Child, now: float) -> wire.Message | None:
        limits = self._limits
        if child.opening:
            late = now - child.started > OPEN_SECONDS
            return verdict_of(Status.INFRASTRUCTURE, f"a worker did not start in {OPEN_SECONDS:g} s") if late else None
        if self._took_too_long(child, now - child.started):
            return verdict_of(Status.TIMEOUT, f"took longer than {limits['wall_seconds']:g} s")
        use = self.usage(child)
        if use.cpu_seconds - child.cpu_before > child.cpu_seconds:
            return verdict_of(Status.TIMEOUT, f"used more than {child.cpu_seconds:.3g} s of CPU time")
        if not self._policy.address_space and use.memory_bytes > limits["memory_mb"] << 20:
            return verdict_of(Status.OUT_OF_MEMORY, f"used more than {limits['memory_mb']} MiB")
        if use.tasks > limits["tasks"]:
            return verdict_of(Status.FORBIDDEN, f"started more than {limits['tasks']} processes and threads")
        return None

    def _took_too_long(self, child: Child, seconds: float) -> bool:
        """Compare a job's time with the limit; what it waited for a CPU is not its own fault, up to a point."""
        limit: float = self._limits["wall_seconds"]
        if seconds <= limit:  # the usual case, which asks the kernel nothing
            return False
        waited = self._waited_seconds(child) - child.waited_before
        return seconds - waited > limit or seconds > PATIENCE * limit

    def _too_large(self, child: Child, now: float, at_once: bool) -> wire.Message | None:
        limits = self._limits
        if child.opening or not (at_once or now - child.disk_checked > _DISK_TICK):
            return None
        child.disk_checked = now
        size, files = disk.use(child.directory, _MAX_FILES)
        if not self._policy.processes:  # a browser's processes share memory that way, and TeX cannot
            size += disk.nameless_use(child.pid, child.directory, limits["output_mb"] << 20)
        if size > limits["output_mb"] << 20 or files > _MAX_FILES:
            return verdict_of(Status.TOO_LARGE, f"wrote more than {limits['output_mb']} MiB or {_MAX_FILES} files")
        return None

    def _waited_seconds(self, child: Child) -> float:
        if self._starts_programs:
            return self.tree.waited_seconds(child.pid)
        return processes.waited_seconds(child.pid)


def verdict_of(status: Status, message: str) -> wire.Message:
    """Return what the client is told of a job that was ended."""
    return {"status": status.value, "message": message}
