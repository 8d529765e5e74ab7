"""How attacks by generated code end: forgeries, endless and greedy code, strange ends; and nothing remains."""

from __future__ import annotations

import dataclasses
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from rendered import assert_nothing_leaked, workers_of
from repository import ROOT

from vincicoder.rendering import Limits, RenderPool
from vincicoder.rendering.config import SandboxConfig
from vincicoder.rendering.sandbox import processes, wire
from vincicoder.rendering.sandbox.client import ForkServer
from vincicoder.status import Status

FORGE = """
import json, os, socket, struct
from pathlib import Path
control = socket.socket(fileno=3)
sockets = [fd for fd in range(4, 64) if os.path.exists(f'/proc/self/fd/{fd}')]
[sock] = [socket.socket(fileno=fd) for fd in sockets if os.readlink(f'/proc/self/fd/{fd}').startswith('socket')]
private = Path.cwd().parent
def send(message):
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    sock.sendall(struct.pack('!I', len(body)) + body)
def claim(width=2, height=2, **more):
    send({'status': 'ok', 'message': '', 'width': width, 'height': height, **more})
"""


def test_a_forged_image_is_only_an_image(strict: RenderPool) -> None:
    """Writing the pixels oneself is drawing by other means; the limit on pixels holds there too."""
    code = FORGE + textwrap.dedent("""
        import gc
        job = next(o['id'] for o in gc.get_objects() if isinstance(o, dict) and 'options' in o and 'id' in o)
        with open(private / f'{job}.rgb', 'wb') as file:
            file.truncate(W * H * 3)
        claim(W, H)
        control.sendall(b'k')
        import threading; threading.Event().wait(1)
    """)
    small = strict.render(code.replace("W", "40").replace("H", "30"), "python")
    assert small.status is Status.OK
    assert small.image is not None
    assert small.image.size == (40, 30)
    limits = Limits(cpu_seconds=1, wall_seconds=5, pixels=1000)
    with RenderPool(workers=1, limits=limits) as tiny:
        large = tiny.render(code.replace("W", "40").replace("H", "30"), "python")
    assert large.status is not Status.OK


ENDLESS = {
    "loop": "while True: pass",
    "loop in C": "sum(range(10 ** 12))",
    "wait": "import threading\nthreading.Event().wait(1000)",
    "stop": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    "deaf": "import signal\nfor n in range(1, 65):\n  try: signal.signal(n, signal.SIG_IGN)\n  except Exception: pass\n"
    "while True: pass",
    "catches everything": "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
    "thread that stays": "import threading\nthreading.Thread(target=threading.Event().wait, args=(1000,)).start()\n"
    "threading._shutdown()",
    "exception without end": "class E(Exception):\n  def __str__(self):\n    while True: pass\nraise E",
    "destructor without end": "class A:\n  def __del__(self):\n    while True: pass\na = A()\ndel a",
    "regular expression": "import re\nre.match('(a+)+$', 'a' * 60 + 'b')",
    "input": "import os, sys\nr, w = os.pipe()\nos.read(r, 1)",
    "own session": "import os, threading\ntry: os.setsid()\nexcept OSError: pass\nthreading.Event().wait(1000)",
    "lets its parent die": "import ctypes, threading\nctypes.CDLL(None).prctl(1, 0, 0, 0, 0)\nthreading.Event().wait(1000)",
    "power": "x = 2 ** (2 ** 40)",
    "trace": "import sys\ndef t(*a):\n  while True: pass\nsys.settrace(t)\ndef f(): pass\nf()",
    "recursion": "import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(): return [f()]\nf()",
    "hook that never returns": "import matplotlib.pyplot as plt\ndef savefig(*a, **k):\n  while True: pass\n"
    "plt.Figure.savefig = savefig\nplt.plot([1])\nplt.savefig('a.png')",
}


def test_what_never_ends_is_ended(strict: RenderPool) -> None:
    strict.start("python")
    before = time.monotonic()
    futures = {name: strict.submit(code, "python") for name, code in ENDLESS.items()}
    renders = {name: future.result() for name, future in futures.items()}
    gone_before = (Status.TIMEOUT, Status.OUT_OF_MEMORY, Status.RUNTIME_ERROR)  # as the version of Python has it
    allowed = dict.fromkeys(("power", "recursion"), gone_before)
    wrong = {
        name: render
        for name, render in renders.items()
        if render.status not in allowed.get(name, (Status.TIMEOUT,)) or render.seconds > 60
    }
    assert wrong == {}
    assert time.monotonic() - before < 240


