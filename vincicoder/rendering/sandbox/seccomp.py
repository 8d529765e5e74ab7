"""A seccomp filter built by hand: a list of refused system calls, with the architecture checked first.

The filter starts by refusing foreign architectures, x32 numbers and every call newer than this table, so that what
a later kernel adds stays closed. Numbers: the kernel's ``arch/x86/entry/syscalls/syscall_64.tbl`` and
``include/uapi/asm-generic/unistd.h``.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from dataclasses import dataclass

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_LD_W_ABS, _JEQ, _JGE, _JSET, _RET = 0x20, 0x15, 0x35, 0x45, 0x06
_NR, _ARCH, _ARG0 = 0, 4, 16

_X32_BIT = 0x40000000
_NEWEST = 462  # mseal, Linux 6.10: the last number that this table has considered

_CLONE_NAMESPACES = 0x7E020000  # NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET | NEWNS
_CLONE_THREAD = 0x00010000
_AF_UNIX, _AF_NETLINK = 1, 16
_SOCK_STREAM, _SOCK_NONBLOCK, _SOCK_CLOEXEC = 1, 0x800, 0x80000
_TIOCSTI, _TIOCLINUX, _FIOSETOWN, _SIOCSPGRP = 0x5412, 0x541C, 0x8901, 0x8902
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_PRIO_PROCESS, _IOPRIO_WHO_PROCESS = 0, 1
_SIGKILL = 9

_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}

# name: (x86-64, aarch64); None where the architecture lacks the call.
_NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "clone": (56, 220),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "ioctl": (16, 29),
    "clone3": (435, 435),
    "execveat": (322, 281),
    "prlimit64": (302, 261),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    "memfd_create": (319, 279),
    "prctl": (157, 167),
    "fcntl": (72, 25),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "fallocate": (285, 47),
    # always refused
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "personality": (135, 92),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "lookup_dcookie": (212, 18),
    "fanotify_init": (300, 262),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmctl": (31, 195),
    "shmat": (30, 196),
    "semget": (64, 190),
    "semctl": (66, 191),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "msgget": (68, 186),
    "msgctl": (71, 187),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "truncate": (76, 45),
    # Landlock does not see these; pretending success keeps honest code (shutil.copy, tarfile) running
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
}
_CONDITIONAL = tuple(_NUMBERS)[: tuple(_NUMBERS).index("ptrace")]
_PRETENDED = tuple(_NUMBERS)[tuple(_NUMBERS).index("chmod") :]
_REFUSED = tuple(name for name in _NUMBERS if name not in _CONDITIONAL and name not in _PRETENDED)

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
    return platform.machine() in _MACHINES


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
        number = _NUMBERS[name][self.column]
        if number is not None:
            self.code += [(_JEQ, 0, len(body), number), *body]


def _argument(index: int) -> Instruction:
    return _statement(_LD_W_ABS, _ARG0 + 8 * index)


def _only(index: int, values: tuple[int, ...], error: int = errno.EPERM) -> list[Instruction]:
    """Allow the call when an argument has one of these values."""
    tests = [(_JEQ, len(values) - position, 0, value) for position, value in enumerate(values)]
    return [_argument(index), *tests, _error(error), _return(_ALLOW)]


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
    arch, column = _MACHINES[platform.machine()]
    program = _Program(column)
    program.code += [
        _statement(_LD_W_ABS, _ARCH),
        (_JEQ, 1, 0, arch),
        _return(_KILL_PROCESS),
        _statement(_LD_W_ABS, _NR),
        (_JGE, 0, 1, _X32_BIT),
        _return(_KILL_PROCESS),
        (_JGE, 0, 1, _NEWEST + 1),
        _error(errno.ENOSYS),
    ]
    for name in _PRETENDED:
        program.on(name, _error(0))
    for name in _REFUSED:
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
    program.on("fcntl", *_never(1, (_F_SETOWN, _F_SETSIG, _F_SETOWN_EX)))
    # All processes of one user may slow each other down: only its own pace is this process's business.
    for name, which in (("setpriority", _PRIO_PROCESS), ("ioprio_set", _IOPRIO_WHO_PROCESS)):
        program.on(name, _argument(0), (_JEQ, 0, 2, which), *_only(1, (0,)))
    for name in ("sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"):
        program.on(name, *_only(0, (0, pid)))
    program.code.append(_return(_ALLOW))
    return program.code


def _sockets(program: _Program, allow: Allowance) -> None:
    if allow.local_sockets:
        for name in ("socket", "socketpair"):
            program.on(name, *_only(0, (_AF_UNIX, _AF_NETLINK), errno.EACCES))
        return
    program.on("socket", _error(errno.EACCES))
    for name in ("sendmsg", "sendmmsg"):  # a file on its way in a message is one that nobody can count
        program.on(name, _error(errno.EPERM))
    # A pair of streams talks to nobody else, and event loops want one; one of datagrams can write to any address.
    stream = _only(
        1,
        (
            _SOCK_STREAM,
            _SOCK_STREAM | _SOCK_CLOEXEC,
            _SOCK_STREAM | _SOCK_NONBLOCK,
            _SOCK_STREAM | _SOCK_CLOEXEC | _SOCK_NONBLOCK,
        ),
        errno.EACCES,
    )
    program.on("socketpair", _argument(0), (_JEQ, 0, len(stream) - 2, _AF_UNIX), *stream)


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
