import matplotlib.pyplot as plt

hours = list(range(0, 25, 2))
weekday = [4, 2, 1, 9, 41, 33, 27, 30, 34, 52, 38, 18, 6]
weekend = [11, 7, 3, 2, 8, 22, 41, 48, 46, 39, 31, 24, 13]

fig, ax = plt.subplots(figsize=(9, 5))
ax.step(hours, weekday, where='mid', color='#003049', lw=2.5, label='Weekday')
ax.step(hours, weekend, where='mid', color='#f77f00', lw=2.5, label='Weekend')
ax.fill_between(hours, weekday, step='mid', color='#003049', alpha=0.12)
ax.fill_between(hours, weekend, step='mid', color='#f77f00', alpha=0.12)
ax.plot(hours, weekday, 'o', color='#003049', ms=5)
ax.plot(hours, weekend, 'o', color='#f77f00', ms=5)
ax.set_xticks(range(0, 25, 4))
ax.set_xticklabels([f'{h:02d}:00' for h in range(0, 25, 4)])
ax.set_xlim(0, 24)
ax.set_ylim(0, 60)
ax.set_ylabel('Rides per bike station')
ax.set_title('When Do People Ride?', fontsize=15, loc='left')
ax.legend(frameon=False)
ax.grid(axis='y', alpha=0.3)
plt.show()
