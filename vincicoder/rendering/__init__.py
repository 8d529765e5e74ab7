"""Code to picture, confined: a registry of renderers and a pool that runs them.

Light to import: the libraries that draw are loaded in worker processes only.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from vincicoder.rendering.config import Limits
from vincicoder.rendering.types import Render

if TYPE_CHECKING:
    from vincicoder.rendering.pool import RenderPool

RENDERERS: dict[str, tuple[str, str]] = {
    "python": ("vincicoder.rendering.python", "PythonRenderer"),
    "html": ("vincicoder.rendering.html", "HtmlRenderer"),
    "svg": ("vincicoder.rendering.svg", "SvgRenderer"),
    "latex": ("vincicoder.rendering.latex", "LatexRenderer"),
}
"""Language to the module and class that draw it. A new language is one file and one line here."""

__all__ = ["RENDERERS", "Limits", "Render", "RenderPool", "list_renderers"]


def list_renderers() -> list[str]:
    """Returns the languages that can be drawn."""
    return list(RENDERERS)


def __getattr__(name: str) -> object:
    if name == "RenderPool":
        return importlib.import_module("vincicoder.rendering.pool").RenderPool
    raise AttributeError(f"module 'vincicoder.rendering' has no attribute {name!r}")
