"""Run a command under a filter that refuses what Docker's default profile refuses a container without privileges.

``like_docker.py COMMAND...``: the calls that need privileges are refused with EPERM, namespaces too, ``clone3`` with
ENOSYS, and capabilities are given up as far as they are not a container's.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

from vincicoder.rendering.sandbox import confine, seccomp

_REFUSED = [
    "acct",
    "add_key",
    "bpf",
    "clock_adjtime",
    "clock_settime",
    "delete_module",
    "fanotify_init",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "init_module",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    "migrate_pages",
    "mount",
    "mount_setattr",
    "move_mount",
    "move_pages",
    "name_to_handle_at",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "personality",
    "pivot_root",
    "process_madvise",
    "quotactl",
    "quotactl_fd",
    "reboot",
    "request_key",
    "set_mempolicy",
    "setns",
    "sethostname",
    "setdomainname",
    "settimeofday",
    "swapoff",
    "swapon",
    "syslog",
    "umount2",
    "unshare",
    "userfaultfd",
    "ustat",
    "sysfs",
    "uselib",
    "vhangup",
    "modify_ldt",
]
_AF_VSOCK = 40
_CAPABILITIES = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)  # what Docker leaves to a container's root


def _filter() -> list[seccomp.Instruction]:
    architecture, column = seccomp.MACHINES[platform.machine()]
    program = seccomp._Program(column)
    program.code += [
        seccomp._statement(seccomp._LD_W_ABS, seccomp._ARCH),
        (seccomp._JEQ, 1, 0, architecture),
        seccomp._return(seccomp._ALLOW),
        seccomp._statement(seccomp._LD_W_ABS, seccomp._NR),
    ]
    for name in _REFUSED:
        program.on(name, seccomp._error(errno.EPERM))
    program.on("clone3", seccomp._error(errno.ENOSYS))
    namespaces = (seccomp._JSET, 0, 1, seccomp._CLONE_NAMESPACES)
    program.on("clone", seccomp._argument(0), namespaces, seccomp._error(errno.EPERM), seccomp._return(seccomp._ALLOW))
    program.on("socket", *seccomp._never(0, (_AF_VSOCK,)))
    program.code.append(seccomp._return(seccomp._ALLOW))
    return program.code


def _install(code: list[seccomp.Instruction]) -> None:
    blob = b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
    buffer = ctypes.create_string_buffer(blob, len(blob))
    program = seccomp._SockFprog(len(code), ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(seccomp._PR_SET_SECCOMP, seccomp._MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def _give_up_capabilities() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for number in range(64):
        if number not in _CAPABILITIES and libc.prctl(confine._PR_CAPBSET_DROP, number, 0, 0, 0) != 0:
            break
    kept = sum(1 << number for number in _CAPABILITIES)
    header = (ctypes.c_uint32 * 2)(confine._CAPABILITY_VERSION_3, 0)
    libc.capset(ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)))


if __name__ == "__main__":
    _give_up_capabilities()
    confine._prctl(confine._PR_SET_NO_NEW_PRIVS, 1)
    _install(_filter())
    os.execvp(sys.argv[1], sys.argv[1:])
