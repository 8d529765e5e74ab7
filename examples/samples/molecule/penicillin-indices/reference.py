from rdkit import Chem
from rdkit.Chem import Draw
from rdkit.Chem.Draw import rdMolDraw2D

penicillin_g = 'CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O'
m = Chem.MolFromSmiles(penicillin_g)
drawer = rdMolDraw2D.MolDraw2DCairo(620, 420)
drawer.drawOptions().addAtomIndices = True
drawer.DrawMolecule(m, legend='Penicillin G')
drawer.FinishDrawing()
with open('penicillin.png', 'wb') as f:
    f.write(drawer.GetDrawingText())
