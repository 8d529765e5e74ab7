"""The language: DOT, which describes graphs as nodes and edges."""

from __future__ import annotations

import re

from vincicoder.guards import data_urls
from vincicoder.languages import Install, Language, whole_words

LANGUAGE = Language(
    name="dot",
    title="Graphviz DOT",
    renderer="vincicoder_dot.renderer:DotRenderer",
    sample="digraph { a -> b }",
    install=Install(apt=("graphviz",)),
    aliases=("gv", "graphviz"),
    suffixes=(".dot", ".gv"),
    named=whole_words(r"graphviz|dot(?= (?:language|code|file|source))"),
    bare=re.compile(r"^\s*(?:strict\s+)?(?:di)?graph\b[^{}]*\{"),
    comments=re.compile(r"/\*.*?\*/|//.*|^#.*", re.DOTALL),
    guard="vincicoder_dot.language:smuggled",
)

_IMAGE = re.compile(r"\b(?:image|shapefile)\s*=|<img\b", re.IGNORECASE)


def smuggled(code: str, max_bytes: int) -> str | None:
    """Return that a node shows an image file, if one does, or that the code holds an encoded image."""
    return "a node shows an image file" if _IMAGE.search(code) else data_urls.smuggled(code, max_bytes)
