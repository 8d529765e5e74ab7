from rdkit import Chem
from rdkit.Chem import AllChem, Draw

template = Chem.MolFromSmiles('c1ccccc1')
AllChem.Compute2DCoords(template)

drugs = [
    ('Paracetamol', 'CC(=O)Nc1ccc(O)cc1'),
    ('Salicylic acid', 'O=C(O)c1ccccc1O'),
    ('Benzocaine', 'CCOC(=O)c1ccc(N)cc1'),
    ('Lidocaine', 'CCN(CC)CC(=O)Nc1c(C)cccc1C'),
]
ms, hits = [], []
for name, smi in drugs:
    m = Chem.MolFromSmiles(smi)
    AllChem.GenerateDepictionMatching2DStructure(m, template)
    ms.append(m)
    hits.append(m.GetSubstructMatch(template))

grid = Draw.MolsToGridImage(ms, molsPerRow=2, subImgSize=(340, 260), legends=[n for n, _ in drugs],
                            highlightAtomLists=[list(h) for h in hits])
grid.save('drugs.png')
