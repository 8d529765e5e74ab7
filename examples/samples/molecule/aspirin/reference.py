from rdkit import Chem
from rdkit.Chem import Draw

smiles = 'CC(=O)Oc1ccccc1C(=O)O'
mol = Chem.MolFromSmiles(smiles)
Draw.MolToFile(mol, 'aspirin.png', size=(500, 400))
