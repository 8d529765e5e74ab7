from rdkit import Chem
from rdkit.Chem import AllChem
from rdkit.Chem.Draw import rdMolDraw2D

mol = Chem.MolFromSmiles('CC(C)Cc1ccc(cc1)[C@H](C)C(=O)O')
AllChem.Compute2DCoords(mol)

drawer = rdMolDraw2D.MolDraw2DCairo(600, 320)
options = drawer.drawOptions()
options.bondLineWidth = 3
options.addStereoAnnotation = True
options.legendFontSize = 24
rdMolDraw2D.PrepareAndDrawMolecule(drawer, mol, legend='(S)-ibuprofen')
drawer.FinishDrawing()
drawer.WriteDrawingText('ibuprofen.png')
