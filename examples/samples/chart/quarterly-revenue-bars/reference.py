import matplotlib.pyplot as plt
import numpy as np

quarters = ['Q1', 'Q2', 'Q3', 'Q4']
hardware = [42.5, 48.1, 39.7, 55.3]
software = [31.2, 36.8, 44.9, 52.6]
services = [18.4, 21.7, 24.3, 29.8]

x = np.arange(len(quarters))
width = 0.26

fig, ax = plt.subplots(figsize=(9, 5.5))
b1 = ax.bar(x - width, hardware, width, label='Hardware', color='#264653')
b2 = ax.bar(x, software, width, label='Software', color='#2a9d8f')
b3 = ax.bar(x + width, services, width, label='Services', color='#e9c46a')

for bars in (b1, b2, b3):
    ax.bar_label(bars, fmt='%.1f', padding=3, fontsize=9)

ax.set_title('Quarterly Revenue by Division', fontsize=15, fontweight='bold', pad=14)
ax.set_ylabel('Revenue (million USD)', fontsize=11)
ax.set_xticks(x)
ax.set_xticklabels(quarters, fontsize=11)
ax.set_ylim(0, 65)
ax.spines['top'].set_visible(False)
ax.spines['right'].set_visible(False)
ax.grid(axis='y', linestyle='--', alpha=0.4)
ax.set_axisbelow(True)
ax.legend(frameon=False, ncol=3, loc='upper left')

plt.savefig('quarterly_revenue.png', dpi=100, bbox_inches='tight')
