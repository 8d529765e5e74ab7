"""Confine the calling process for good: capabilities, resource limits, Landlock, seccomp."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import site
import sys
from dataclasses import dataclass, field
from pathlib import Path

from vincicoder.rendering.renderer import Policy

from . import landlock, seccomp

_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 24, 36, 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_CAPABILITY_VERSION_3 = 0x20080522
_SYSTEM_DIRECTORIES = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin")
_SYSTEM_FILES = (
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/mime.types",
    "/etc/ssl/openssl.cnf",
    "/etc/alternatives",
    "/var/cache/fontconfig",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/version",
    "/proc/filesystems",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/vm",
    "/sys/devices/system/cpu",
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


@dataclass(frozen=True)
class Layers:
    """Which confinement this machine offers.

    Attributes:
        landlock: Interface version of the kernel's Landlock; 0 when missing.
        seccomp: Whether a system-call filter can be installed.
        problems: What is missing, one sentence each; empty when ``confine`` will work.
    """

    landlock: int
    seccomp: bool
    problems: tuple[str, ...] = field(default=())


def _prctl(option: int, *args: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    padded = [ctypes.c_ulong(value) for value in (*args, 0, 0, 0, 0)[:4]]
    if libc.prctl(option, *padded) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the thread that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, 9)


def adopt_orphans() -> None:
    """Make this process the new parent of descendants that lose theirs, so that none can get away."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


_ELSEWHERE = (
    "Code is confined by Landlock and seccomp, which are parts of Linux, and this is {system}. Here works what runs no"
    " generated code: align, and the commands plan, watch, card, path. Render in Docker, or over HTTP on a Linux"
    " machine where `vincicoder serve` runs."
)


def on_linux() -> bool:
    """Return whether this is Linux, whose kernel alone can confine code as it is done here."""
    return sys.platform.startswith("linux")


def layers() -> Layers:
    """Return what the kernel offers, without confining anything."""
    if not on_linux():
        return Layers(0, False, (_ELSEWHERE.format(system=platform.system() or sys.platform),))
    abi = landlock.version()
    problems = []
    if abi < 1:
        problems.append("Landlock is missing: it needs Linux 5.13 or newer with 'landlock' among the kernel's lsm=.")
    has_seccomp = seccomp.supported() and os.path.exists("/proc/sys/kernel/seccomp")  # noqa: PTH110
    if not has_seccomp:
        problems.append("seccomp filters are missing: they need Linux on x86-64 or arm64 with CONFIG_SECCOMP_FILTER.")
    return Layers(abi, has_seccomp, tuple(problems))


def drop_capabilities() -> None:
    """Give up every capability, so that root inside is no more than any user."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(64):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break  # past the last one, or not privileged, and then there is nothing to drop
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    if libc.capset(ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)())) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"capset: {os.strerror(number)}")


def _limit(which: int, value: int, name: str = "") -> None:
    """Set a limit.

    Raises:
        OSError: A lower one holds for this process already, and has a name: code would be blamed for reaching it.
    """
    hard = resource.getrlimit(which)[1]
    if hard != resource.RLIM_INFINITY and hard < value:
        if name:
            raise OSError(f"`ulimit {name}` allows {hard} where a render may use {value}: raise it, or lower its limit")
        value = hard
    resource.setrlimit(which, (value, value))


def _address_space() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


def limit_resources(cpu_seconds: float, memory_mb: int, output_mb: int, address_space: bool) -> None:
    """Set the kernel's limits for this process and its children.

    Args:
        cpu_seconds: CPU time per process; the server watches the sum over processes.
        memory_mb: Address space in MiB above what is mapped now.
        output_mb: Largest file in MiB.
        address_space: Whether to limit address space at all.

    Raises:
        OSError: A lower limit holds already, by `ulimit`.
    """
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, int(cpu_seconds) + 2, "-t (in s)")
    _limit(resource.RLIMIT_FSIZE, output_mb << 20, "-f (in bytes)")
    _limit(resource.RLIMIT_NOFILE, 1024)
    _limit(resource.RLIMIT_MSGQUEUE, 0)
    if address_space:
        _limit(resource.RLIMIT_AS, _address_space() + (memory_mb << 20), "-v (in bytes)")


def interpreter_directories() -> list[str]:
    """Return the directories that this interpreter imports from, but no project that it was merely pointed at."""
    directories = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix, *site.getsitepackages()}
    return sorted({os.path.realpath(directory) for directory in directories})


def library_directories() -> list[str]:
    """Return the directories of installed packages that this interpreter imports from, wherever they are."""
    return [directory for directory in sys.path if directory and _holds_packages(Path(directory))]


def _holds_packages(directory: Path) -> bool:
    try:
        return any(directory.glob("*.dist-info"))
    except OSError:  # of another user's, and so of no use to this one
        return False


def confine(policy: Policy, directory: str) -> None:
    """Confine this process and all it will start to reading system files and writing to ``directory``.

    Raises:
        OSError: If any layer cannot be put in place. The process must then not go on.
    """
    drop_capabilities()
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    fonts = [f"{os.environ['XDG_DATA_HOME']}/fonts"] if "XDG_DATA_HOME" in os.environ else []
    own = [*interpreter_directories(), *policy.read, f"/proc/{os.getpid()}"]
    read = [*_SYSTEM_DIRECTORIES, *_SYSTEM_FILES, *fonts, *own]
    landlock.restrict(read, [directory], _DEVICES)
    allowance = seccomp.Allowance(
        processes=policy.processes, local_sockets=policy.local_sockets, shared_memory=policy.shared_memory
    )
    seccomp.install(allowance)


def forbid_processes() -> None:
    """Tighten an existing confinement: this process may still become another program, but start none."""
    seccomp.install(seccomp.Allowance(execute=True))
