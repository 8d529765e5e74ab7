import numpy as np
import matplotlib.pyplot as plt

directions = np.deg2rad(np.arange(0, 360, 22.5))
calm = np.array([4, 3, 2, 2, 3, 4, 5, 6, 8, 9, 10, 12, 11, 8, 6, 5])
breeze = np.array([3, 2, 2, 1, 2, 3, 4, 5, 7, 9, 11, 13, 10, 7, 5, 4])
strong = np.array([1, 1, 0, 0, 1, 1, 2, 2, 3, 5, 7, 9, 6, 4, 2, 1])
width = np.deg2rad(20)

fig = plt.figure(figsize=(7, 7))
ax = fig.add_subplot(projection='polar')
ax.set_theta_zero_location('N')
ax.set_theta_direction(-1)
ax.bar(directions, calm, width=width, color='#caf0f8', edgecolor='k', linewidth=0.5, label='0–5 m/s')
ax.bar(directions, breeze, width=width, bottom=calm, color='#00b4d8', edgecolor='k', linewidth=0.5, label='5–10 m/s')
ax.bar(directions, strong, width=width, bottom=calm + breeze, color='#03045e', edgecolor='k', linewidth=0.5, label='> 10 m/s')
ax.set_xticks(np.deg2rad([0, 45, 90, 135, 180, 225, 270, 315]))
ax.set_xticklabels(['N', 'NE', 'E', 'SE', 'S', 'SW', 'W', 'NW'], fontsize=12)
ax.set_yticks([10, 20, 30])
ax.set_rlabel_position(67)
ax.set_title('Wind Rose, Weather Station 14', pad=20, fontsize=14)
ax.legend(loc='lower left', bbox_to_anchor=(-0.12, -0.1))
plt.savefig('wind_rose.png', dpi=90, bbox_inches='tight')
