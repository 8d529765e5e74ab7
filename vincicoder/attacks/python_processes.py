"""Python: other processes, sockets, and system calls that no chart needs."""

from __future__ import annotations

import platform

from vincicoder.attacks.attack import Attack, Layer, listed

_PROCESSES = {
    "fork": ("start a process", "pid = os.fork()\nif pid == 0: os._exit(0)\nescaped()"),
    "vfork": (
        "start one by an older call",
        "pid = raw(CALLS['vfork' if 'vfork' in CALLS else 'clone'], 17, 0, 0, 0, 0)\nif pid == 0: os._exit(0)\nescaped()",
    ),
    "clone": (
        "start one by a raw call",
        "pid = raw(CALLS['clone'], 17, 0, 0, 0, 0)\nif pid == 0: os._exit(0)\nescaped()",
    ),
    "clone3": ("start one by the newest call", "reach('clone3', bytes(88), 88)"),
    "run-program": ("run a program", "import subprocess; escaped(subprocess.run(['id'], capture_output=True).stdout)"),
    "spawn-program": ("run one without a shell", "os.posix_spawn('/bin/sh', ['sh', '-c', ':'], {}); escaped()"),
    "become-program": ("become another program", "os.execv('/bin/sh', ['sh', '-c', 'echo ESC''APED >&2; exit 3'])"),
    "become-descriptor": (
        "become a program by its descriptor",
        "fd = os.open('/bin/sh', os.O_RDONLY); os.execve(fd, ['sh', '-c', 'echo ESC''APED >&2; exit 3'], {})",
    ),
    "system": ("run a shell", "if os.system('touch ran') == 0 or os.path.exists('ran'): escaped()"),
    "multiprocessing": (
        "start Python's own processes",
        "import multiprocessing as m; m.Process(target=print).start(); escaped()",
    ),
    "executor": (
        "start them by an executor",
        "from concurrent.futures import ProcessPoolExecutor as P; P(1).submit(print).result(); escaped()",
    ),
    "terminal": (
        "start a process on a terminal of its own",
        "import pty\nif pty.fork()[0] == 0: os._exit(0)\nescaped()",
    ),
    "signal-host": ("send a signal to the trainer", "os.kill(HOST, signal.SIGURG); escaped()"),
    "signal-server": ("send a signal to the process that forked it", "os.kill(os.getppid(), signal.SIGURG); escaped()"),
    "signal-all": ("send a signal to everybody", "os.kill(-1, signal.SIGURG); escaped()"),
    "signal-group": (
        "send a signal to the server's group",
        "os.killpg(os.getpgid(os.getppid()), signal.SIGURG); escaped()",
    ),
    "kill-process": ("kill another process of the user", "os.kill(VICTIM, signal.SIGKILL)"),
    "stop-process": ("stop another process of the user", "os.kill(VICTIM, signal.SIGSTOP)"),
    "kill-thread": ("kill it by its thread", "raw(CALLS['tgkill'], VICTIM, VICTIM, 9)"),
    "queue-signal": (
        "queue a signal to it",
        "reach('rt_sigqueueinfo', VICTIM, 23, (23).to_bytes(4, 'little') + bytes(4) + b'\\xff' * 4 + bytes(116))",
    ),
    "signal-by-descriptor": (
        "send it a signal by a descriptor",
        "fd = os.pidfd_open(VICTIM); signal.pidfd_send_signal(fd, 9)",
    ),
    "own-descriptor-of-process": ("get a descriptor of it", "os.pidfd_open(VICTIM); escaped()"),
    "signal-by-owner": (
        "have the kernel send it a signal",
        "import fcntl\nr, w = os.pipe(); fcntl.fcntl(r, fcntl.F_SETOWN, VICTIM); fcntl.fcntl(r, 10, 9); escaped()",
    ),
    "signal-by-device-owner": (
        "the same by ioctl",
        "r, w = os.pipe(); reach('ioctl', r, 0x8901, VICTIM.to_bytes(4, 'little'))",
    ),
    "blame-the-machine": ("end so that the machine is blamed for it", "os.kill(os.getpid(), signal.SIGKILL)"),
    "blame-by-group": ("the same by its group", "os.killpg(0, signal.SIGKILL)"),
    "choose-signal": (
        "choose the signal that a descriptor sends",
        "import fcntl\nr, w = os.pipe(); fcntl.fcntl(r, 10, 9); escaped()",
    ),
    "slow-user": (
        "slow down all that the user runs",
        "os.setpriority(os.PRIO_USER, os.getuid(), os.getpriority(os.PRIO_PROCESS, 0)); escaped()",
    ),
    "slow-process": ("slow another process down", "os.setpriority(os.PRIO_PROCESS, VICTIM, 19)"),
    "slow-group": ("slow its group down", "os.setpriority(os.PRIO_PGRP, VICTIM, 19)"),
    "idle-process": (
        "let it run only when nobody else does",
        "os.sched_setscheduler(VICTIM, os.SCHED_IDLE, os.sched_param(0))",
    ),
    "move-process": (
        "move it to one processor",
        "os.sched_setaffinity(VICTIM, {min(os.sched_getaffinity(0))}); escaped()",
    ),
    "slow-reading": ("slow its disk down", "reach('ioprio_set', 1, VICTIM, 3 << 13)"),
    "limit-process": ("lower its limits", "import resource; resource.prlimit(VICTIM, resource.RLIMIT_NOFILE, (9, 9))"),
    "trace-process": ("trace it", "reach('ptrace', 16, VICTIM, 0, 0)"),
    "trace-host": ("trace the trainer", "reach('ptrace', 0x4206, HOST, 0, 0)"),
    "read-process": ("read its memory", "reach('process_vm_readv', VICTIM, bytes(16), 1, bytes(16), 1, 0)"),
    "write-process": ("write into its memory", "reach('process_vm_writev', VICTIM, bytes(16), 1, bytes(16), 1, 0)"),
    "steal-descriptor": ("take one of its descriptors", "reach('pidfd_getfd', 0, 0, 0)"),
    "compare-process": ("compare its memory with one's own", "reach('kcmp', VICTIM, os.getpid(), 0, 0, 0)"),
    "move-pages": ("move its memory", "reach('move_pages', VICTIM, 0, 0, 0, 0, 0)"),
    "outlive-server": (
        "live on when the server ends",
        "if LIBC.prctl(1, 0, 0, 0, 0) == 0: escaped()\nraise OSError(ctypes.get_errno(), 'prctl')",
    ),
    "hide-from-server": (
        "hide from whoever checks its files",
        "if LIBC.prctl(4, 0, 0, 0, 0) == 0: escaped()\nraise OSError(ctypes.get_errno(), 'prctl')",
    ),
}

