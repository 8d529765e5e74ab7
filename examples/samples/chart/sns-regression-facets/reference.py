import numpy as np
import pandas as pd
import seaborn as sns
import matplotlib.pyplot as plt

rng = np.random.default_rng(17)
n = 70
frames = []
for soil, slope, spread in [('Clay', 0.8, 3.0), ('Loam', 1.6, 2.4), ('Sand', 0.3, 2.0)]:
    water = rng.uniform(5, 30, n)
    frames.append(pd.DataFrame({'soil': soil, 'water': water, 'height': 12 + slope * water + rng.normal(0, spread, n)}))
data = pd.concat(frames, ignore_index=True)

sns.set_theme(style='ticks', palette='Set2')
fig, axes = plt.subplots(1, 3, figsize=(12, 4.3), sharey=True)
for ax, (soil, part), color in zip(axes, data.groupby('soil'), sns.color_palette('Set2')):
    sns.regplot(data=part, x='water', y='height', ax=ax, color=color, ci=None,
                scatter_kws={'s': 28, 'edgecolor': 'white'}, line_kws={'color': '#333333', 'lw': 2})
    ax.set_title(f'{soil} soil')
    ax.set_xlabel('Water (mm/week)')
    ax.set_ylabel('Plant height (cm)' if soil == 'Clay' else '')
sns.despine()
plt.tight_layout()
plt.savefig('regression.png', dpi=90)
