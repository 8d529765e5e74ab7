"""Where records come from; one file per source. :func:`find_source` knows them by name."""

from __future__ import annotations

import difflib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from vincicoder.data import DataError

if TYPE_CHECKING:
    from data_recipes.pipeline import Source

GENERATED = {"charts": "chart", "icons": "svg", "pages": "web", "figures": "latex", "molecules": "chemistry"}
"""Sources that write code themselves, and their domains."""

PUBLIC = (
    *("vincicoder_sft", "vincicoder_rl", "chartcoder", "web2code", "webcode2m", "unisvg", "starvector", "datikz"),
    *("mathcoder", "cosyn", "mcd"),
)
"""Sources that read a public set."""


def find_source(name: str, location: str | None = None, count: int = 1000, seed: int = 0) -> Source:
    """Return a source.

    Args:
        name: ``samples``, a name of ``GENERATED`` or ``PUBLIC``, or ``records``.
        location: For the others a local folder, or the id of a repository on Hugging Face; None: the set's own id.
        count: Rows that a generated source writes.
        seed: Of generated sources and of wordings.

    Raises:
        DataError: There is no such source, or it needs a location.
    """
    if name in GENERATED:
        from data_recipes.sources.generated import Generated

        module = importlib.import_module(f"data_recipes.sources.{name}")
        return Generated(name, GENERATED[name], module.write, count, seed)
    if name == "samples":
        from data_recipes.sources.samples import Samples

        return Samples(Path(location) if location else None)
    if name == "records":
        from data_recipes.sources.records import Records

        if location is None:
            raise DataError("the source records needs a folder; give it with --from FOLDER")
        return Records(location)
    if name in PUBLIC:
        from data_recipes.sources.public import PublicSource

        module = importlib.import_module(f"data_recipes.sources.{name}")
        return PublicSource(module.SET, location, seed)
    known = ("samples", *GENERATED, *PUBLIC, "records")
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]!r}? All of them" if near else "the sources"
    raise DataError(f"there is no source {name!r}; {hint}: {', '.join(known)}")
