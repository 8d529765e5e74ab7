import numpy as np
import matplotlib.pyplot as plt

dose = np.array([0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100])
resp_a = np.array([3, 6, 12, 27, 49, 72, 88, 95, 97])
resp_b = np.array([2, 3, 5, 9, 19, 38, 61, 79, 88])
err_a = np.array([1.5, 2, 3, 4, 5, 4.5, 3.5, 2.5, 2])
err_b = np.array([1, 1.5, 2, 2.5, 3.5, 5, 5, 4, 3])

grid = np.logspace(-2.2, 2.2, 300)


def hill(x, ec50, n):
    return 100 * x ** n / (ec50 ** n + x ** n)


fig, ax = plt.subplots(figsize=(8, 6))
ax.errorbar(dose, resp_a, yerr=err_a, fmt='o', color='black', capsize=4, label='Compound A')
ax.errorbar(dose, resp_b, yerr=err_b, fmt='s', color='tab:red', capsize=4, label='Compound B')
ax.plot(grid, hill(grid, 1.05, 0.85), color='black', lw=1)
ax.plot(grid, hill(grid, 6.0, 0.75), color='tab:red', lw=1)
ax.axhline(50, color='0.6', ls=':')
ax.set_xscale('log')
ax.set_xlabel(r'Dose ($\mu$M)')
ax.set_ylabel('Response (%)')
ax.set_title(r'Dose–Response, EC$_{50}$ = 1.05 and 6.0 $\mu$M')
ax.legend(loc='upper left')
ax.set_ylim(-5, 108)
fig.savefig('dose.png', dpi=100, bbox_inches='tight')
