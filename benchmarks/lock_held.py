"""CPU time that the threads of this process spend while they hold the interpreter's lock.

It is what cannot overlap, however many cores there are. Python does not count it, so a small library in front of its
own counts each thread's CPU time from where it gets the lock to where it lets go. That needs a C compiler, and a Python
that is linked to a shared library of its own.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <time.h>
static atomic_llong held;
static __thread long long since = -1;
static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}
static void gone(void) { if (since >= 0) held += now() - since; since = -1; }
#define REAL(name) static void *(*real)(void *); if (!real) real = dlsym(RTLD_NEXT, name)
void *PyEval_SaveThread(void) { REAL("PyEval_SaveThread"); gone(); return real(0); }
void PyEval_RestoreThread(void *s) { REAL("PyEval_RestoreThread"); real(s); since = now(); }
void PyEval_AcquireThread(void *s) { REAL("PyEval_AcquireThread"); real(s); since = now(); }
void PyEval_ReleaseThread(void *s) { REAL("PyEval_ReleaseThread"); gone(); real(s); }
void PyThreadState_DeleteCurrent(void) { REAL("PyThreadState_DeleteCurrent"); gone(); real(0); }
long long lock_held_ns(void) { return held + (since >= 0 ? now() - since : 0); }
"""
_LIBRARY = "LOCK_HELD_LIBRARY"


def start_counting() -> bool:
    """Start this program again with the library in front, unless it is there; return whether it is."""
    if _LIBRARY in os.environ:
        return True
    if shutil.which("cc") is None or not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        return False
    with tempfile.TemporaryDirectory() as directory:
        source, library = Path(directory, "lock_held.c"), Path(directory, "lock_held.so")
        source.write_text(_SOURCE)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        variables = {"LD_PRELOAD": str(library), _LIBRARY: str(library)}
        raise SystemExit(subprocess.call([sys.executable, *sys.argv], env={**os.environ, **variables}))


def held_ms() -> float:
    """Return the CPU ms under the lock so far, of all threads; NaN where they are not counted."""
    if _LIBRARY not in os.environ:
        return float("nan")
    count = ctypes.CDLL(os.environ[_LIBRARY]).lock_held_ns
    count.restype = ctypes.c_longlong
    return float(count()) / 1e6
