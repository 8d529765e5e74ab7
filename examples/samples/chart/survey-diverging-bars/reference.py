import numpy as np
import matplotlib.pyplot as plt

questions = ['Easy to install', 'Well documented', 'Fast enough', 'Pleasant interface', 'Worth its price']
answers = ['Strongly disagree', 'Disagree', 'Neutral', 'Agree', 'Strongly agree']
results = np.array([
    [4, 9, 14, 41, 32],
    [11, 22, 24, 29, 14],
    [3, 7, 20, 38, 32],
    [8, 15, 25, 33, 19],
    [16, 21, 31, 20, 12],
])
colors = ['#ca0020', '#f4a582', '#d9d9d9', '#92c5de', '#0571b0']

starts = results.cumsum(axis=1) - results
middle = results[:, :2].sum(axis=1) + results[:, 2] / 2

fig, ax = plt.subplots(figsize=(11, 5))
for i, (answer, color) in enumerate(zip(answers, colors)):
    left = starts[:, i] - middle
    rects = ax.barh(questions, results[:, i], left=left, height=0.65, color=color, label=answer)
    ax.bar_label(rects, label_type='center', color='white' if i in (0, 4) else 'black', fontsize=9)

ax.axvline(0, color='black', linewidth=0.8, linestyle='--')
ax.invert_yaxis()
ax.set_xlim(-70, 85)
ax.set_xlabel('Share of answers (%), centred on neutral')
for side in ('top', 'right', 'left'):
    ax.spines[side].set_visible(False)
ax.tick_params(left=False)
ax.legend(ncol=5, bbox_to_anchor=(0, 1.02), loc='lower left', fontsize=9, frameon=False)
plt.tight_layout()
plt.savefig('survey.png', dpi=95)
