"""ChemDraw: molecules, to be reproduced with RDKit. The paper did not publish its 128 rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from vincicoder.evaluation.benchmark import Benchmark, Column, Row, Sample, mean_of
from vincicoder.evaluation.sources import image_bytes, table_rows

_HUB = "allenai/CoSyn-400K"

_PROMPT = (
    "Write Python code with RDKit that draws the molecule in this image, and save the drawing as molecule.png. Answer "
    "with one block of code."
)


def program(smiles: str) -> str:
    """Return a program that draws a molecule.

    Example:
        >>> print(program("CCO"))
        from rdkit import Chem
        from rdkit.Chem import Draw
        <BLANKLINE>
        Draw.MolToImage(Chem.MolFromSmiles('CCO')).save("molecule.png")
    """
    return (
        "from rdkit import Chem\nfrom rdkit.Chem import Draw\n\n"
        f'Draw.MolToImage(Chem.MolFromSmiles({smiles!r})).save("molecule.png")'
    )


def read(source: Path | None) -> Iterator[Sample]:
    """Yield the rows of a directory with ``chemical/validation*.parquet``, whose ``code`` is a SMILES text."""
    rows = table_rows(source, _HUB, "validation", ("image", "code"), "chemical", ("id",))
    for number, row in enumerate(rows):
        smiles = str(row["code"]).strip()
        yield Sample(
            id=str(row.get("id") or number),
            target=image_bytes(row["image"], f"row {number} of {_HUB}"),
            prompt=_PROMPT,
            reference=program(smiles),
            language="python",
            metadata={"smiles": smiles},
        )


def _over_valid(rows: Sequence[Row]) -> float:
    valid = [row["tanimoto"] for row in rows if row["valid"]]
    return 100 * sum(valid) / len(valid) if valid else 0.0


BENCHMARK = Benchmark(
    name="chemdraw",
    title="ChemDraw",
    language="python",
    hub=_HUB,
    subset="chemical",
    split="validation",
    licence="ODC-BY",
    read=read,
    metrics=("execution", "tanimoto"),
    columns={
        "execution": mean_of("execution", title="Execution rate"),
        "tanimoto": mean_of("tanimoto", title="Tanimoto similarity"),
        "tanimoto_valid": Column("Tanimoto similarity over valid", ("tanimoto", "valid"), _over_valid, only="valid"),
    },
    protocol=(
        "There is no official code, and the data were not published; CoSyn's validation split of molecules fits in its "
        "source and its number of rows. The prompt, the fingerprint (RDKit, Morgan, radius 2, 2,048 bits) and how a "
        "program's molecules are read are ours. Similarity is given over all rows, where a program that fails or draws "
        "no molecule counts as 0, and over those that draw one."
    ),
)
