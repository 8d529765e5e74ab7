import numpy as np
import matplotlib.pyplot as plt

np.random.seed(7)
groups = {
    'Adelie': ((38.8, 18.3), (2.4, 1.1), '#ff7f0e'),
    'Chinstrap': ((48.8, 18.4), (2.9, 1.0), '#9467bd'),
    'Gentoo': ((47.5, 15.0), (2.7, 0.9), '#17becf'),
}

fig, ax = plt.subplots(figsize=(8, 6))
for name, (mean, std, color) in groups.items():
    length = np.random.normal(mean[0], std[0], 60)
    depth = np.random.normal(mean[1], std[1], 60)
    mass = np.random.uniform(30, 160, 60)
    ax.scatter(length, depth, s=mass, c=color, alpha=0.65, edgecolors='white', linewidths=0.8, label=name)
    ax.plot(mean[0], mean[1], marker='X', markersize=13, color=color, markeredgecolor='black')

ax.set_xlabel('Bill length (mm)', fontsize=12)
ax.set_ylabel('Bill depth (mm)', fontsize=12)
ax.set_title('Bill Shape of Three Penguin Species', fontsize=14)
ax.legend(title='Species', loc='lower left', framealpha=0.9)
ax.grid(True, linestyle=':', alpha=0.6)
fig.savefig('penguins.png', dpi=110)
