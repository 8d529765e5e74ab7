"""The filter's decisions, call by call, on both architectures."""

from __future__ import annotations

import errno
import platform
import re
import struct
from pathlib import Path

import pytest

from vincicoder.rendering.sandbox import seccomp, syscalls
from vincicoder.rendering.sandbox.seccomp import Allowance

X86, ARM = "x86_64", "aarch64"
AUDIT = {X86: 0xC000003E, ARM: 0xC00000B7}
COLUMN = {X86: 0, ARM: 1}
PID = 4242
KILL, ALLOW = "kill", "allow"

PLAIN = Allowance()
TEX = Allowance(execute=True)
BROWSER = Allowance(processes=True, local_sockets=True, shared_memory=True)


def run(code: list[seccomp.Instruction], arch: int, number: int, arguments: tuple[int, ...]) -> str | int:
    """Interprets a filter as the kernel would: "allow", "kill", or the errno that the caller sees."""
    padded = [value & 0xFFFFFFFFFFFFFFFF for value in (*arguments, 0, 0, 0, 0, 0, 0)[:6]]
    data = struct.pack("=IIQ6Q", number, arch, 0, *padded)
    accumulator = position = 0
    while True:
        operation, if_true, if_false, value = code[position]
        position += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif operation == 0x54:
            accumulator &= value
        elif operation == 0x06:
            action = value & 0xFFFF0000
            return {0x7FFF0000: ALLOW, 0x80000000: KILL}.get(action, value & 0xFFFF)
        else:
            test = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[operation]
            position += if_true if test else if_false


@pytest.fixture(params=[X86, ARM])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(platform, "machine", lambda: request.param)
    return str(request.param)


def decide(machine: str, allow: Allowance, name: str, *arguments: int) -> str | int:
    number = syscalls.NUMBERS[name][COLUMN[machine]]
    if number is None:
        pytest.skip(f"{machine} has no {name}")
    return run(seccomp.build(allow, PID), AUDIT[machine], number, arguments)


@pytest.mark.parametrize("allow", [PLAIN, TEX, BROWSER], ids=["plain", "tex", "browser"])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *[(name, ()) for name in syscalls.REFUSED],
        ("socket", (2, 1)),  # AF_INET
        ("socket", (10, 1)),  # AF_INET6
        ("socket", (17, 3)),  # AF_PACKET
        ("socket", (38, 5)),  # AF_ALG
        ("socket", (40, 1)),  # AF_VSOCK
        ("socketpair", (2, 1)),
        ("clone", (0x10000000 | 17,)),  # a user namespace
        ("clone", (0x40000000 | 17,)),  # a network namespace
        ("prlimit64", (1, 7)),
        ("prlimit64", (PID + 1, 7)),
        ("ioctl", (0, 0x5412)),  # TIOCSTI
        ("ioctl", (0, 0x7FFFFFFF00005412)),  # the kernel looks at the lower half only
        ("ioctl", (0, 0x541C)),  # TIOCLINUX
        ("ioctl", (3, 0x8901)),  # FIOSETOWN: signals to whomever one names
        ("ioctl", (3, 0x8902)),  # SIOCSPGRP
        ("fcntl", (3, 8, 1)),  # F_SETOWN
        ("fcntl", (3, 10, 9)),  # F_SETSIG
        ("fcntl", (3, 15, 0)),  # F_SETOWN_EX
        ("fcntl", (3, 1024, 0)),  # F_SETLEASE
        ("fcntl", (3, 1026, 2)),  # F_NOTIFY
        ("connect", (3, 0, 0)),
        ("socket", (1, 2)),  # a datagram socket can write to any other
        ("socket", (1, 3)),  # SOCK_RAW is another name for it
        ("socket", (16, 3, 9)),  # NETLINK_AUDIT
        ("socket", (16, 3, 15)),  # NETLINK_KOBJECT_UEVENT
        ("setpriority", (2, 0, 19)),  # PRIO_USER: every process of the user
        ("setpriority", (1, 1, 19)),  # PRIO_PGRP
        ("setpriority", (0, 1, 19)),
        ("sched_setaffinity", (1, 8, 0)),
        ("sched_setscheduler", (1, 5, 0)),
        ("sched_setparam", (1, 0)),
        ("sched_setattr", (1, 0, 0)),
        ("ioprio_set", (3, 0, 0)),
        ("ioprio_set", (1, 1, 0)),
    ],
)
def test_refused_to_everyone(machine: str, allow: Allowance, name: str, arguments: tuple[int, ...]) -> None:
    assert decide(machine, allow, name, *arguments) in (errno.EPERM, errno.EACCES)


