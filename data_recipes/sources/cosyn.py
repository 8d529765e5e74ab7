"""CoSyn-400K: images with their code, in Parquet, a directory per kind.

``code`` is Python, HTML, LaTeX or SVG without a fence, or another language, which is left out.

- Of charts and tables in Python it defines only a function; the table that the function takes is in ``data``, as CSV.
  A program is made of both.
- Of molecules it is a bare SMILES text: a program that renders it is written here, in one of several styles, and its
  image replaces the stored one, which another program rendered.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from typing import Any

from data_recipes.sources._public import Context, PublicSet, first_image, first_text, record_of
from data_recipes.sources.molecules import drawing_code
from vincicoder.data import BadRow, Reason, Record
from vincicoder.data.answers import looks_like
from vincicoder.data.cells import optional_text
from vincicoder.data.domains import domain_of, language_of

_DRAWS_TABLE = re.compile(r"^def (generate_(?:plot|table))\(", re.MULTILINE)


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row."""
    code = first_text(row, "code").strip()
    if is_smiles(code):
        indigo = importlib.util.find_spec("indigo") is not None
        return record_of(context, drawing_code(code, context.rng(), indigo), "chemistry", b"")
    language = language_of(code)
    if language == "python" and not looks_like(code, "python"):
        raise BadRow(Reason.WRONG_LANGUAGE, "the code is in none of the languages that can be rendered")
    code = with_data(code, optional_text(row, "data") or "")
    return record_of(context, code, domain_of(language, code), first_image(row, context, "image"), language=language)


def with_data(code: str, table: str) -> str:
    """Return code that defines how to render a table together with the table and the call; other code as it is."""
    defined = _DRAWS_TABLE.search(code)
    if defined is None:
        return code
    table = table.strip().replace("\\", "\\\\").replace('"""', r"\"\"\"")
    call = f"{defined[1]}(pd.read_csv(io.StringIO(DATA)))"
    return f'import io\n\nimport pandas as pd\n\n{code}\n\n\nDATA = """\\\n{table}\n"""\n\n{call}'


def is_smiles(text: str) -> bool:
    """Whether a text is a molecule as SMILES; needs RDKit."""
    if len(text.split()) != 1 or len(text) > 400:
        return False
    from rdkit import Chem, RDLogger

    RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]
    return Chem.MolFromSmiles(text) is not None


SOURCE = PublicSet("cosyn", "allenai/CoSyn-400K", "odc-by", (("image",), ("code",)), read, ("*.parquet",))
