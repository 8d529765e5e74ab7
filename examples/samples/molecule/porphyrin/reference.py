from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

rdDepictor.SetPreferCoordGen(True)
mol = Chem.MolFromSmiles('C1=CC2=CC3=CC=C(N3)C=C4C=CC(=N4)C=C5C=CC(=CC1=N2)N5')
rdDepictor.Compute2DCoords(mol)

drawer = rdMolDraw2D.MolDraw2DCairo(460, 460)
opts = drawer.drawOptions()
opts.bondLineWidth = 3
opts.padding = 0.1
drawer.DrawMolecule(mol)
drawer.FinishDrawing()
drawer.WriteDrawingText('porphyrin.png')
