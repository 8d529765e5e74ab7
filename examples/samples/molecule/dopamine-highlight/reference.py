from rdkit import Chem
from rdkit.Chem.Draw import rdMolDraw2D

mol = Chem.MolFromSmiles('NCCc1ccc(O)c(O)c1')
pattern = Chem.MolFromSmarts('c(O)c(O)')
atoms = list(mol.GetSubstructMatch(pattern))
bonds = []
for bond in mol.GetBonds():
    if bond.GetBeginAtomIdx() in atoms and bond.GetEndAtomIdx() in atoms:
        bonds.append(bond.GetIdx())

colors = {i: (1.0, 0.75, 0.4) for i in atoms}
bond_colors = {i: (1.0, 0.75, 0.4) for i in bonds}
d = rdMolDraw2D.MolDraw2DCairo(520, 360)
d.DrawMolecule(mol, highlightAtoms=atoms, highlightBonds=bonds,
               highlightAtomColors=colors, highlightBondColors=bond_colors)
d.FinishDrawing()
d.WriteDrawingText('dopamine.png')
