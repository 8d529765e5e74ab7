"""Whether the response draws the target's molecules."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from vincicoder.similarity.matching import best_matches

_LONGEST = 400
"""Characters of a SMILES; longer strings are none, so that parsing ends soon."""
_MOST = 64
"""Molecules of one piece of code that are looked at."""
_BITS = 2048

# A comment, or the content of a string. None of the parts can match the same text in two ways.
_STRING = re.compile(rf"#[^\n]*|\"([^\"\n]{{2,{_LONGEST}}})\"|'([^'\n]{{2,{_LONGEST}}})'")
_ATOMS = re.compile(r"(?:Br|Cl|\[[A-Za-z0-9@+\-:*]+\]|[BCFINOPSbcnops0-9%=#$/\\().>~:-])+")
_READS_SMILES = re.compile(r"Smiles|Smarts|loadMolecule|loadReaction")
_PARTS = re.compile(r"[.>]+")
_AN_ATOM = re.compile(r"[A-Z\[]|[a-z]\d")


class Tanimoto:
    """Look for each molecule of the reference in the response: the mean of the best Tanimoto similarities.

    Molecules are the SMILES in the strings of the code, which is read and not run. Of a reaction each molecule counts
    by itself. Each is compared by its Morgan fingerprint of radius 2, stereochemistry included (Rogers and Hahn, 2010),
    and matched with at most one of the other side, the most similar first. Where RDKit can read none of the
    reference's, they are compared as text.

    Example:
        >>> tanimoto = Tanimoto()
        >>> wanted = tanimoto.prepare("Chem.MolFromSmiles('CCO')")
        >>> tanimoto("Chem.MolFromSmiles('OCC')", wanted), tanimoto("plt.plot([1, 2])", wanted)
        (1.0, 0.0)
    """

    def applies(self, reference: str | None) -> bool:
        """Apply only where the reference reads SMILES that stand in it."""
        return reference is not None and _READS_SMILES.search(reference) is not None and bool(_smiles(reference))

    def prepare(self, reference: str) -> list[str]:
        """Return the reference's SMILES."""
        return _smiles(reference)

    def __call__(self, code: str, prepared: list[str]) -> float:
        """Return the mean similarity, in [0, 1]; 0 where the code has no molecule."""
        found = _smiles(code)
        known = [each for each in map(_fingerprint, prepared) if each is not None]
        if not known:
            return len({*prepared} & {*found}) / len({*prepared})
        given = [each for each in map(_fingerprint, found) if each is not None]
        if not given:
            return 0.0
        from rdkit.DataStructs import BulkTanimotoSimilarity

        alike = np.array([BulkTanimotoSimilarity(each, given) for each in known], np.float64)
        rows, columns = best_matches(alike)
        return float(alike[rows, columns].sum()) / len(known)


def _smiles(code: str) -> list[str]:
    """Return the SMILES in the strings of a piece of code, each once, without knowing whether they are valid."""
    found: dict[str, None] = {}
    for match in _STRING.finditer(code):
        text = (match[1] or match[2] or "").replace("\\\\", "\\")
        if _ATOMS.fullmatch(text):
            found.update(dict.fromkeys(part for part in _PARTS.split(text) if len(part) > 1 and _AN_ATOM.search(part)))
        if len(found) >= _MOST:
            break
    return list(found)[:_MOST]


def _fingerprint(smiles: str) -> Any:
    """Return a molecule's fingerprint, or None where this is no molecule."""
    from rdkit import Chem, RDLogger
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]  # it would write a line for each string that is no molecule
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or molecule.GetNumAtoms() == 0:
        return None
    return GetMorganGenerator(radius=2, fpSize=_BITS, includeChirality=True).GetFingerprint(molecule)


COMPONENT = Tanimoto
