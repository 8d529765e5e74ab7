"""Python: what others left in memory, greed, and endless code."""

from __future__ import annotations

from vincicoder.attacks.attack import Attack, Layer, listed
from vincicoder.attacks.bait import VARIABLE
from vincicoder.status import Status

_CANARY = "canary-of-an-earlier-request-4711"
_SIBLING = f"import matplotlib.pyplot as plt\nplt.title('{_CANARY}')\nplt.plot([1, 2])"

# Finds what it looks for in every readable page of its own process, but not the pattern itself.
_SEARCH = r"""
import re
pattern, found = re.compile(rb'{pattern}'), []
for line in open('/proc/self/maps'):
    where, rights = line.split()[:2]
    if rights[0] != 'r' or line.rstrip().endswith(('[vvar]', '[vsyscall]', '[vvar_vclock]')): continue
    start, end = (int(each, 16) for each in where.split('-'))
    try: found += pattern.findall(ctypes.string_at(start, end - start))
    except Exception: pass
if found: escaped(found)
"""


def _search(text: str) -> str:
    return _SEARCH.replace("{pattern}", f"{text[:-1]}[{text[-1]}]")


_MEMORY = {
    "memory-of-siblings": ("find an earlier request's code in its own memory", _search(_CANARY)),
    "objects-of-siblings": (
        "find it among Python's objects",
        f"import gc, linecache, re\npattern = re.compile('{_CANARY[:-1]}[{_CANARY[-1]}]')\n"
        "texts = [str(each) for each in linecache.cache.values()]\n"
        "for o in gc.get_objects():\n  if type(o) in (dict, list, tuple) and len(o) < 99:\n"
        "    texts += [each for each in (o.values() if type(o) is dict else o) if type(each) is str]\n"
        "if any(map(pattern.search, texts)): escaped()",
    ),
}
_ENVIRONMENT = {
    "memory-of-environment": ("find the trainer's environment in its own memory", _search(VARIABLE + "=secret-")),
    "environment": (
        "read the trainer's environment from its own",
        f"text = str(dict(os.environ)) + open('/proc/self/environ').read()\nif '{VARIABLE}' in text: escaped(text)",
    ),
    "inherited-descriptors": (
        "read what the trainer has open",
        "for fd in range(3, 1024):\n  try: text = os.pread(fd, 99, 0)\n  except OSError: continue\n"
        "  if b'secret' in text: escaped(text)",
    ),
    "frames": (
        "find another request in the frames of its callers",
        "frame = sys._getframe()\nwhile frame := frame.f_back:\n"
        "  if any(name in ('config', 'path') and 'secret' in str(value) for name, value in frame.f_locals.items()): escaped()",
    ),
}

_BURN = "import time\nend = time.process_time_ns() + int(4e9 * CPU_SECONDS)\n"
_UNTIL = "while time.process_time_ns() < end: pass\nescaped('no limit of CPU time')"
_TIME = {
    "loop": ("compute for four times its limit", _BURN + _UNTIL),
    "loop-in-c": ("compute inside one call", "sum(range(int(CPU_SECONDS * 4e8))); escaped()"),
    "loop-deaf": (
        "compute, deaf to all signals",
        "for n in range(1, 65):\n  try: signal.signal(n, signal.SIG_IGN)\n  except Exception: pass\n" + _BURN + _UNTIL,
    ),
    "loop-in-threads": (
        "compute in many threads",
        _BURN + "def burn():\n  while time.process_time_ns() < end: pass\n"
        "threads = [threading.Thread(target=burn) for _ in range(8)]\nfor each in threads: each.start()\n"
        "for each in threads: each.join()\nescaped('no limit of CPU time')",
    ),
    "message-without-end": (
        "compute while its error is told",
        _BURN + "class E(Exception):\n  def __str__(self):\n    while time.process_time_ns() < end: pass\n"
        "    return 'ESC' + 'APED'\nraise E",
    ),
    "wait": ("wait for twice its limit", "wait(WALL_SECONDS * 2); escaped('no limit of time')"),
    "stop-itself": ("stop itself", "os.kill(os.getpid(), signal.SIGSTOP); wait(1); escaped()"),
}  # fmt: skip

