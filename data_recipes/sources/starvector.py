"""StarVector's SVG-Stack and its relatives: SVG files in Parquet, without images; ours are rendered from the code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from data_recipes.sources._public import Context, PublicSet, first_text, record_of
from vincicoder.data import Record

_SIZE = re.compile(r"<svg\b(?![^>]*\bviewBox)[^>]*?\bwidth=\"([\d.]+)(?:px)?\"[^>]*?\bheight=\"([\d.]+)(?:px)?\"")


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row without an image; a drawing that has a size but no ``viewBox`` gets one."""
    code = first_text(row, "Svg")
    if found := _SIZE.search(code):
        code = code.replace("<svg", f'<svg viewBox="0 0 {found[1]} {found[2]}"', 1)
    return record_of(context, code, "svg", b"")


SOURCE = PublicSet("starvector", "starvector/svg-stack", "unknown", (("Svg",),), read, ("*.parquet",))
