import numpy as np
import pandas as pd
import seaborn as sns
import matplotlib.pyplot as plt

np.random.seed(5)
months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
years = list(range(2012, 2020))
season = 60 * np.sin((np.arange(12) - 3) / 12 * 2 * np.pi)
values = np.array([[180 + 22 * k + s * (1 + k / 8) for k in range(len(years))] for s in season])
values += np.random.normal(0, 6, values.shape)
frame = pd.DataFrame(values.round().astype(int), index=months, columns=years)

sns.set_theme()
plt.figure(figsize=(9, 7))
sns.heatmap(frame, annot=True, fmt='d', linewidths=0.5, cmap='YlGnBu', cbar_kws={'label': 'Passengers (thousand)'})
plt.title('Monthly Passengers')
plt.tight_layout()
plt.savefig('passengers.png', dpi=90)
