"""A seccomp filter built by hand: a list of refused system calls, with the architecture checked first.

The filter starts by refusing foreign architectures, x32 numbers and every call newer than its tables, so that what
a later kernel adds stays closed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from dataclasses import dataclass

from .syscalls import NEWEST, NUMBERS, PRETENDED, REFUSED, UNSUPPORTED

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_LD_W_ABS, _AND, _JEQ, _JGE, _JSET, _RET = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_NR, _ARCH, _ARG0 = 0, 4, 16

_X32_BIT = 0x40000000

_CLONE_NAMESPACES = 0x7E020000  # NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET | NEWNS
_CLONE_THREAD = 0x00010000
_AF_UNIX, _AF_NETLINK = 1, 16
_SOCK_STREAM, _SOCK_SEQPACKET, _SOCK_TYPE = 1, 5, 0xF  # the other bits are SOCK_NONBLOCK and SOCK_CLOEXEC
_NETLINK_ROUTE = 0
_TIOCSTI, _TIOCLINUX, _FIOSETOWN, _SIOCSPGRP = 0x5412, 0x541C, 0x8901, 0x8902
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX, _F_SETLEASE, _F_NOTIFY = 8, 10, 15, 1024, 1026
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_PRIO_PROCESS, _IOPRIO_WHO_PROCESS = 0, 1
_SIGKILL = 9

MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}

Instruction = tuple[int, int, int, int]


@dataclass(frozen=True)
class Allowance:
    """What a filter leaves open beyond pure computation and files.

    Attributes:
        processes: May start processes and programs and signal them.
        execute: May replace itself by a program, once the filter is in place (without ``processes``).
        local_sockets: May make Unix and netlink sockets; Internet sockets are always refused.
        shared_memory: May make anonymous shared files.
    """

    processes: bool = False
    execute: bool = False
    local_sockets: bool = False
    shared_memory: bool = False


def supported() -> bool:
    """Return whether this architecture has a table here."""
    return platform.machine() in MACHINES


def _statement(code: int, value: int) -> Instruction:
    return (code, 0, 0, value)


def _return(action: int) -> Instruction:
    return _statement(_RET, action)


def _error(number: int) -> Instruction:
    return _return(_ERRNO | number)


class _Program:
    """A filter under construction: blocks that each decide one call and otherwise fall through."""

    def __init__(self, column: int) -> None:
        self.column = column
        self.code: list[Instruction] = []

    def on(self, name: str, *body: Instruction) -> None:
        """Run ``body``, which must end in a return, when the call is ``name``; the accumulator holds its number."""
        number = NUMBERS[name][self.column]
        if number is not None:
            self.code += [(_JEQ, 0, len(body), number), *body]


def _argument(index: int) -> Instruction:
    return _statement(_LD_W_ABS, _ARG0 + 8 * index)


def _only(index: int, values: tuple[int, ...], error: int = errno.EPERM) -> list[Instruction]:
    """Allow the call when an argument has one of these values."""
    tests = [(_JEQ, len(values) - position, 0, value) for position, value in enumerate(values)]
    return [_argument(index), *tests, _error(error), _return(_ALLOW)]


def _masked(index: int, mask: int, values: tuple[int, ...]) -> list[Instruction]:
    """Allow the call when some bits of an argument have one of these values."""
    load, *tests = _only(index, values, errno.EACCES)
    return [load, _statement(_AND, mask), *tests]


def _never(index: int, values: tuple[int, ...]) -> list[Instruction]:
    """Allow the call unless an argument has one of these values."""
    last = len(values) - 1
    tests = [(_JEQ, last - position, int(position == last), value) for position, value in enumerate(values)]
    return [_argument(index), *tests, _error(errno.EPERM), _return(_ALLOW)]


def build(allow: Allowance, pid: int) -> list[Instruction]:
    """Return the filter as BPF instructions.

    Args:
        allow: What stays open.
        pid: The confined process's own id: without ``allow.processes`` it can signal nothing else.

    Raises:
        OSError: On an architecture without a table.
    """
    if not supported():
        raise OSError(f"no seccomp table for {platform.machine()}")
    arch, column = MACHINES[platform.machine()]
    program = _Program(column)
    program.code += [
        _statement(_LD_W_ABS, _ARCH),
        (_JEQ, 1, 0, arch),
        _return(_KILL_PROCESS),
        _statement(_LD_W_ABS, _NR),
        (_JGE, 0, 1, _X32_BIT),
        _return(_KILL_PROCESS),
        (_JGE, 0, 1, NEWEST + 1),
        _error(errno.ENOSYS),
    ]
    for name in PRETENDED:
        program.on(name, _error(0))
    for name in UNSUPPORTED:
        program.on(name, _error(errno.EOPNOTSUPP))
    for name in REFUSED:
        program.on(name, _error(errno.EPERM))
    _sockets(program, allow)
    _processes(program, allow, pid)
    # It would take a disk in milliseconds, before anyone can look; libc then writes, as on a file system without it.
    program.on("fallocate", _error(errno.EOPNOTSUPP))
    if not allow.shared_memory:
        program.on("memfd_create", _error(errno.EPERM))
    program.on("prlimit64", *_only(0, (0,)))
    program.on("ioctl", *_never(1, (_TIOCSTI, _TIOCLINUX, _FIOSETOWN, _SIOCSPGRP)))
    # A descriptor's owner is sent whatever signal F_SETSIG names, also SIGKILL, without any call of kill.
    # A lease makes others wait to open a file; F_NOTIFY tells of what they do in a directory.
    program.on("fcntl", *_never(1, (_F_SETOWN, _F_SETSIG, _F_SETOWN_EX, _F_SETLEASE, _F_NOTIFY)))
    # All processes of one user may slow each other down: only its own pace is this process's business.
    for name, which in (("setpriority", _PRIO_PROCESS), ("ioprio_set", _IOPRIO_WHO_PROCESS)):
        program.on(name, _argument(0), (_JEQ, 0, 2, which), *_only(1, (0,)))
    for name in ("sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"):
        program.on(name, *_only(0, (0, pid)))
    program.code.append(_return(_ALLOW))
    return program.code


def _sockets(program: _Program, allow: Allowance) -> None:
    # Streams have one other end for good, as connect is refused; a socket of datagrams can write to any address.
    if allow.local_sockets:
        types = _masked(1, _SOCK_TYPE, (_SOCK_STREAM, _SOCK_SEQPACKET))
        routes = _only(2, (_NETLINK_ROUTE,), errno.EACCES)
        unix = (_argument(0), (_JEQ, 0, len(types), _AF_UNIX), *types)
        program.on("socketpair", *unix, _error(errno.EACCES))
        program.on("socket", *unix, (_JEQ, 0, len(routes), _AF_NETLINK), *routes, _error(errno.EACCES))
        return
    for name in ("socket", "bind", "listen", "accept", "accept4"):
        program.on(name, _error(errno.EACCES))
    for name in ("sendmsg", "sendmmsg"):  # a file on its way in a message is one that nobody can count
        program.on(name, _error(errno.EPERM))
    # A pair of streams talks to nobody else, and event loops want one.
    stream = _masked(1, _SOCK_TYPE, (_SOCK_STREAM,))
    program.on("socketpair", _argument(0), (_JEQ, 0, len(stream), _AF_UNIX), *stream, _error(errno.EACCES))


def _processes(program: _Program, allow: Allowance, pid: int) -> None:
    # clone3 hides its flags behind a pointer: ENOSYS makes libc fall back to clone
    program.on("clone3", _error(errno.ENOSYS))
    if allow.processes:
        program.on("clone", _argument(0), (_JSET, 0, 1, _CLONE_NAMESPACES), _error(errno.EPERM), _return(_ALLOW))
        return
    program.on("clone", _argument(0), (_JSET, 1, 0, _CLONE_THREAD), _error(errno.EPERM), _return(_ALLOW))
    for name in ("fork", "vfork"):
        program.on(name, _error(errno.EPERM))
    if not allow.execute:
        for name in ("execve", "execveat"):
            program.on(name, _error(errno.EPERM))
    # Not even itself by SIGKILL: whoever dies of that was killed from outside, which is nobody's fault but ours.
    for name, signal in (("kill", 1), ("tgkill", 2)):
        own = (_argument(0), (_JEQ, 1, 0, pid), _error(errno.EPERM))
        program.on(name, *own, _argument(signal), (_JEQ, 0, 1, _SIGKILL), _error(errno.EPERM), _return(_ALLOW))
    program.on("tkill", _error(errno.EPERM))
    # It must end with the server, and the server must be able to check its files.
    program.on("prctl", *_never(0, (_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE)))


class _SockFprog(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def install(allow: Allowance) -> None:
    """Install the filter on the calling thread, for good; its children inherit it.

    Raises:
        OSError: If the kernel refuses. ``PR_SET_NO_NEW_PRIVS`` must have been set before.
    """
    code = build(allow, os.getpid())
    blob = b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
    buffer = ctypes.create_string_buffer(blob, len(blob))
    program = _SockFprog(len(code), ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")