_LOOK = "wait(3)\n"  # what has been taken is kept this long
_GREED = {
    "memory": (
        "take twice the memory that it may",
        "kept = [b'x' * (1 << 20) for _ in range(2 * MEMORY_MB)]\nescaped('no limit of memory')",
    ),
    "memory-shared": (
        "take it in shared mappings",
        "import mmap\nkept = [mmap.mmap(-1, 8 << 20) for _ in range(MEMORY_MB // 4)]\nescaped('no limit of memory')",
    ),
    "memory-at-once": ("take a terabyte at once", "import numpy\nnumpy.empty(1 << 40, dtype='u1'); escaped()"),
}
_DISK = {
    "one-file": (
        "write a file of twice its limit",
        "with open('f', 'wb') as file:\n  for _ in range(2 * OUTPUT_MB): file.write(bytes(1 << 20))\nescaped()",
    ),
    "many-files": (
        "write it into many files",
        "for n in range(2 * OUTPUT_MB): open(f'f{n}', 'wb').write(b'x' * (1 << 20))\n" + _LOOK + "escaped()",
    ),
    "empty-files": ("make ten thousand files", "for n in range(10000): open(f'f{n}', 'w').close()\n" + _LOOK + "escaped()"),
    "nameless-files": (
        "write into files without names",
        "kept = []\nfor n in range(2 * OUTPUT_MB):\n  kept.append(open('f', 'wb')); kept[-1].write(b'x' * (1 << 20)); "
        "kept[-1].flush(); os.remove('f')\n" + _LOOK + "escaped()",
    ),
    "mapped-files": (
        "keep files that have neither name nor descriptor",
        "import mmap\nkept = []\nfor n in range(4):\n  with open('f', 'wb+') as file:\n"
        "    file.write(b'x' * (OUTPUT_MB << 19)); file.flush()\n"
        "    kept.append(mmap.mmap(file.fileno(), 4096))\n  os.remove('f')\n" + _LOOK + "escaped()",
    ),
    "deep-directories": (
        "write where no path is long enough to reach",
        "for n in range(40): os.mkdir('d' * 200); os.chdir('d' * 200)\n"
        "for n in range(2 * OUTPUT_MB): open(f'f{n}', 'wb').write(b'x' * (1 << 20))\n" + _LOOK + "escaped()",
    ),
    "closed-directory": (
        "write where nobody may look",
        "os.mkdir('d', 0o300); os.chdir('d')\n"
        "for n in range(2 * OUTPUT_MB): open(f'f{n}', 'wb').write(b'x' * (1 << 20))\n" + _LOOK + "escaped()",
    ),
    "errors-output": (
        "write it to the errors' file",
        "for n in range(2 * OUTPUT_MB): os.write(2, b'x' * (1 << 20))\n" + _LOOK + "escaped()",
    ),
}  # fmt: skip
_COUNTS = {
    "threads": (
        "start twice the threads that it may",
        "threading.stack_size(65536)\nfor _ in range(2 * TASKS): threading.Thread(target=wait, args=(20,), daemon=True).start()\n"
        + _LOOK + "escaped()",
    ),
}  # fmt: skip
_FEW = {
    "descriptors": (
        "open ten thousand files",
        "kept = [os.open('/dev/null', os.O_RDONLY) for _ in range(10000)]; escaped()",
    ),
    "allocate-disk": (
        "take the disk without writing",
        "with open('f', 'wb') as file:\n  raw(CALLS['fallocate'], file.fileno(), 0, 0, OUTPUT_MB << 19)\nescaped()",
    ),
}
_PIXELS = {
    "pixels": ("make an image of a billion pixels", "import matplotlib.pyplot as plt\nplt.figure(figsize=(999, 999)).savefig('a.png')"),
    "pixels-by-resolution": ("make it by its resolution", "import matplotlib.pyplot as plt\nplt.figure().savefig('a.png', dpi=9999)"),
    "pixels-by-pillow": ("make it of single bits", "from PIL import Image\nImage.new('1', (50_000, 50_000)).save('a.png')"),
    "decompression-bomb": (
        "write a file that becomes it",
        "import struct, zlib\ndef chunk(kind, data):\n"
        "  return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))\n"
        "header = struct.pack('>IIBBBBB', 60000, 60000, 8, 0, 0, 0, 0)\n"
        "open('a.png', 'wb').write(b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', header) + "
        "chunk(b'IDAT', zlib.compress(bytes(10 ** 6))) + chunk(b'IEND', b''))",
    ),
}  # fmt: skip

_TOO_MANY_PIXELS = (Status.TOO_LARGE, Status.OUT_OF_MEMORY, Status.NO_OUTPUT, Status.RUNTIME_ERROR)
_ENDED = (Layer.LIMITS, Layer.WATCH)

ATTACKS: tuple[Attack, ...] = (
    *listed("python", (Layer.FRESH,), _MEMORY, before=_SIBLING),
    *listed("python", (Layer.FRESH,), _ENVIRONMENT),
    *listed("python", _ENDED, _TIME, endings=(Status.TIMEOUT,)),
    *listed("python", _ENDED, _GREED, endings=(Status.OUT_OF_MEMORY, Status.TIMEOUT)),
    *listed("python", _ENDED, _DISK, endings=(Status.TOO_LARGE, Status.TIMEOUT)),
    *listed("python", _ENDED, _COUNTS, endings=(Status.FORBIDDEN, Status.OUT_OF_MEMORY)),
    *listed("python", (*_ENDED, Layer.SECCOMP), _FEW),
    *listed("python", (Layer.RENDERER, *_ENDED), _PIXELS, endings=_TOO_MANY_PIXELS),
    Attack(
        "machines-connections",
        "python",
        "learn which connections the machine has",
        "if f':{TCP:04X}' in open('/proc/self/net/tcp').read(): escaped('saw the port of a server')",
        (Layer.NETWORK,),
        needs=Layer.NETWORK,
    ),
)
