import matplotlib.pyplot as plt

months = ['J', 'F', 'M', 'A', 'M', 'J', 'J', 'A', 'S', 'O', 'N', 'D']
rain = [78, 62, 55, 48, 51, 44, 39, 47, 58, 81, 92, 88]
temp = [4.1, 4.6, 6.9, 9.8, 13.2, 16.4, 18.6, 18.2, 15.3, 11.4, 7.3, 4.9]
x = range(12)

fig, ax1 = plt.subplots(figsize=(10, 5.5))
ax1.bar(x, rain, color='cornflowerblue', alpha=0.8, width=0.7, label='Rainfall')
ax1.set_ylabel('Rainfall (mm)', color='mediumblue')
ax1.tick_params(axis='y', labelcolor='mediumblue')
ax1.set_ylim(0, 110)
ax1.set_xticks(list(x))
ax1.set_xticklabels(months)

ax2 = ax1.twinx()
ax2.plot(x, temp, color='crimson', marker='D', lw=2.5, label='Temperature')
ax2.set_ylabel('Temperature (°C)', color='crimson')
ax2.tick_params(axis='y', labelcolor='crimson')
ax2.set_ylim(0, 22)

h1, l1 = ax1.get_legend_handles_labels()
h2, l2 = ax2.get_legend_handles_labels()
ax1.legend(h1 + h2, l1 + l2, loc='upper center', ncol=2)
plt.title('Climate Diagram: Bremerhaven Harbour')
fig.tight_layout()
plt.savefig('climate.png', dpi=100)
