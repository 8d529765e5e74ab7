"""An attack that succeeds is noticed: what it is after is handed over, and the detector must say so."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable

import pytest
from PIL import Image

from vincicoder.attacks.attack import Attack, Layer, Verdict
from vincicoder.attacks.bait import SIGNAL_COLOUR, Bait, shows_secret
from vincicoder.attacks.explain import stopped_by
from vincicoder.attacks.runner import one_line, run
from vincicoder.rendering import Render
from vincicoder.status import Status


def send(bait: Bait, family: int, kind: int, name: str) -> None:
    address = bait.names()[name]
    with socket.socket(family, kind) as sock:
        sock.connect(("127.0.0.1", address) if family == socket.AF_INET else address)
        sock.send(b"x")


def signalled(number: int) -> Callable[[Bait], None]:
    def act(bait: Bait) -> None:
        os.kill(bait.victim, number)
        os.waitid(os.P_PID, bait.victim, os.WEXITED | os.WSTOPPED | os.WNOWAIT)

    return act


SUCCESSES: dict[str, tuple[Callable[[Bait], None], str]] = {
    "writes": (lambda bait: bait.file.write_text("x"), "secret.txt"),
    "appends": (lambda bait: bait.file.open("a").write("x"), "secret.txt"),
    "empties": (lambda bait: os.truncate(bait.file, 0), "secret.txt"),
    "removes": (lambda bait: bait.file.unlink(), "files"),
    "renames": (lambda bait: bait.file.rename(bait.marker), "intruder"),
    "links": (lambda bait: os.link(bait.file, bait.marker), "files"),
    "makes a directory": (lambda bait: bait.marker.mkdir(), "intruder"),
    "opens to all": (lambda bait: bait.file.chmod(0o777), "secret.txt"),
    "changes times": (lambda bait: os.utime(bait.file, (1, 1)), "secret.txt"),
    "kills": (signalled(signal.SIGKILL), "victim"),
    "stops": (signalled(signal.SIGSTOP), "victim"),
    "slows down": (lambda bait: os.setpriority(os.PRIO_PROCESS, bait.victim, 19), "victim"),
    "idles": (lambda bait: os.sched_setscheduler(bait.victim, os.SCHED_IDLE, os.sched_param(0)), "victim"),
    "connects": (lambda bait: send(bait, socket.AF_INET, socket.SOCK_STREAM, "TCP"), "reached tcp"),
    "sends": (lambda bait: send(bait, socket.AF_INET, socket.SOCK_DGRAM, "UDP"), "reached udp"),
    "connects locally": (lambda bait: send(bait, socket.AF_UNIX, socket.SOCK_STREAM, "STREAM"), "reached stream"),
    "sends locally": (lambda bait: send(bait, socket.AF_UNIX, socket.SOCK_DGRAM, "DATAGRAM"), "reached datagram"),
    "connects to a name": (lambda bait: send(bait, socket.AF_UNIX, socket.SOCK_STREAM, "ABSTRACT"), "abstract stream"),
    "sends to a name": (
        lambda bait: send(bait, socket.AF_UNIX, socket.SOCK_DGRAM, "ABSTRACT_DATAGRAM"),
        "abstract datagram",
    ),
    "starts Ghostscript": (lambda bait: subprocess.run([bait.directory / "programs" / "gs"], check=True), "intruder"),
}


@pytest.mark.parametrize("what", SUCCESSES)
def test_what_is_done_to_the_bait_is_noticed(what: str) -> None:
    act, evidence = SUCCESSES[what]
    with Bait() as bait:
        assert bait.harm() == ""
        act(bait)
        assert evidence in bait.harm()


def test_nothing_of_the_bait_is_left() -> None:
    with Bait() as bait:
        directory, victim = bait.directory, bait.victim
    assert not directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(victim, 0)


def test_a_glimpse_of_the_secret_is_seen_and_an_honest_image_is_not() -> None:
    image = Image.new("RGB", (640, 480), "white")
    assert not shows_secret(image)
    assert not shows_secret(None)
    image.paste(SIGNAL_COLOUR, (600, 400, 605, 405))
    assert shows_secret(image)


@pytest.mark.parametrize(
    ("message", "status", "layer"),
    [
        ("PermissionError: [Errno 13] Permission denied: '/tmp' (line 3)", Status.FORBIDDEN, Layer.LANDLOCK),
        ("OSError: [Errno 18] Invalid cross-device link: '/tmp' -> 'x'", Status.RUNTIME_ERROR, Layer.LANDLOCK),
        ("PermissionError: [Errno 13] Permission denied (line 3)", Status.FORBIDDEN, Layer.SECCOMP),
        ("PermissionError: [Errno 1] Operation not permitted: '.' (line 3)", Status.FORBIDDEN, Layer.SECCOMP),
        ("OSError: [Errno 38] Function not implemented", Status.RUNTIME_ERROR, Layer.SECCOMP),
        ("the process ended with signal SIGSYS.", Status.RUNTIME_ERROR, Layer.SECCOMP),
        ("used more than 3 s of CPU time", Status.TIMEOUT, Layer.WATCH),
        ("wrote a file of more than 16 MiB", Status.TOO_LARGE, Layer.LIMITS),
        ("the memory limit was reached", Status.OUT_OF_MEMORY, Layer.LIMITS),
        ("the image is not a regular file of the size that was announced", Status.FOREIGN_FILE, Layer.RESULT),
        ("the code neither saved nor showed an image", Status.NO_OUTPUT, None),
    ],
)
def test_the_layer_follows_from_how_it_ended(message: str, status: Status, layer: Layer | None) -> None:
    attack = Attack("x", "python", "x", "x", (Layer.SECCOMP, Layer.LANDLOCK))
    assert stopped_by(attack, Render(status, message=message)) is layer


def test_what_an_attack_says_steers_no_terminal() -> None:
    assert one_line("a\x1b[2J\n b") == r"a\x1b[2J b"


MAGENTA = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><rect width='9' height='9' fill='#f0f'/></svg>"
HANDED_OVER = {
    "says so": (Attack("says", "python", "x", "escaped('it did')", (Layer.SECCOMP,)), Verdict.ESCAPED),
    "is let through": (Attack("reach", "python", "x", "reach(39)", (Layer.SECCOMP,)), Verdict.ESCAPED),  # its own id
    "shows the secret": (Attack("shows", "svg", "x", MAGENTA, (Layer.RENDERER,)), Verdict.ESCAPED),
    "ends otherwise": (
        Attack("ends", "python", "x", "1 / 0", (Layer.WATCH,), endings=(Status.TIMEOUT,)),
        Verdict.ESCAPED,
    ),
    "depends on a file": (Attack("compared", "svg", "x", MAGENTA.replace("#f0f", "red") + "<!-- {FILE} -->", (Layer.RENDERER,), compared=True), Verdict.STOPPED),
    "is broken": (Attack("broken", "python", "x", "no_such_name", (Layer.SECCOMP,)), Verdict.FAILS),
    "finds nothing": (Attack("absent", "python", "x", "open('/usr/no-such-file')", (Layer.LANDLOCK,)), Verdict.NOT_RUN),
    "is refused": (Attack("refused", "python", "x", "open(FILE)", (Layer.LANDLOCK,)), Verdict.STOPPED),
    "works": (Attack("works", "svg", "x", MAGENTA.replace("#f0f", "red")), Verdict.WORKS),
    "does not work": (Attack("fails", "svg", "x", "<svg"), Verdict.FAILS),
    "reads what is needed": (
        Attack("needs", "python", "x", "escaped()", (Layer.PROCESSES,), needs=Layer.PROCESSES),
        Verdict.UNCOVERED,
    ),
}  # fmt: skip


def test_an_attack_that_is_handed_what_it_wants_is_reported() -> None:
    results = run([attack for attack, _ in HANDED_OVER.values()])
    found = {name: result.verdict for name, result in zip(HANDED_OVER, results, strict=False)}
    assert found == {name: verdict for name, (_, verdict) in HANDED_OVER.items()}
