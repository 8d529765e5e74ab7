"""Makes torchvision's CUDA build importable beside a torch without CUDA, for the tests.

Its extension library does not load there, so two operators are never declared, and torchvision's import fails when it
registers their shapes. Declaring the operators first is enough for everything but calling them. ``tests/run.sh`` has
every process of the test environment import this file, so it does nothing until torchvision is asked for.
"""

from __future__ import annotations

import importlib.abc
import sys

_OPERATORS = ("nms", "qnms")
_libraries = []  # a declaration lasts as long as the object that made it


class _BeforeTorchvision(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            _declare_operators()


def _declare_operators() -> None:
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in _OPERATORS:
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _libraries.append(library)


sys.meta_path.insert(0, _BeforeTorchvision())
