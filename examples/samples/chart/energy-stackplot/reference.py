import numpy as np
import matplotlib.pyplot as plt

years = np.arange(2000, 2025, 2)
coal = np.array([48, 47, 46, 45, 43, 40, 37, 33, 29, 24, 20, 16, 13])
gas = np.array([18, 19, 20, 21, 22, 23, 23, 24, 24, 23, 22, 20, 18])
nuclear = np.array([22, 22, 21, 21, 20, 19, 18, 17, 16, 15, 13, 12, 11])
wind = np.array([2, 3, 4, 5, 7, 9, 12, 15, 18, 22, 26, 30, 33])
solar = np.array([0, 0, 1, 1, 2, 4, 6, 8, 10, 13, 16, 19, 23])

plt.style.use('ggplot')
fig, ax = plt.subplots(figsize=(9.5, 6))
ax.stackplot(years, coal, gas, nuclear, wind, solar,
             labels=['Coal', 'Gas', 'Nuclear', 'Wind', 'Solar'],
             colors=['#4a4e69', '#9a8c98', '#c9ada7', '#74c69d', '#ffd166'])
ax.set_xlim(2000, 2024)
ax.set_ylim(0, 110)
ax.set_xlabel('Year')
ax.set_ylabel('Generation (TWh)')
ax.set_title('Electricity Generation by Source')
handles, labels = ax.get_legend_handles_labels()
ax.legend(handles[::-1], labels[::-1], loc='center left', bbox_to_anchor=(1, 0.5))
fig.savefig('energy.png', dpi=90, bbox_inches='tight')
