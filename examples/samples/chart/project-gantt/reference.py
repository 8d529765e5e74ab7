import matplotlib.pyplot as plt
import matplotlib.patches as mpatches

tasks = [
    ('Requirements', 0, 3, 'plan'),
    ('Design', 2, 4, 'plan'),
    ('Backend', 5, 7, 'build'),
    ('Frontend', 6, 7, 'build'),
    ('Integration', 11, 3, 'build'),
    ('Testing', 12, 4, 'check'),
    ('Launch', 16, 1, 'check'),
]
colors = {'plan': '#ffafcc', 'build': '#a2d2ff', 'check': '#b7e4c7'}

fig, ax = plt.subplots(figsize=(10, 5))
for row, (name, start, length, phase) in enumerate(tasks):
    ax.barh(row, length, left=start, height=0.55, color=colors[phase], edgecolor='#444444')
    ax.text(start + length / 2, row, f'{length} w', ha='center', va='center', fontsize=9)

ax.axvline(9, color='red', lw=1.5)
ax.text(9.1, -0.75, 'today', color='red', fontsize=9)
ax.set_yticks(range(len(tasks)))
ax.set_yticklabels([t[0] for t in tasks])
ax.invert_yaxis()
ax.set_xticks(range(0, 18))
ax.set_xlabel('Week')
ax.set_title('Project Schedule', fontsize=14, fontweight='bold', pad=16)
ax.grid(axis='x', linestyle=':', color='gray', alpha=0.6)
ax.set_axisbelow(True)
ax.legend(handles=[mpatches.Patch(color=c, label=p) for p, c in colors.items()], loc='upper right')
fig.tight_layout()
fig.savefig('gantt.png')
