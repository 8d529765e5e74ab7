"""One target under atheris, in a process of its own: the parts of libFuzzer that are ours to set."""

from __future__ import annotations

import sys
import warnings

import atheris

_INSTRUMENTED = ["vincicoder", "PIL", "defusedxml"]


def main() -> None:
    """Fuzz the target that is named by the first argument; libFuzzer reads the others."""
    warnings.simplefilter("ignore")  # Pillow has many for damaged files
    with atheris.instrument_imports(include=_INSTRUMENTED):
        from fuzz.targets import TARGETS

        if sys.argv[1] == "bodies":
            from vincicoder.server import app  # noqa: F401
    target = TARGETS[sys.argv[1]]
    target.run(b"")  # imports that come late
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
