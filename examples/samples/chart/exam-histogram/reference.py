import numpy as np
import matplotlib.pyplot as plt

rng = np.random.RandomState(21)
class_a = np.clip(rng.normal(68, 11, 320), 0, 100)
class_b = np.clip(rng.normal(78, 8, 320), 0, 100)
bins = np.arange(30, 104, 4)

plt.figure(figsize=(9, 5))
plt.hist(class_a, bins=bins, color='steelblue', alpha=0.6, edgecolor='black', label='Class A')
plt.hist(class_b, bins=bins, color='salmon', alpha=0.6, edgecolor='black', label='Class B')
plt.axvline(class_a.mean(), color='navy', linestyle='--', linewidth=2, label=f'Mean A = {class_a.mean():.1f}')
plt.axvline(class_b.mean(), color='darkred', linestyle='--', linewidth=2, label=f'Mean B = {class_b.mean():.1f}')
plt.xlabel('Exam score')
plt.ylabel('Number of students')
plt.title('Distribution of Exam Scores')
plt.legend()
plt.tight_layout()
plt.savefig('histogram.png', dpi=100)
plt.show()
