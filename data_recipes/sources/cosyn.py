"""CoSyn-400K: pictures that code drew, in Parquet, a folder per kind.

``code`` is Python, HTML, LaTeX or SVG, and for molecules a bare SMILES text: a program that draws it is written here,
in one of several styles, and its picture takes the place of the stored one, which another program drew.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

from data_recipes.sources.molecules import drawing_code
from data_recipes.sources.public import Context, PublicSet, first_picture, first_text, record_of
from vincicoder.data import BadRow, Reason, Record
from vincicoder.data.record import domain_of, language_of


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row."""
    code = first_text(row, "code").strip()
    if is_smiles(code):
        indigo = importlib.util.find_spec("indigo") is not None
        return record_of(context, drawing_code(code, context.rng(), indigo), "chemistry", b"")
    fenced = next((name for name in ("python", "html", "latex", "svg") if f"```{name}" in code), None)
    language = fenced or language_of(code)
    if language == "python" and "import" not in code:
        raise BadRow(Reason.WRONG_LANGUAGE, "the code is in none of the languages that can be drawn")
    return record_of(context, code, domain_of(language, code), first_picture(row, context, "image"), language=language)


def is_smiles(text: str) -> bool:
    """Whether a text is a molecule as SMILES; needs RDKit."""
    if len(text.split()) != 1 or len(text) > 400:
        return False
    from rdkit import Chem, RDLogger

    RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]
    return Chem.MolFromSmiles(text) is not None


SET = PublicSet("cosyn", "allenai/CoSyn-400K", "odc-by", (("image",), ("code",)), read, ("*.parquet",))
