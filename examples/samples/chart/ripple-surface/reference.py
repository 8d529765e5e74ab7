import numpy as np
import matplotlib.pyplot as plt

x = np.linspace(-6, 6, 70)
y = np.linspace(-6, 6, 70)
X, Y = np.meshgrid(x, y)
R = np.sqrt(X ** 2 + Y ** 2)
Z = np.sin(R) * np.exp(-R / 8)

fig = plt.figure(figsize=(8.5, 6.5))
ax = fig.add_subplot(111, projection='3d')
surface = ax.plot_surface(X, Y, Z, cmap='viridis', edgecolor='none', antialiased=True)
ax.contourf(X, Y, Z, zdir='z', offset=-1.6, cmap='viridis', alpha=0.5)
ax.set_zlim(-1.6, 1)
ax.set_xlabel('x')
ax.set_ylabel('y')
ax.set_zlabel('amplitude')
ax.set_title('Damped Ripple')
ax.view_init(elev=28, azim=-55)
fig.colorbar(surface, shrink=0.55, aspect=14, pad=0.1)
plt.show()
