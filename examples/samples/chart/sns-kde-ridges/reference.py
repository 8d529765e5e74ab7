import numpy as np
import seaborn as sns
import matplotlib.pyplot as plt

rng = np.random.RandomState(1)
decades = ['1960s', '1970s', '1980s', '1990s', '2000s', '2010s']
colors = sns.color_palette('flare', len(decades))

fig, axes = plt.subplots(len(decades), 1, figsize=(8, 7), sharex=True)
for ax, name, color, shift in zip(axes, decades, colors, np.linspace(0, 2.4, len(decades))):
    values = np.concatenate([rng.normal(13 + shift, 1.2, 150), rng.normal(16.5 + shift, 1.6, 90)])
    sns.kdeplot(x=values, ax=ax, fill=True, color=color, alpha=0.9, linewidth=0)
    sns.kdeplot(x=values, ax=ax, color='white', linewidth=2)
    ax.set_yticks([])
    ax.set_ylabel('')
    ax.set_ylim(0, 0.3)
    ax.patch.set_alpha(0)
    ax.text(0.01, 0.2, name, transform=ax.transAxes, fontsize=12, fontweight='bold', color=color)
    sns.despine(ax=ax, left=True)

axes[-1].set_xlabel('Summer temperature (°C)')
axes[-1].set_xlim(8, 24)
fig.suptitle('Summers Are Getting Warmer', fontsize=15)
fig.subplots_adjust(hspace=-0.3)
fig.savefig('ridges.png', dpi=95)
