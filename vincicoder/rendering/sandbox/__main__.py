"""Start a fork server: ``python -s sandbox/ FD,FD CONFIG``; see ``start``.

The package is registered by hand instead of through ``sys.path``: under an interpreter of the user's choice it then
works without being installed there, and generated code cannot import it by accident from a directory on the path.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path


def _register(name: str, directory: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        name, directory / "__init__.py", submodule_search_locations=[str(directory)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def _main() -> None:
    sys.path.pop(0)  # this directory
    _register("vincicoder", Path(__file__).resolve().parents[2])
    from vincicoder.rendering.sandbox import start

    start.main(map(int, sys.argv[1].split(",")), json.loads(sys.argv[2]))


_main()
