import numpy as np
import matplotlib.pyplot as plt

np.random.seed(11)
hours = np.arange(24)
requests = 420 + 260 * np.sin((hours - 8) / 24 * 2 * np.pi) + np.random.normal(0, 22, 24)
latency = np.random.gamma(3.2, 14, 500)
status = {'2xx': 9120, '3xx': 640, '4xx': 410, '5xx': 85}
cpu = np.clip(requests / 9 + np.random.normal(0, 4, 24), 5, 100)

fig, axs = plt.subplots(2, 2, figsize=(11, 8))
fig.suptitle('Server Overview', fontsize=18, fontweight='bold')

axs[0, 0].plot(hours, requests, color='royalblue', lw=2)
axs[0, 0].fill_between(hours, requests, color='royalblue', alpha=0.2)
axs[0, 0].set_title('Requests per minute')
axs[0, 0].set_xlabel('Hour')
axs[0, 0].set_xlim(0, 23)
axs[0, 0].set_ylim(bottom=0)

axs[0, 1].hist(latency, bins=30, color='darkorange', edgecolor='white')
axs[0, 1].axvline(np.percentile(latency, 95), color='k', ls='--', label='p95')
axs[0, 1].set_title('Latency (ms)')
axs[0, 1].legend()

axs[1, 0].bar(list(status.keys()), list(status.values()), color=['seagreen', 'skyblue', 'gold', 'firebrick'])
axs[1, 0].set_yscale('log')
axs[1, 0].set_title('Responses by status')

axs[1, 1].scatter(requests, cpu, c=hours, cmap='twilight', s=60, edgecolor='k')
axs[1, 1].set_title('CPU load')
axs[1, 1].set_xlabel('Requests per minute')
axs[1, 1].set_ylabel('%')

plt.tight_layout()
plt.savefig('server.png', dpi=90)
