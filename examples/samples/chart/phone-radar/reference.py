import numpy as np
import matplotlib.pyplot as plt

categories = ['Camera', 'Battery', 'Display', 'Speed', 'Price', 'Design']
phone_a = [8.5, 7.0, 9.0, 8.0, 5.5, 8.8]
phone_b = [7.0, 9.2, 7.5, 6.8, 8.5, 7.2]

angles = np.linspace(0, 2 * np.pi, len(categories), endpoint=False).tolist()
angles += angles[:1]
phone_a += phone_a[:1]
phone_b += phone_b[:1]

fig, ax = plt.subplots(figsize=(7, 7), subplot_kw=dict(polar=True))
ax.plot(angles, phone_a, color='#d1495b', linewidth=2, label='Model A')
ax.fill(angles, phone_a, color='#d1495b', alpha=0.25)
ax.plot(angles, phone_b, color='#00798c', linewidth=2, label='Model B')
ax.fill(angles, phone_b, color='#00798c', alpha=0.25)

ax.set_theta_offset(np.pi / 2)
ax.set_theta_direction(-1)
ax.set_xticks(angles[:-1])
ax.set_xticklabels(categories, fontsize=12)
ax.set_ylim(0, 10)
ax.set_rlabel_position(30)
ax.set_title('Smartphone Comparison', fontsize=15, pad=24)
ax.legend(loc='upper right', bbox_to_anchor=(1.22, 1.1))
plt.savefig('radar.png', dpi=90, bbox_inches='tight')
