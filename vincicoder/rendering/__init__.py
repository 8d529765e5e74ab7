"""Code to image, confined: one file a renderer, and a pool that runs them.

Light to import: the libraries that code draws with are loaded in worker processes only.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from vincicoder.rendering.config import Limits
from vincicoder.rendering.types import Render

if TYPE_CHECKING:
    from vincicoder.rendering.pool import RenderPool

__all__ = ["Limits", "Render", "RenderPool"]


def __getattr__(name: str) -> object:
    if name == "RenderPool":
        return importlib.import_module("vincicoder.rendering.pool").RenderPool
    raise AttributeError(f"module 'vincicoder.rendering' has no attribute {name!r}")
