import matplotlib.pyplot as plt

months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
oslo = [-4.3, -4.0, -0.2, 4.5, 10.8, 15.2, 16.4, 15.2, 10.8, 6.3, 0.7, -3.1]
lisbon = [11.6, 12.7, 14.9, 15.9, 18.0, 21.2, 23.1, 23.5, 22.1, 18.8, 15.0, 12.4]
singapore = [26.0, 26.5, 27.0, 27.4, 27.7, 27.7, 27.4, 27.3, 27.0, 26.9, 26.3, 25.9]

plt.figure(figsize=(10, 6))
plt.plot(months, oslo, marker='o', linewidth=2, color='tab:blue', label='Oslo')
plt.plot(months, lisbon, marker='s', linewidth=2, color='tab:orange', label='Lisbon')
plt.plot(months, singapore, marker='^', linewidth=2, linestyle='--', color='tab:green', label='Singapore')
plt.axhline(0, color='gray', linewidth=1)
plt.fill_between(months, oslo, 0, where=[t < 0 for t in oslo], color='tab:blue', alpha=0.15)
plt.title('Average Monthly Temperature', fontsize=16)
plt.xlabel('Month')
plt.ylabel('Temperature (°C)')
plt.ylim(-8, 32)
plt.grid(True, alpha=0.3)
plt.legend(title='City', loc='lower right')
plt.tight_layout()
plt.show()