@pytest.mark.parametrize(
    ("name", "arguments", "plain", "tex", "browser"),
    [
        ("socket", (1, 1), errno.EACCES, errno.EACCES, ALLOW),
        ("socket", (16, 3), errno.EACCES, errno.EACCES, ALLOW),
        ("socketpair", (1, 1), ALLOW, ALLOW, ALLOW),
        ("socketpair", (1, 1 | 0o2000000), ALLOW, ALLOW, ALLOW),  # SOCK_CLOEXEC
        ("socket", (1, 1 | 0o2004000), errno.EACCES, errno.EACCES, ALLOW),
        ("socket", (1, 5), errno.EACCES, errno.EACCES, ALLOW),
        ("bind", (3, 0, 0), errno.EACCES, errno.EACCES, ALLOW),
        ("listen", (3, 5), errno.EACCES, errno.EACCES, ALLOW),
        ("accept", (3, 0, 0), errno.EACCES, errno.EACCES, ALLOW),
        ("accept4", (3, 0, 0, 0), errno.EACCES, errno.EACCES, ALLOW),
        ("socketpair", (1, 1 | 0o2004000), ALLOW, ALLOW, ALLOW),
        ("socketpair", (1, 5), errno.EACCES, errno.EACCES, ALLOW),  # SOCK_SEQPACKET
        ("socketpair", (1, 2), errno.EACCES, errno.EACCES, errno.EACCES),
        ("socketpair", (1, 3), errno.EACCES, errno.EACCES, errno.EACCES),
        ("clone", (17,), errno.EPERM, errno.EPERM, ALLOW),  # fork
        ("clone", (0x3D0F00,), ALLOW, ALLOW, ALLOW),  # a thread
        ("clone3", (0, 88), errno.ENOSYS, errno.ENOSYS, errno.ENOSYS),
        ("fork", (), errno.EPERM, errno.EPERM, ALLOW),
        ("vfork", (), errno.EPERM, errno.EPERM, ALLOW),
        ("execve", (), errno.EPERM, ALLOW, ALLOW),
        ("execveat", (), errno.EPERM, ALLOW, ALLOW),
        ("kill", (PID, 15), ALLOW, ALLOW, ALLOW),
        ("kill", (PID, 9), errno.EPERM, errno.EPERM, ALLOW),  # whoever dies of it was killed from outside
        ("kill", (1, 9), errno.EPERM, errno.EPERM, ALLOW),
        ("kill", (0, 9), errno.EPERM, errno.EPERM, ALLOW),
        ("kill", (-1, 9), errno.EPERM, errno.EPERM, ALLOW),
        ("kill", (-PID, 9), errno.EPERM, errno.EPERM, ALLOW),
        ("tgkill", (PID, PID, 6), ALLOW, ALLOW, ALLOW),
        ("tgkill", (PID, PID, 9), errno.EPERM, errno.EPERM, ALLOW),
        ("tgkill", (1, 1, 9), errno.EPERM, errno.EPERM, ALLOW),
        ("tkill", (1, 9), errno.EPERM, errno.EPERM, ALLOW),
        ("memfd_create", (), errno.EPERM, errno.EPERM, ALLOW),
        ("prlimit64", (0, 7), ALLOW, ALLOW, ALLOW),
        ("ioctl", (0, 0x5401), ALLOW, ALLOW, ALLOW),
        ("prctl", (1, 0), errno.EPERM, errno.EPERM, ALLOW),  # PR_SET_PDEATHSIG
        ("prctl", (4, 0), errno.EPERM, errno.EPERM, ALLOW),  # PR_SET_DUMPABLE
        ("prctl", (15, 0), ALLOW, ALLOW, ALLOW),  # PR_SET_NAME
        ("sendmsg", (3, 0), errno.EPERM, errno.EPERM, ALLOW),
        ("fcntl", (3, 4, 0x800), ALLOW, ALLOW, ALLOW),
        ("setpriority", (0, 0, 19), ALLOW, ALLOW, ALLOW),
        ("sched_setaffinity", (0, 8, 0), ALLOW, ALLOW, ALLOW),
        ("fallocate", (3, 0, 0, 640 << 20), errno.EOPNOTSUPP, errno.EOPNOTSUPP, errno.EOPNOTSUPP),
        ("chmod", (), 0, 0, 0),
        ("fchmodat", (), 0, 0, 0),
        ("utimensat", (), 0, 0, 0),
        ("setxattr", (), 0, 0, 0),
        ("flock", (3, 2), 0, 0, 0),
        ("getxattr", (), errno.EOPNOTSUPP, errno.EOPNOTSUPP, errno.EOPNOTSUPP),
        ("flistxattr", (), errno.EOPNOTSUPP, errno.EOPNOTSUPP, errno.EOPNOTSUPP),
    ],
)
def test_an_allowance_decides_which_calls_pass(
    machine: str, name: str, arguments: tuple[int, ...], plain: object, tex: object, browser: object
) -> None:
    assert [decide(machine, allow, name, *arguments) for allow in (PLAIN, TEX, BROWSER)] == [plain, tex, browser]