_PRIVILEGES = {
    "raise-limits": (
        "raise its own limits",
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2); escaped()",
    ),
    "raise-pace": ("get ahead of everybody else", "os.setpriority(os.PRIO_PROCESS, 0, -10); escaped()"),
    "become-user": ("become another user", "os.setgroups([12345]); escaped()"),
}

_NETWORK = {
    "connect": ("connect to a server of this machine", "socket.create_connection(('127.0.0.1', TCP))"),
    "fetch": ("fetch a page from it", "import urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{TCP}/', timeout=5)"),
    "datagram": ("send it a datagram", "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', UDP))"),
    "unix-connect": ("connect to a local socket", "socket.socket(socket.AF_UNIX).connect(STREAM)"),
    "unix-datagram": ("send a datagram to a local socket", "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', DATAGRAM)"),
    "unix-abstract": ("connect to an abstract socket", "socket.socket(socket.AF_UNIX).connect(ABSTRACT)"),
    "pair-datagram": ("send it from one end of a pair", "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', DATAGRAM)"),
    "pair-abstract": ("the same to an abstract socket", "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', ABSTRACT_DATAGRAM)"),
    "pair-datagram-connect": (
        "connect such an end",
        "pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); pair[0].connect(DATAGRAM); pair[0].send(b'x')",
    ),
    "pair-raw": ("the same with a raw socket", "socket.socketpair(socket.AF_UNIX, socket.SOCK_RAW)[0].sendto(b'x', DATAGRAM)"),
    "pair-connect": (
        "connect one end of a pair to another socket",
        "pair = socket.socketpair(); reach('connect', pair[0].fileno(), b'\\1\\0' + STREAM.encode(), 2 + len(STREAM))",
    ),
    "pair-dissolved": (
        "make one end of a pair forget the other",
        "pair = socket.socketpair(); reach('connect', pair[0].fileno(), bytes(16), 16)",
    ),
    "pair-message": ("send a message, which may have an address", "pair = socket.socketpair(); reach('sendmsg', pair[0].fileno(), bytes(56), 0)"),
    "pair-bind": ("take a name before its owner does", "socket.socketpair()[0].bind(SQUAT); escaped()"),
    "own-channel": ("connect its own channel", "reach('connect', 3, b'\\1\\0' + STREAM.encode(), 2 + len(STREAM))"),
    "own-channel-listens": ("wait for callers on its own channel", "reach('listen', 3, 1)"),
    "pass-descriptor": ("hide a file in a message", "a, b = socket.socketpair(); socket.send_fds(a, [b'x'], [0]); escaped()"),
    "pass-descriptors": ("hide several", "pair = socket.socketpair(); reach('sendmmsg', pair[0].fileno(), bytes(64), 1, 0)"),
    "resolve": ("look a name up", "socket.getaddrinfo('example.org', 80); escaped()"),
    **{
        f"family-{name}": (f"make a socket of the family {name}", f"reach('socket', {family}, {kind}, 0)")
        for name, family, kind in (
            ("inet6", 10, 1), ("netlink", 16, 3), ("packet", 17, 3), ("vsock", 40, 1), ("crypto", 38, 5), ("bluetooth", 31, 3),
            ("can", 29, 3), ("xdp", 44, 3), ("tipc", 30, 1), ("rds", 21, 5), ("smc", 43, 1), ("unix", 1, 1), ("phonet", 35, 2),
            ("kcm", 41, 2), ("qipcrtr", 42, 2), ("raw", 2, 3),
        )
    },
}  # fmt: skip

