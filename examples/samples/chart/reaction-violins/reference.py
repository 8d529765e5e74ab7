import numpy as np
import matplotlib.pyplot as plt

rng = np.random.default_rng(3)
conditions = ['Control', 'Caffeine', 'Sleep\ndeprived', 'Music']
samples = [
    rng.normal(310, 32, 200),
    rng.normal(275, 24, 200),
    np.concatenate([rng.normal(350, 30, 120), rng.normal(450, 28, 80)]),
    rng.normal(322, 45, 200),
]
palette = ['#4c72b0', '#55a868', '#c44e52', '#8172b3']

fig, ax = plt.subplots(figsize=(8.5, 5.5))
parts = ax.violinplot(samples, showmeans=False, showmedians=True, widths=0.8)
for body, color in zip(parts['bodies'], palette):
    body.set_facecolor(color)
    body.set_edgecolor('black')
    body.set_alpha(0.75)
for key in ('cbars', 'cmins', 'cmaxes', 'cmedians'):
    parts[key].set_edgecolor('#333333')
    parts[key].set_linewidth(1.2)

ax.set_xticks([1, 2, 3, 4])
ax.set_xticklabels(conditions)
ax.set_ylabel('Reaction time (ms)')
ax.set_title('Reaction Time under Four Conditions', fontsize=14)
ax.axhline(310, color='gray', linestyle=':', linewidth=1)
ax.text(4.45, 314, 'baseline', color='gray', ha='right')
ax.set_facecolor('#f7f7f7')
plt.savefig('violin.png', dpi=100, bbox_inches='tight')