def test_other_architectures_and_x32_kill(machine: str) -> None:
    code = seccomp.build(PLAIN, PID)
    other = AUDIT[ARM if machine == X86 else X86]
    assert run(code, other, 0, ()) == KILL
    assert run(code, 0x40000003, 0, ()) == KILL  # i386
    assert run(code, AUDIT[machine], 0x40000000 | 57, ()) == KILL
    assert run(code, AUDIT[machine], 0xFFFFFFFF, ()) == KILL


def test_calls_newer_than_the_table_do_not_exist(machine: str) -> None:
    code = seccomp.build(BROWSER, PID)
    assert [run(code, AUDIT[machine], number, ()) for number in (462, 463, 700)] == [
        ALLOW,
        errno.ENOSYS,
        errno.ENOSYS,
    ]


@pytest.mark.parametrize(("x86", "arm"), [(0, 63), (1, 64), (9, 222), (257, 56), (202, 98), (231, 94)])
def test_computation_and_files_stay_open(x86: int, arm: int) -> None:
    for machine, number in ((X86, x86), (ARM, arm)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(platform, "machine", lambda machine=machine: machine)
            assert run(seccomp.build(PLAIN, PID), AUDIT[machine], number, ()) == ALLOW


def test_no_number_stands_twice() -> None:
    for column in (0, 1):
        numbers = [entry[column] for entry in syscalls.NUMBERS.values() if entry[column] is not None]
        assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    ("header", "column"),
    [(f"/usr/include/{X86}-linux-gnu/asm/unistd_64.h", 0), ("/usr/include/asm-generic/unistd.h", 1)],
)
def test_numbers_are_those_of_the_kernel(header: str, column: int) -> None:
    if not Path(header).exists():
        pytest.skip(f"{header} is not installed")
    defined = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", Path(header).read_text())
    kernel = {name: int(number) for name, number in reversed(defined)}
    kernel.pop("syscalls", None)  # their count
    assert len(kernel) > 300
    ours = {name: entry[column] for name, entry in syscalls.NUMBERS.items()}
    assert {name: number for name, number in ours.items() if number != kernel.get(name, number)} == {}
    newest = max(kernel.values())  # an older header does not have the latest calls
    assert {name for name, number in ours.items() if number and number <= newest and name not in kernel} == set()


def test_jumps_fit_their_byte(machine: str) -> None:
    for allow in (PLAIN, TEX, BROWSER):
        code = seccomp.build(allow, PID)
        assert len(code) <= 4096
        assert all(0 <= part <= 255 for instruction in code for part in instruction[1:3])


def test_an_unknown_machine_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert not seccomp.supported()
    with pytest.raises(OSError, match="riscv64"):
        seccomp.build(PLAIN, PID)
