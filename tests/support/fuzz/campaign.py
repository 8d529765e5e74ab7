"""One target under atheris, in a process of its own: the parts of libFuzzer that are ours to set."""

from __future__ import annotations

import hashlib
import sys
import warnings
from pathlib import Path

import atheris

_INSTRUMENTED = ["vincicoder", "PIL", "defusedxml"]


def main() -> None:
    """Fuzz the target that is named first, keep what breaks it in the directory named second; libFuzzer reads the rest."""
    warnings.simplefilter("ignore")  # Pillow has many for damaged files
    with atheris.instrument_imports(include=_INSTRUMENTED):
        from fuzz.targets import TARGETS

        if sys.argv[1] == "bodies":
            from vincicoder.server import app  # noqa: F401
    target = TARGETS[sys.argv[1]]
    target.run(b"")  # imports that come late

    def run(data: bytes) -> None:
        try:
            target.run(data)
        except Exception:  # libFuzzer does not always keep the input itself
            Path(sys.argv[2], f"broke-{hashlib.sha1(data).hexdigest()}").write_bytes(data)
            raise

    atheris.Setup([sys.argv[0], *sys.argv[3:]], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
