import numpy as np
import matplotlib.pyplot as plt

x = np.linspace(-3, 3, 240)
y = np.linspace(-2.2, 2.2, 200)
X, Y = np.meshgrid(x, y)
Z = 1 / np.sqrt((X - 1) ** 2 + Y ** 2 + 0.12) - 1 / np.sqrt((X + 1) ** 2 + Y ** 2 + 0.12)

fig, ax = plt.subplots(figsize=(8.4, 6))
levels = np.linspace(-2.6, 2.6, 27)
cf = ax.contourf(X, Y, Z, levels=levels, cmap='RdBu_r', extend='both')
cs = ax.contour(X, Y, Z, levels=[-1.5, -1, -0.5, -0.25, 0, 0.25, 0.5, 1, 1.5], colors='k', linewidths=0.7)
ax.clabel(cs, fmt='%.2g', fontsize=8)

xs = np.linspace(-3, 3, 40)
ys = np.linspace(-2.2, 2.2, 30)
XS, YS = np.meshgrid(xs, ys)
ZS = 1 / np.sqrt((XS - 1) ** 2 + YS ** 2 + 0.12) - 1 / np.sqrt((XS + 1) ** 2 + YS ** 2 + 0.12)
V, U = np.gradient(-ZS, ys, xs)
ax.streamplot(xs, ys, U, V, color='0.35', density=0.8, linewidth=0.6, arrowsize=0.8)

ax.plot([1], [0], 'o', color='darkred', markersize=12)
ax.plot([-1], [0], 'o', color='darkblue', markersize=12)
ax.text(1, 0, '+', color='w', ha='center', va='center', fontweight='bold')
ax.text(-1, 0, '−', color='w', ha='center', va='center', fontweight='bold')
ax.set_xlim(-3, 3)
ax.set_ylim(-2.2, 2.2)
ax.set_title('Potential of an Electric Dipole')
fig.colorbar(cf, ax=ax, label='V (arb. units)')
fig.savefig('dipole.png', dpi=90)
