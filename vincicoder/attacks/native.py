"""Native code that got hold of the browser: Python under the browser's own policy, in its place.

Whoever breaks out of a page can do in Chromium's processes what this code can do here.
"""

from __future__ import annotations

from typing import Any, ClassVar

from vincicoder.attacks.attack import Attack, Layer, listed
from vincicoder.rendering.html import HtmlRenderer
from vincicoder.rendering.renderer import Policy, RenderError, Workspace
from vincicoder.status import Status


class BrowserBox:
    """A renderer with the browser's policy that runs Python instead of a browser.

    Args:
        browser: The Chromium whose policy it is, None to search for one.
    """

    jobs_per_child: ClassVar[int] = 1

    def __init__(self, browser: str | None = None) -> None:
        self._html = HtmlRenderer(browser)

    def preload(self) -> dict[str, Any]:
        """Prepare what the browser's renderer prepares, so that the policy is the same."""
        return self._html.preload()

    def policy(self) -> Policy:
        """Return the browser's policy."""
        return self._html.policy()

    def render(self, code: str, workspace: Workspace, options: dict[str, Any]) -> Any:
        """Run the code; there is no image."""
        try:
            exec(compile(code, "native.py", "exec"), {"__name__": "__main__"})  # this is what the sandbox is for
        except (Exception, SystemExit) as error:  # noqa: BLE001 - how it ended is what is asked for
            raise RenderError(Status.RUNTIME_ERROR, f"{type(error).__name__}: {error}") from None
        raise RenderError(Status.NO_OUTPUT, "the code came to its end")


RENDERER = f"{__name__}:{BrowserBox.__name__}"

_UNIX = "socket.socket(socket.AF_UNIX, socket.SOCK_{})"
_PAIR = "socket.socketpair(socket.AF_UNIX, socket.SOCK_{})[0]"
_REACH = "reach('connect', held.fileno(), b'\\1\\0' + STREAM.encode(), 2 + len(STREAM))"
_SOCKETS = {
    "stream": ("connect to a local socket", f"{_UNIX.format('STREAM')}.connect(STREAM)"),
    "packets": ("connect by packets", f"held = {_UNIX.format('SEQPACKET')}; {_REACH}"),
    "abstract": ("connect to an abstract socket", f"{_UNIX.format('STREAM')}.connect(ABSTRACT)"),
    "pair": ("connect one end of a pair", f"held = {_PAIR.format('STREAM')}; {_REACH}"),
    "datagram": ("send a datagram", f"{_UNIX.format('DGRAM')}.sendto(b'x', DATAGRAM)"),
    "datagram-of-pair": ("send it from a pair", f"{_PAIR.format('DGRAM')}.sendto(b'x', DATAGRAM)"),
    "message-of-pair": ("send it as a message", f"{_PAIR.format('DGRAM')}.sendmsg([b'x'], [], 0, DATAGRAM)"),
    "message-of-stream": ("send a stream's message", f"{_UNIX.format('STREAM')}.sendmsg([b'x'], [], 0, STREAM)"),
    "message-of-packets": (
        "send a packet to an address",
        f"{_UNIX.format('SEQPACKET')}.sendmsg([b'x'], [], 0, STREAM)",
    ),
    "raw": ("send it raw", f"{_UNIX.format('RAW')}.sendto(b'x', DATAGRAM)"),
    "internet": ("connect to a server of this machine", "socket.create_connection(('127.0.0.1', TCP))"),
    "devices": ("hear of the machine's devices", "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15); escaped()"),
    "audit": ("hear of the machine's audit", "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9); escaped()"),
}  # fmt: skip
_REACHES = {
    "read-file": ("read a file of the owner", "escaped(open(FILE).read())"),
    "write-file": ("write over it", "open(FILE, 'w').write('x')"),
    "host-environment": ("read the trainer's environment", "escaped(open(f'/proc/{HOST}/environ').read())"),
    "host-memory": ("read the trainer's memory", "escaped(open(f'/proc/{HOST}/mem', 'rb').read(0))"),
    "host-file": ("see what the trainer has open", "escaped(os.readlink(f'/proc/{HOST}/fd/0'))"),
    "host-root": ("go through the trainer's root directory", "escaped(open(f'/proc/{HOST}/root{FILE}').read())"),
    "trace": ("trace another process", "reach('ptrace', 16, VICTIM, 0, 0)"),
    "read-memory": ("read its memory", "reach('process_vm_readv', VICTIM, bytes(16), 1, bytes(16), 1, 0)"),
    "namespaces": ("enter namespaces of its own", "reach('unshare', 0x10000000)"),
    "clone-namespaces": (
        "start a process in them",
        "pid = raw(CALLS['clone'], 0x10000011, 0, 0, 0, 0)\nif pid == 0: os._exit(0)\nescaped()",
    ),
    "io-uring": ("have the kernel make calls for it", "reach('io_uring_setup', 8, bytes(120))"),
    "program-keeps-confined": (
        "start a program that is confined no more",
        "import subprocess; subprocess.run(['cat', FILE], capture_output=True, check=True); escaped()",
    ),
}
_SIGNALS = {
    "kill": ("kill another process of the user", "os.kill(VICTIM, signal.SIGKILL)"),
    "stop": ("stop another process of the user", "os.kill(VICTIM, signal.SIGSTOP)"),
    "signal-host": ("send a signal to the trainer", "os.kill(HOST, signal.SIGURG); escaped()"),
}
_LEARNS = {
    "host-command": ("read the trainer's command line", "escaped(open(f'/proc/{HOST}/cmdline').read())"),
    "host-descriptors": ("count the trainer's open files", "escaped(os.listdir(f'/proc/{HOST}/fd'))"),
}

ATTACKS: tuple[Attack, ...] = (
    *listed("browser", (Layer.SECCOMP, Layer.NETWORK), _SOCKETS),
    *listed("browser", (Layer.LANDLOCK, Layer.SECCOMP, Layer.PERMISSIONS), _REACHES),
    *listed("browser", (Layer.LANDLOCK,), _SIGNALS, needs=Layer.LANDLOCK),
    *listed("browser", (Layer.PROCESSES,), _LEARNS, needs=Layer.PROCESSES),
    Attack(
        "squat",
        "browser",
        "take an abstract socket's name before another program does",
        "held = socket.socket(socket.AF_UNIX); held.bind(SQUAT); held.listen()\n"
        "if os.readlink('/proc/self/ns/net') == NETNS: escaped()",
        (Layer.NETWORK,),
        needs=Layer.NETWORK,
    ),
)
