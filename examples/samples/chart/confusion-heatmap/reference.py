import numpy as np
import matplotlib.pyplot as plt

labels = ['plane', 'car', 'bird', 'cat', 'deer', 'dog']
matrix = np.array([
    [88, 4, 3, 1, 2, 2],
    [3, 93, 0, 1, 1, 2],
    [5, 0, 79, 6, 7, 3],
    [1, 1, 6, 71, 5, 16],
    [2, 0, 6, 4, 85, 3],
    [0, 1, 3, 14, 4, 78],
])

fig, ax = plt.subplots(figsize=(7, 6))
im = ax.imshow(matrix, cmap='Blues')
ax.set_xticks(np.arange(len(labels)), labels)
ax.set_yticks(np.arange(len(labels)), labels)
plt.setp(ax.get_xticklabels(), rotation=45, ha='right', rotation_mode='anchor')

for i in range(len(labels)):
    for j in range(len(labels)):
        color = 'white' if matrix[i, j] > 50 else 'black'
        ax.text(j, i, matrix[i, j], ha='center', va='center', color=color)

ax.set_title('Confusion Matrix (%)')
ax.set_xlabel('Predicted label')
ax.set_ylabel('True label')
fig.colorbar(im, ax=ax, shrink=0.85)
fig.tight_layout()
fig.savefig('confusion.png', dpi=120)
