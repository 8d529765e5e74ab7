import numpy as np
import pandas as pd
import seaborn as sns
import matplotlib.pyplot as plt

rng = np.random.default_rng(8)
rows = []
for day, base in [('Thu', 16), ('Fri', 18), ('Sat', 22), ('Sun', 21)]:
    for meal, extra in [('Lunch', 0), ('Dinner', 4.5)]:
        for bill in rng.normal(base + extra, 4, 40):
            rows.append({'day': day, 'meal': meal, 'bill': bill})
df = pd.DataFrame(rows)

sns.set_style('whitegrid')
fig, ax = plt.subplots(figsize=(8, 5.5))
sns.barplot(data=df, x='day', y='bill', hue='meal', palette=['#84a59d', '#f28482'], errorbar='sd', capsize=0.12, ax=ax)
sns.stripplot(data=df, x='day', y='bill', hue='meal', dodge=True, palette='dark:black', size=2.5, alpha=0.45, legend=False, ax=ax, jitter=False)
ax.set(xlabel='', ylabel='Total bill ($)', title='Average Bill by Day and Meal')
ax.legend(title='', loc='upper left')
sns.despine()
plt.show()
