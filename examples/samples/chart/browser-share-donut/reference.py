import matplotlib.pyplot as plt

browsers = ['Comet', 'Harbor', 'Lynx 9', 'Falcon', 'Others']
share = [46.2, 21.5, 14.8, 10.3, 7.2]
colors = ['#5b8ff9', '#5ad8a6', '#f6bd16', '#e8684a', '#bfbfbf']
explode = [0.06, 0, 0, 0, 0]

fig, ax = plt.subplots(figsize=(7, 7))
wedges, texts, autotexts = ax.pie(
    share, labels=browsers, colors=colors, explode=explode, autopct='%1.1f%%', startangle=110,
    pctdistance=0.78, wedgeprops={'width': 0.42, 'edgecolor': 'white', 'linewidth': 2},
    textprops={'fontsize': 12},
)
for text in autotexts:
    text.set_color('white')
    text.set_fontweight('bold')
ax.text(0, 0, 'Browser\nshare 2025', ha='center', va='center', fontsize=16, fontweight='bold')
ax.set_aspect('equal')
plt.savefig('donut.png', bbox_inches='tight')
