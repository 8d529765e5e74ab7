from rdkit import Chem
from rdkit.Chem import Draw

caffeine = Chem.MolFromSmiles('Cn1cnc2c1c(=O)n(C)c(=O)n2C')
img = Draw.MolToImage(caffeine, size=(450, 450))
img.save('caffeine.png')
