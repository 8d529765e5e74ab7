from rdkit import Chem
from rdkit.Chem import Draw
from rdkit.Chem.Draw import MolDrawOptions

options = MolDrawOptions()
options.bondLineWidth = 2
options.setBackgroundColour((0.97, 0.97, 1.0))
options.useBWAtomPalette()

mol = Chem.MolFromSmiles('OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O')
image = Draw.MolToImage(mol, size=(480, 420), options=options)
image.save('glucose.png')
