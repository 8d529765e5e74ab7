from rdkit import Chem
from rdkit.Chem import Draw

acids = {
    'Alanine': 'C[C@H](N)C(=O)O',
    'Serine': 'OC[C@H](N)C(=O)O',
    'Valine': 'CC(C)[C@H](N)C(=O)O',
    'Phenylalanine': 'N[C@@H](Cc1ccccc1)C(=O)O',
    'Cysteine': 'SC[C@H](N)C(=O)O',
    'Histidine': 'N[C@@H](Cc1c[nH]cn1)C(=O)O',
}
mols = [Chem.MolFromSmiles(s) for s in acids.values()]
img = Draw.MolsToGridImage(mols, molsPerRow=3, subImgSize=(260, 220), legends=list(acids.keys()))
img.save('amino_acids.png')