_CALLS = {
    "unshare": ("enter namespaces of its own", "reach('unshare', 0x10000000)"),
    "clone-namespaces": (
        "start a process in them",
        "pid = raw(CALLS['clone'], 0x10000011, 0, 0, 0, 0)\nif pid == 0: os._exit(0)\nescaped()",
    ),
    "setns": ("enter another's namespaces", "reach('setns', 0, 0)"),
    "mount": ("mount a file system", "reach('mount', b'none', b'nothing', b'tmpfs', 0, 0)"),
    "unmount": ("unmount one", "reach('umount2', b'nothing', 0)"),
    "chroot": ("change the root directory", "os.chroot('.'); escaped()"),
    "pivot-root": ("exchange it", "reach('pivot_root', b'nothing', b'nothing')"),
    "new-mounts": ("mount by the newer calls", "reach('fsopen', b'nothing', 0)"),
    "copy-mount": ("copy a part of the tree", "reach('open_tree', -100, b'.', 1)"),
    "list-mounts": ("list the mounts", "reach('listmount', bytes(32), bytes(512), 64, 0)"),
    "stat-mount": ("ask about a mount", "reach('statmount', bytes(32), bytes(512), 512, 0)"),
    "io-uring": ("have the kernel make calls for it", "reach('io_uring_setup', 8, bytes(120))"),
    "asynchronous-io": ("read and write asynchronously", "reach('io_setup', 1, bytes(8))"),
    "bpf": ("load a program into the kernel", "reach('bpf', 0, bytes(64), 64)"),
    "keyctl": ("read keys", "reach('keyctl', 0, -3, 0)"),
    "add-key": ("keep a key", "reach('add_key', b'user', b'x', b'y', 1, -3)"),
    "request-key": ("ask for a key", "reach('request_key', b'user', b'x', 0, -3)"),
    "userfaultfd": ("handle its own page faults", "reach('userfaultfd', 1)"),
    "performance": ("count events of the processor", "reach('perf_event_open', bytes(128), 0, -1, -1, 0)"),
    "memory-file": ("make a file in memory", "os.memfd_create('x'); escaped()"),
    "secret-memory": ("make memory that nobody can look into", "reach('memfd_secret', 0)"),
    "shared-memory": ("make System V memory", "reach('shmget', 0, 4096, 0o1600)"),
    "semaphores": ("make semaphores", "reach('semget', 0, 1, 0o1600)"),
    "semaphore-control": ("control the semaphores of others", "reach('semctl', 0, 0, 0)"),
    "io-pages": ("be told of pages that are written", "reach('io_pgetevents', 0, 0, 0, 0, 0, 0)"),
    "message-queue": ("make a message queue", "reach('msgget', 0, 0o1600)"),
    "posix-queue": ("make one with a name", "reach('mq_open', b'vincicoder', 0o102, 0o600, 0)"),
    "sync": ("have all disks written at once", "reach('sync')"),
    "sync-file-system": ("have one written", "reach('syncfs', 0)"),
    "splice-memory": ("splice memory into a pipe", "r, w = os.pipe(); reach('vmsplice', w, bytes(16), 0, 0)"),
    "splice": ("splice a pipe into another", "r, w = os.pipe(); reach('splice', r, 0, w, 0, 1, 2)"),
    "memory-policy": ("choose where memory lies", "reach('set_mempolicy', 0, 0, 0)"),
    "lock-memory": ("lock memory", "reach('mlockall', 1)"),
    "own-filter": ("install a filter of its own", "reach('seccomp', 2, 0, bytes(8))"),
    "own-ruleset": ("ask for Landlock itself", "reach('landlock_create_ruleset', 0, 0, 1)"),
    "personality": ("change its personality", "reach('personality', 0x0040000)"),
    "set-clock": (
        "set the clock",
        "import time; time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(0)); escaped()",
    ),
    "host-name": ("set the machine's name", "socket.sethostname(socket.gethostname()); escaped()"),
    "kernel-log": ("read the kernel's log by a call", "reach('syslog', 10, 0, 0)"),
    "load-module": ("load a module", "reach('finit_module', -1, b'', 0)"),
    "load-kernel": ("load another kernel", "reach('kexec_load', 0, 0, 0, 0)"),
    "quota": ("change quotas", "reach('quotactl', 0x800007 << 8, 0, 0, 0)"),
    "terminal-input": ("type into the terminal", "reach('ioctl', 0, 0x5412, b'x')"),
    "console": ("control the console", "reach('ioctl', 0, 0x541C, b'x')"),
    "newer-call": ("make a call that is newer than the filter", "reach(463, 0, 0, 0, 0, 0, 0)"),
    "far-newer-call": ("make a call that nobody knows yet", "reach(999, 0, 0, 0, 0, 0, 0)"),
}

_ON_X86 = {
    "x32-call": ("make a call by its x32 number", "escaped(raw(0x40000000 + 39))"),
    "call-of-32-bits": (
        "make a call as a program of 32 bits does, in machine code",
        "import mmap\ncode = mmap.mmap(-1, 4096, prot=7)\ncode.write(bytes.fromhex('b814000000cd80c3'))\n"
        "address = ctypes.addressof(ctypes.c_char.from_buffer(code))\n"
        "escaped(ctypes.CFUNCTYPE(ctypes.c_int)(address)())",
    ),
    "descriptor-table": ("change its segments", "reach('modify_ldt', 0, bytes(16), 16)"),
    "ports": ("get at the machine's ports", "reach('iopl', 0)"),
}

ATTACKS: tuple[Attack, ...] = (
    *listed("python", (Layer.SECCOMP,), _PROCESSES),
    *listed("python", (Layer.CAPABILITIES,), _PRIVILEGES),
    *listed("python", (Layer.SECCOMP, Layer.NETWORK), _NETWORK),
    *listed("python", (Layer.SECCOMP,), {**_CALLS, **(_ON_X86 if platform.machine() == "x86_64" else {})}),
)
