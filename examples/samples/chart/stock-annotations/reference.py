import numpy as np
import matplotlib.pyplot as plt

rng = np.random.default_rng(2024)
days = np.arange(180)
price = 100 + np.cumsum(rng.normal(0.12, 1.3, 180))
average = np.convolve(price, np.ones(20) / 20, mode='valid')

fig, ax = plt.subplots(figsize=(11, 5.5))
ax.plot(days, price, color='#1f3b73', lw=1.4, label='Close')
ax.plot(days[19:], average, color='#e76f51', lw=2, label='20-day average')
ax.fill_between(days, price, price.min() - 3, color='#1f3b73', alpha=0.08)

top, low = int(price.argmax()), int(price.argmin())
ax.annotate(f'High {price[top]:.1f}', xy=(top, price[top]), xytext=(top - 40, price[top] + 3),
            arrowprops=dict(arrowstyle='->', color='green'), color='green', fontsize=11)
ax.annotate(f'Low {price[low]:.1f}', xy=(low, price[low]), xytext=(low + 18, price[low] - 1.5),
            arrowprops=dict(arrowstyle='->', color='red'), color='red', fontsize=11)
ax.axvspan(60, 80, color='gold', alpha=0.25)
ax.text(70, price.max() + 3.5, 'earnings', ha='center', fontsize=10)

ax.set_xlim(0, 179)
ax.set_ylim(price.min() - 3, price.max() + 6)
ax.set_xlabel('Trading day')
ax.set_ylabel('Price (USD)')
ax.set_title('ACME Corp. Share Price', loc='left', fontsize=14, fontweight='bold')
ax.legend(loc='upper left')
for side in ('top', 'right'):
    ax.spines[side].set_visible(False)
