"""What generated code cannot reach: files, processes, system calls, servers, and other requests."""

from __future__ import annotations

import os
import platform
import socket
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from rendered import SECRET, assert_nothing_leaked

from vincicoder.rendering import RenderPool
from vincicoder.rendering.sandbox import seccomp, syscalls
from vincicoder.status import Status

CALL = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    words = [arg if isinstance(arg, bytes) else ctypes.c_long(arg) for arg in args]
    result = libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    raise SystemExit(f"GOT THROUGH: {result}")
"""


def number(name: str) -> int:
    found = syscalls.NUMBERS[name][seccomp.MACHINES[platform.machine()][1]]
    return -1 if found is None else found


def system_call(name: str, *args: object) -> str:
    return f"{CALL}\ncall({number(name)}{''.join(f', {arg!r}' for arg in args)})"


@pytest.fixture(scope="module")
def outside_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("owner") / "target.png"
    path.write_text(SECRET)
    return path


READS = {
    "password file": "open('/etc/passwd').read()",
    "shadow by os.open": "os.open('/etc/shadow', os.O_RDONLY)",
    "first process's environment": "open('/proc/1/environ').read()",
    "parent's environment": "open(f'/proc/{os.getppid()}/environ').read()",
    "parent's memory": "open(f'/proc/{os.getppid()}/mem', 'rb').read(1)",
    "parent's descriptors": "os.listdir(f'/proc/{os.getppid()}/fd')",
    "owner's environment": "open('/proc/{owner}/environ').read()",
    "owner's memory": "open('/proc/{owner}/maps').read()",
    "list of processes": "os.listdir('/proc')",
    "file of the owner": "open('{file}').read()",
    "file of the owner through a link": "os.symlink('{file}', 'x.png'); open('x.png').read()",
    "file of the owner through a hard link": "os.link('{file}', 'x.png'); open('x.png').read()",
    "file of the owner through /proc/self/root": "open('/proc/self/root{file}').read()",
    "home directory": "os.listdir('/root')",
    "temporary directory": "os.listdir('/tmp')",
    "other requests": "os.listdir('../..')",
    "root directory": "os.listdir('/')",
    "imaging library": "__import__('PIL.Image').Image.open('{file}')",
    "C library": "__import__('numpy').fromfile('{file}', dtype='u1')",
    "write beside": "open('{file}', 'w')",
    "append": "open('{file}', 'a')",
    "truncate": "os.truncate('{file}', 0)",
    "remove": "os.remove('{file}')",
    "rename away": "os.rename('{file}', 'mine.png')",
    "replace": "open('mine', 'w').close(); os.replace('mine', '{file}')",
    "make a directory": "os.mkdir('/tmp/vincicoder-intruder')",
    "write to other requests": "open('../../intruder', 'w')",
    "write to the interpreter": "open(os.__file__, 'a')",
    "own limits": "open('/proc/self/oom_score_adj', 'w').write('-1')",
    "shared memory": "open('/dev/shm/intruder', 'w')",
    "terminal": "open('/dev/tty')",
    "core pattern": "open('/proc/sys/kernel/core_pattern', 'w')",
}


@pytest.mark.parametrize("name", READS)
def test_python_reaches_no_file_of_others(pool: RenderPool, outside_file: Path, name: str) -> None:
    action = READS[name].replace("{file}", str(outside_file)).replace("{owner}", str(os.getpid()))
    *first, last = action.split("; ")
    lines = ["import os", *first, f"raise SystemExit('GOT THROUGH: ' + repr({last}))"]
    render = pool.render("\n".join(lines), "python")
    assert_nothing_leaked(render)
    assert render.status is Status.FORBIDDEN or "Invalid cross-device link" in render.message, render
    assert outside_file.read_text() == SECRET
    assert not Path("/tmp/vincicoder-intruder").exists()


def test_the_environment_holds_no_secret(pool: RenderPool) -> None:
    code = "import os\nraise SystemExit(repr(dict(os.environ)) + open('/proc/self/environ').read())"
    render = pool.render(code, "python")
    assert render.status is Status.RUNTIME_ERROR
    assert "MPLBACKEND" in render.message
    assert SECRET not in render.message
    assert "TEST" not in render.message


def test_no_descriptor_is_inherited(pool: RenderPool, outside_file: Path) -> None:
    with outside_file.open() as file:
        os.set_inheritable(file.fileno(), True)
        code = (
            "import os\nraise SystemExit([(n, os.readlink(f'/proc/self/fd/{n}')) for n in os.listdir('/proc/self/fd')"
        )
        render = pool.render(code + " if os.path.lexists(f'/proc/self/fd/{n}')])", "python")
    assert "socket" in render.message
    assert "target.png" not in render.message
    assert len(render.message.split("), (")) == 5, render.message  # input, output, errors, its own channel, the job's


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.fork()",
        "import subprocess; subprocess.run(['id'])",
        "import os; os.posix_spawn('/bin/sh', ['sh'], {})",
        "import os; os.execv('/bin/sh', ['sh', '-c', 'id'])",
        "import multiprocessing as m; m.Process(target=print).start()",
        "from concurrent.futures import ProcessPoolExecutor as P; P(1).submit(print).result()",
        "import pty; pty.fork()",
        "import os; os.kill(os.getppid(), 9)",
        "import os; os.kill(OWNER, 9)",
        "import os; os.kill(-1, 9)",
        "import os; os.killpg(0, 9)",
        "import os; os.killpg(os.getpgid(os.getppid()), 9)",
        "import os; os.setpriority(os.PRIO_USER, 0, 19)",
        "import os; os.setpriority(os.PRIO_PROCESS, OWNER, 19)",
        "import os; os.sched_setaffinity(OWNER, {0})",
        "import os; os.sched_setscheduler(OWNER, os.SCHED_IDLE, os.sched_param(0))",
        "import resource; resource.prlimit(OWNER, resource.RLIMIT_NOFILE, (9, 9))",
        "import fcntl, os; r, w = os.pipe(); fcntl.fcntl(r, fcntl.F_SETOWN, OWNER)",
        "import fcntl, os; r, w = os.pipe(); fcntl.fcntl(r, 10, 9)",
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (-1, -1))",
        "import os; os.mkfifo('/tmp/intruder')",
        "import os; os.mknod('x.png', 0o60600, os.makedev(8, 0))",
        "import os; os.chroot('.')",
        "import os; os.memfd_create('x')",
        "import os; os.pidfd_open(OWNER)",
        "import fcntl; fcntl.ioctl(0, 0x5412, b'x')",
        "import time; time.clock_settime(0, 0)",
        "import socket; socket.sethostname('x')",
        "import fcntl; fcntl.fcntl(open('/usr/bin/env'), 1024, fcntl.F_RDLCK)",  # F_SETLEASE
        "import fcntl, os; fcntl.fcntl(os.open('/usr/lib', os.O_RDONLY), 1026, 2)",  # F_NOTIFY
    ],
)
def test_python_touches_no_process_but_itself(pool: RenderPool, code: str) -> None:
    priority, cpus = os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0)
    render = pool.render(code.replace("OWNER", str(os.getpid())), "python")
    assert_nothing_leaked(render)
    assert render.status is Status.FORBIDDEN or "not allowed" in render.message or "pty" in render.message, render
    assert (os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0)) == (priority, cpus)


def test_os_system_starts_nothing(pool: RenderPool) -> None:
    code = "import os\nraise SystemExit([os.system('touch ran'), os.path.exists('ran')])"
    message = pool.render(code, "python").message
    assert "False" in message
    assert "[0," not in message


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("fork", ()),
        ("vfork", ()),
        ("clone", (17, 0, 0, 0, 0)),
        ("clone", (0x10000011, 0, 0, 0, 0)),
        ("clone3", (0, 88)),
        ("io_uring_setup", (8, 0)),
        ("ptrace", (16, 1, 0, 0)),
        ("process_vm_readv", (1, 0, 0, 0, 0, 0)),
        ("memfd_create", (b"x", 0)),
        ("unshare", (0x10000000,)),
        ("setns", (0, 0)),
        ("mount", (b"none", b"/tmp", b"tmpfs", 0, 0)),
        ("bpf", (0, 0, 0)),
        ("keyctl", (0, -3, 0)),
        ("add_key", (b"user", b"x", b"y", 1, -3)),
        ("userfaultfd", (0,)),
        ("perf_event_open", (0, 0, -1, -1, 0)),
        ("open_by_handle_at", (-100, 0, 0)),
        ("rt_sigqueueinfo", (1, 9, 0)),
        ("pidfd_send_signal", (0, 9, 0, 0)),
        ("shmget", (1234, 4096, 0o1600)),
        ("semctl", (0, 0, 0)),
        ("socket", (38, 5, 0)),
        ("ioprio_set", (3, 0, 0)),
        ("inotify_init1", (0,)),
        ("inotify_add_watch", (0, b"/etc", 0xFFF)),
        ("sync", ()),
        ("syncfs", (0,)),
        ("io_setup", (1, bytes(8))),
        ("vmsplice", (1, bytes(16), 0, 0)),
        ("statmount", (bytes(32), bytes(512), 512, 0)),
        ("listmount", (bytes(32), bytes(512), 64, 0)),
        ("set_mempolicy", (0, 0, 0)),
        ("mlockall", (1,)),
        ("mq_open", (b"x", 0o102, 0o600, 0)),
        ("seccomp", (2, 0, bytes(8))),
        ("landlock_create_ruleset", (0, 0, 1)),
    ],
)
def test_raw_system_calls_are_refused(pool: RenderPool, name: str, args: tuple[object, ...]) -> None:
    render = pool.render(system_call(name, *args), "python")
    assert_nothing_leaked(render)
    assert render.status in (Status.FORBIDDEN, Status.RUNTIME_ERROR)
    assert "not permitted" in render.message or "denied" in render.message or "not implemented" in render.message


@pytest.mark.skipif(platform.machine() != "x86_64", reason="x32 is a second face of x86-64")
def test_x32_system_calls_end_the_process(pool: RenderPool) -> None:
    render = pool.render(f"{CALL}\ncall(0x40000000 + 57)", "python")
    assert render.status is Status.RUNTIME_ERROR
    assert "SIGSYS" in render.message


def test_attributes_of_files_are_out_of_sight(pool: RenderPool, outside_file: Path) -> None:
    for call in ("os.listxattr(p)", "os.getxattr(p, 'user.origin')", "os.getxattr(p, 'security.selinux')"):
        render = pool.render(f"import os\np = {str(outside_file)!r}\n{call}\nraise SystemExit('SEEN')", "python")
        assert "not supported" in render.message, (call, render)
    copy = "import shutil\nopen('a', 'w').close(); shutil.copy2('a', 'b'); shutil.copytree('.', 'c')\n"
    assert "COPIED" in pool.render(f"{copy}raise SystemExit('COPIED')", "python").message


def test_nobody_is_locked_out_of_a_shared_file(pool: RenderPool) -> None:
    """Honest code sees its lock granted, but none is taken on a file that others use."""
    import fcntl

    path = Path(os.__file__)
    code = f"import fcntl, time\nfcntl.flock(open({str(path)!r}), fcntl.LOCK_EX)\nraise SystemExit('LOCKED')"
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        render = pool.render(code, "python")  # would wait for ever if it were a lock
    assert "LOCKED" in render.message


@pytest.mark.parametrize("wanted", ["chmod", "chown", "utime"])
def test_attributes_of_foreign_files_stay(pool: RenderPool, outside_file: Path, wanted: str) -> None:
    before = outside_file.stat()
    call = {"chmod": "os.chmod(p, 0o777)", "chown": "os.chown(p, 1, 1)", "utime": "os.utime(p, (1, 1))"}[wanted]
    pool.render(f"import os\np = {str(outside_file)!r}\n{call}", "python")
    after = outside_file.stat()
    assert (after.st_mode, after.st_uid, after.st_mtime_ns) == (before.st_mode, before.st_uid, before.st_mtime_ns)


class Listener:
    """Servers on this machine that generated code must never reach."""

    def __init__(self, directory: Path) -> None:
        self.stream = str(directory / "stream.sock")
        self.datagram = str(directory / "datagram.sock")
        self.abstract = f"\0vincicoder-test-{os.getpid()}"
        self.sockets = [
            socket.create_server(("127.0.0.1", 0)),
            self._bound(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            self._bound(socket.AF_UNIX, socket.SOCK_STREAM, self.stream),
            self._bound(socket.AF_UNIX, socket.SOCK_DGRAM, self.datagram),
            self._bound(socket.AF_UNIX, socket.SOCK_DGRAM, self.abstract),
        ]
        self.sockets[2].listen()
        self.tcp = self.sockets[0].getsockname()[1]
        self.udp = self.sockets[1].getsockname()[1]

    def _bound(self, family: int, kind: int, address: object) -> socket.socket:
        sock = socket.socket(family, kind)
        sock.bind(address)
        return sock

    def reached(self) -> list[str]:
        import select

        return [str(sock.getsockname()) for sock in select.select(self.sockets, [], [], 0.2)[0]]


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    listener = Listener(tmp_path_factory.mktemp("sockets"))
    yield listener
    for sock in listener.sockets:
        sock.close()


@pytest.mark.parametrize(
    "action",
    [
        "socket.create_connection(('127.0.0.1', {tcp}))",
        "urllib.request.urlopen('http://127.0.0.1:{tcp}/')",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {udp}))",
        "socket.socket(socket.AF_INET6)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "socket.socket(socket.AF_UNIX).connect('{stream}')",
        "socket.socket(socket.AF_VSOCK)",
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', '{datagram}')",
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', '{abstract}')",
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].connect('{datagram}')",
        "socket.socketpair(socket.AF_UNIX, 3)[0].sendto(b'x', '{datagram}')",
        "socket.socketpair()[0].connect('{stream}')",
        "socket.socket(fileno=3).connect('{stream}')",
        "socket.socketpair()[0].bind('\\0vincicoder-squatter')",
        "socket.getaddrinfo('example.org', 80)",
    ],
)
def test_python_reaches_no_server(pool: RenderPool, listener: Listener, action: str) -> None:
    values = {name: getattr(listener, name) for name in ("tcp", "udp", "stream", "datagram")}
    action = action.format(**values, abstract="\\0" + listener.abstract[1:])
    render = pool.render(f"import socket, urllib.request\n{action}\nraise SystemExit('GOT THROUGH')", "python")
    assert_nothing_leaked(render)
    assert render.status in (Status.FORBIDDEN, Status.RUNTIME_ERROR)
    assert listener.reached() == []


def test_images_of_other_kinds_are_not_taken(pool: RenderPool) -> None:
    for trick in ("os.symlink('/usr/share/pixmaps', 'a.png')", "os.mkdir('a.png')", "os.symlink('a.png', 'a.png')"):
        assert pool.render(f"import os\n{trick}", "python").status is Status.NO_OUTPUT, trick


def test_one_request_cannot_see_another(pool: RenderPool) -> None:
    spy = "import os, time\nt = time.time()\nwhile time.time() < t + 1: pass\n" + textwrap.dedent("""
        seen = []
        for n in range(10 ** 4):
            try:
                if not os.path.samefile(f'../../{n}', '..'):
                    seen += os.listdir(f'../../{n}')
            except FileNotFoundError: pass
            except PermissionError: pass
        raise SystemExit(seen)
    """)
    futures = [pool.submit(f"{spy}#{n}", "python") for n in range(2)]
    messages = [future.result().message for future in futures]
    assert all("rgb" not in message and "stderr" not in message and "work" not in message for message in messages)
