import matplotlib.pyplot as plt

plt.rcParams['font.sans-serif'] = ['Noto Sans CJK SC', 'Noto Sans CJK JP', 'DejaVu Sans']
plt.rcParams['axes.unicode_minus'] = False

cities = ['北京', '上海', '广州', '成都', '西安', '深圳']
spring = [78, 61, 52, 74, 85, 44]
autumn = [65, 48, 57, 69, 72, 41]

x = range(len(cities))
plt.figure(figsize=(9, 5.5))
plt.bar([i - 0.2 for i in x], spring, width=0.4, color='#6ab187', label='春季')
plt.bar([i + 0.2 for i in x], autumn, width=0.4, color='#d8973c', label='秋季')
for i in x:
    plt.text(i - 0.2, spring[i] + 1, str(spring[i]), ha='center', fontsize=9)
    plt.text(i + 0.2, autumn[i] + 1, str(autumn[i]), ha='center', fontsize=9)
plt.axhline(75, color='red', linestyle='--', linewidth=1)
plt.text(5.4, 76.5, '超标线', color='red', ha='right')
plt.xticks(list(x), cities, fontsize=12)
plt.ylabel('PM2.5 浓度 (微克/立方米)')
plt.ylim(0, 100)
plt.title('主要城市空气质量对比', fontsize=16)
plt.legend()
plt.tight_layout()
plt.savefig('air_quality.png', dpi=100)
