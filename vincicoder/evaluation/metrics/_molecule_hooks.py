# What runs before a program that draws molecules: it keeps those that are drawn with RDKit, and reports the fingerprint
# of all of them together. It is read as text and put before the code, in the same module, so its names begin with _vc.
# The fingerprint is made here, inside the sandbox, because RDKit's parsers are no place for hostile molecules outside.
import functools as _vc_functools

from rdkit import Chem as _vc_Chem
from rdkit import RDLogger as _vc_RDLogger
from rdkit.Chem import Draw as _vc_Draw
from rdkit.Chem import rdFingerprintGenerator as _vc_fingerprints
from rdkit.Chem.Draw import rdMolDraw2D as _vc_drawers

_vc_RDLogger.DisableLog("rdApp.*")
_vc_drawn = []


def _vc_keep(thing):
    """Keep a molecule, or the molecules in a list; anything else is none."""
    if isinstance(thing, _vc_Chem.Mol):
        try:
            text = _vc_Chem.MolToSmiles(_vc_Chem.RemoveHs(thing))
        except Exception:
            return
        if text and text not in _vc_drawn:
            _vc_drawn.append(text)
    elif isinstance(thing, (list, tuple)):
        for each in thing:
            _vc_keep(each)


def _vc_watch(owner, name):
    function = getattr(owner, name, None)
    if function is None:
        return

    def watched(*args, **options):
        for each in (*args, *options.values()):
            _vc_keep(each)
        return function(*args, **options)

    try:
        watched = _vc_functools.wraps(function)(watched)
    except (AttributeError, TypeError):
        pass
    setattr(owner, name, watched)


for _vc_name in ("MolToImage", "MolToFile", "MolsToImage", "MolsToGridImage", "MolToMPL", "MolToQPixmap"):
    _vc_watch(_vc_Draw, _vc_name)
_vc_watch(_vc_drawers, "PrepareAndDrawMolecule")
for _vc_drawer in (_vc_drawers.MolDraw2D, _vc_drawers.MolDraw2DCairo, _vc_drawers.MolDraw2DSVG):
    for _vc_name in ("DrawMolecule", "DrawMolecules", "DrawMoleculeWithHighlights"):
        _vc_watch(_vc_drawer, _vc_name)


def _vc_report():
    molecule = _vc_Chem.MolFromSmiles(".".join(_vc_drawn)) if _vc_drawn else None
    if molecule is None or not molecule.GetNumAtoms():
        return {"bits": []}
    generator = _vc_fingerprints.GetMorganGenerator(radius=2, fpSize=2048)
    return {"bits": list(generator.GetFingerprint(molecule).GetOnBits())}