GREEDY = {
    "memory": ("x = []\nwhile True: x.append(bytearray(10 ** 7))", {Status.OUT_OF_MEMORY}),
    "one block": ("bytearray(10 ** 12)", {Status.OUT_OF_MEMORY}),
    "array": ("import numpy\nnumpy.ones(10 ** 10)", {Status.OUT_OF_MEMORY}),
    "shared mapping": (
        "import mmap\nx = []\nwhile True:\n  m = mmap.mmap(-1, 10 ** 7)\n  m[:] = b'x' * 10 ** 7\n  x.append(m)",
        {Status.OUT_OF_MEMORY, Status.RUNTIME_ERROR},
    ),
    "list in C": ("list(range(10 ** 11))", {Status.OUT_OF_MEMORY, Status.TIMEOUT}),
    "file": ("f = open('f', 'wb')\nwhile True: f.write(b'x' * 10 ** 6)", {Status.TOO_LARGE}),
    "files": ("i = 0\nwhile True:\n  open(f'f{i}', 'wb').write(b'x' * 10 ** 6)\n  i += 1", {Status.TOO_LARGE}),
    "empty files": ("i = 0\nwhile True:\n  open(f'f{i}', 'w').close()\n  i += 1", {Status.TOO_LARGE, Status.TIMEOUT}),
    "files without a name": (
        "import os, threading\nx = []\ntry:\n  for i in range(60):\n    f = open('f', 'wb')\n    f.write(b'x' * 10 ** 6)\n"
        "    f.flush()\n    os.remove('f')\n    x.append(f)\nexcept OSError: pass\nthreading.Event().wait(1000)",
        {Status.TOO_LARGE},
    ),
    "files out of sight": (
        "import os\nfor i in range(40):\n  os.mkdir('d' * 200); os.chdir('d' * 200)\n"
        "i = 0\nwhile True:\n  open(f'f{i}', 'wb').write(b'x' * 10 ** 6)\n  i += 1",
        {Status.TOO_LARGE},
    ),
    "deep directories": ("import os\nwhile True: os.mkdir('d'); os.chdir('d')", {Status.TOO_LARGE, Status.TIMEOUT}),
    "output": ("while True: print('x' * 10 ** 6)", {Status.TIMEOUT}),
    "errors": ("import sys\nwhile True: sys.stderr.write('x' * 10 ** 6)", {Status.TOO_LARGE, Status.TIMEOUT}),
    "threads": (
        "import threading\nthreading.stack_size(65536)\n"
        "while True: threading.Thread(target=threading.Event().wait, args=(99,), daemon=True).start()",
        {Status.FORBIDDEN, Status.OUT_OF_MEMORY},
    ),
    "descriptors": ("x = []\nwhile True: x.append(open('/dev/null'))", {Status.RUNTIME_ERROR}),
    "pixels": ("import matplotlib.pyplot as plt\nplt.figure(figsize=(999, 999)).savefig('a.png')", {Status.TOO_LARGE}),
    "pixels by dpi": ("import matplotlib.pyplot as plt\nplt.figure().savefig('a.png', dpi=9999)", {Status.TOO_LARGE}),
    "pixels by Pillow": (
        "from PIL import Image\nImage.new('1', (50_000, 50_000)).save('a.png')",
        {Status.TOO_LARGE, Status.OUT_OF_MEMORY},
    ),
    "a decompression bomb": (
        "import struct, zlib\ndef chunk(k, d): return struct.pack('>I', len(d)) + k + d + struct.pack('>I',"
        " zlib.crc32(k + d))\nopen('a.png', 'wb').write(b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', struct.pack("
        "'>IIBBBBB', 60000, 60000, 8, 0, 0, 0, 0)) + chunk(b'IDAT', zlib.compress(bytes(10 ** 6))) + chunk(b'IEND', b''))",
        {Status.TOO_LARGE, Status.NO_OUTPUT, Status.RUNTIME_ERROR},
    ),
}


def test_greed_is_ended(strict: RenderPool) -> None:
    # What takes all it can get may take long for it, on a slow machine longer than the strict pool allows.
    limits = dataclasses.replace(strict.config.limits, cpu_seconds=8, wall_seconds=40)
    with RenderPool(workers=8, limits=limits) as patient:
        pools = {name: strict if Status.TIMEOUT in endings else patient for name, (_, endings) in GREEDY.items()}
        futures = {name: pools[name].submit(code, "python") for name, (code, _) in GREEDY.items()}
        renders = {name: future.result() for name, future in futures.items()}
    assert {name: render for name, render in renders.items() if render.status not in GREEDY[name][1]} == {}


