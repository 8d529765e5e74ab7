import numpy as np
import matplotlib.pyplot as plt

np.random.seed(42)
carriers = ['Express', 'Standard', 'Economy', 'Locker', 'Freight']
data = [
    np.random.normal(24, 4, 120),
    np.random.normal(48, 9, 120),
    np.random.normal(71, 14, 120),
    np.random.gamma(6, 7, 120),
    np.random.normal(92, 18, 120),
]
colors = ['#8ecae6', '#219ebc', '#126782', '#ffb703', '#fb8500']

fig, ax = plt.subplots(figsize=(9, 6))
box = ax.boxplot(data, patch_artist=True, notch=True, widths=0.55,
                 medianprops={'color': 'black', 'linewidth': 1.8},
                 flierprops={'marker': 'o', 'markersize': 4, 'markerfacecolor': 'gray', 'alpha': 0.6})
for patch, color in zip(box['boxes'], colors):
    patch.set_facecolor(color)
    patch.set_alpha(0.85)

ax.set_xticks(range(1, len(carriers) + 1))
ax.set_xticklabels(carriers)
ax.set_ylabel('Delivery time (hours)')
ax.set_title('Delivery Time by Shipping Option')
ax.yaxis.grid(True, color='lightgray')
ax.set_axisbelow(True)
fig.tight_layout()
plt.show()
