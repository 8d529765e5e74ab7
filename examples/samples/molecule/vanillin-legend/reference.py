import matplotlib.pyplot as plt
from rdkit import Chem
from rdkit.Chem import Draw

mol = Chem.MolFromSmiles('COc1cc(C=O)ccc1O')
img = Draw.MolToImage(mol, size=(500, 400))

fig, ax = plt.subplots(figsize=(6, 5))
ax.imshow(img)
ax.axis('off')
ax.set_title('Vanillin, C$_8$H$_8$O$_3$', fontsize=16)
plt.tight_layout()
plt.show()