ENDS = {
    "exit": ("import os\nos._exit(0)", Status.NO_OUTPUT),
    "exit with a code": ("import os\nos._exit(3)", Status.RUNTIME_ERROR),
    "sys.exit": ("import sys\nsys.exit(2)", Status.RUNTIME_ERROR),
    "exit with a message": ("exit('no')", Status.RUNTIME_ERROR),
    "segmentation fault": ("import ctypes\nctypes.string_at(0)", Status.RUNTIME_ERROR),
    "abort": ("import os\nos.abort()", Status.RUNTIME_ERROR),
    "recursion": ("def f(): f()\nf()", Status.RUNTIME_ERROR),
    "recursion in the parser": ("x = " + "(" * 5000 + ")" * 5000, Status.SYNTAX_ERROR),
    "deep expression": ("x = " + "-" * 100_000 + "1", Status.SYNTAX_ERROR),
    "null byte": ("x = 1\0", Status.SYNTAX_ERROR),
    "lone surrogate": ("x = '\ud800'\nraise ValueError(x)", Status.SYNTAX_ERROR),
    "unreadable message": ("raise ValueError(chr(0xD800))", Status.RUNTIME_ERROR),
    "huge message": ("raise ValueError('x' * 10 ** 7)", Status.RUNTIME_ERROR),
    "message that raises": ("class E(Exception):\n  def __str__(self): raise E\nraise E", Status.RUNTIME_ERROR),
    "exit with an object": ("class A:\n  def __repr__(self): raise A\nraise SystemExit(A())", Status.RUNTIME_ERROR),
    "keyboard interrupt": ("raise KeyboardInterrupt", Status.RUNTIME_ERROR),
    "generator exit": ("raise GeneratorExit", Status.RUNTIME_ERROR),
    "interrupt later": (
        "import matplotlib.pyplot as plt\ndef f(*a): raise KeyboardInterrupt\nplt.get_fignums = f",
        Status.RUNTIME_ERROR,
    ),
    "signal": ("import os\nos.kill(os.getpid(), 15)", Status.RUNTIME_ERROR),
    "json replaced": ("import json\njson.dumps = None\njson.loads = None", None),
    "builtins replaced": ("import builtins\nbuiltins.open = builtins.len = None", None),
    "modules removed": ("import sys\nsys.modules.clear()", None),
    "Pillow replaced": (
        "from PIL import Image\nImage.Image.tobytes = lambda s: b''\nImage.new('RGB', (9, 9)).save('a.png')",
        None,
    ),
    "exit handler": ("import atexit, threading\natexit.register(threading.Event().wait, 1000)", Status.NO_OUTPUT),
    "daemon": (
        "import threading\nthreading.Thread(target=threading.Event().wait, args=(99,)).start()",
        Status.NO_OUTPUT,
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_strange_ends_are_results(pool: RenderPool, name: str) -> None:
    code, expected = ENDS[name]
    render = pool.render(code, "python")
    assert_nothing_leaked(render)
    assert render.status is expected if expected else render.status.fault == "response", render
    assert len(render.message) <= 5000
    render.message.encode("utf-8")


def test_nothing_remains(pool: RenderPool, strict: RenderPool) -> None:
    for each in (pool, strict):
        server = each._servers["python"]
        deadline = time.monotonic() + 20

        while time.monotonic() < deadline and (any(server.root.glob("[0-9]*")) or workers_of(server.pid)):
            time.sleep(0.1)
        assert list(server.root.glob("[0-9]*")) == []
        assert workers_of(server.pid) == []


WITHOUT_PRIVILEGE = """
import sys
sys.path.insert(0, {root!r})
from vincicoder.rendering.sandbox import confine
confine.drop_capabilities()  # as an ordinary user: what generated code closes is closed to the server too
from vincicoder.rendering import Limits, RenderPool
with RenderPool(workers=1, limits=Limits(cpu_seconds=2, wall_seconds=20, output_mb=16)) as pool:
    for code in sys.argv[1:]:
        print(pool.render(code, 'python').status, flush=True)
    root = pool._servers['python'].root
print(root)
"""


def test_closed_directories_hide_nothing_from_an_ordinary_user() -> None:
    fill = "i = 0\nwhile True:\n  open(f'f{i}', 'wb').write(b'x' * 10 ** 6)\n  i += 1"
    codes = [
        f"import os\nos.mkdir('d', 0o300); os.chdir('d')\n{fill}",
        "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()",
        "import ctypes\nctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\nimport os, threading\nx = []\nfor i in range(60):\n"
        "  f = open('f', 'wb'); f.write(b'x' * 10 ** 6); f.flush(); os.remove('f'); x.append(f)\nthreading.Event().wait(9)",
    ]
    root = str(ROOT)
    command = [sys.executable, "-c", WITHOUT_PRIVILEGE.format(root=root), *codes]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert output[:3] == ["too_large", "ok", "too_large"]
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and Path(output[3]).exists():
        time.sleep(0.1)
    assert not Path(output[3]).exists()


def test_large_jobs_and_large_answers_do_not_block_each_other(strict: RenderPool) -> None:
    """Both directions of the channel fill up at once."""
    code = (
        "open('a.svg', 'w').write('<svg xmlns=\"http://www.w3.org/2000/svg\"><!--' + 'x' * 3_000_000 + '--></svg>')\n#"
    )
    futures = [strict.submit(code + str(n) + "y" * 3_000_000, "python") for n in range(24)]
    assert [future.result(timeout=60).status for future in futures] == [Status.OK] * 24


def test_who_is_interrupted_leaves_no_child_that_waits_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(wall_seconds=600)
    server = ForkServer("vincicoder.rendering.svg:SvgRenderer", {}, limits, SandboxConfig(), jobs_per_child=1)
    try:

        def interrupted(ours: socket.socket, message: wire.Message) -> None:
            ours.sendall(wire.pack(message)[:-1])
            raise KeyboardInterrupt

        monkeypatch.setattr(server, "_converse", interrupted)
        with pytest.raises(KeyboardInterrupt):
            server.run("<svg/>")
        deadline = time.monotonic() + 120
        while processes.descendants(server.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not processes.descendants(server.pid)
    finally:
        server.close()
