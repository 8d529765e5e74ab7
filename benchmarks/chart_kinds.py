"""Short charts of every kind that ChartMimic's hooks watch, each in two versions, for ``official_metrics.py``."""

from __future__ import annotations

_HEAD = "import matplotlib.pyplot as plt\nimport numpy as np\n\nrng = np.random.default_rng(0)\n"

_KINDS = {
    "3d": """
ax = plt.figure().add_subplot(projection="3d")
x, y = np.meshgrid(np.arange(4), np.arange(4))
ax.plot_surface(x, y, x * y, cmap={map!r})
ax.scatter([1, 2], [1, 2], [3, 4], color={colour!r})
ax.plot([0, 1], [1, 2], [2, 3], color="green")
ax.bar([1, 2], [3, 4], zs=1, zdir="y", color=["red", {colour!r}])
ax.bar3d([1], [1], [0], 1, 1, 1, color={colour!r})
ax.set_zlabel("{title}")
""",
    "surface": """
ax = plt.figure().add_subplot(projection="3d")
x, y = np.meshgrid(np.arange(3), np.arange(3))
ax.plot_surface(x, y, x + y, color={colour!r})
ax.scatter([1, 2, 3], [1, 2, 3], [3, 4, 5], c=[1, 2, 3], cmap={map!r})
ax.set_title("{title}")
""",
    "area": """
plt.fill_between([1, 2, 3], [1, 2, 1], color={colour!r}, alpha=0.4)
plt.stackplot([1, 2], [1, 2], [2, 1])
plt.fill_betweenx([1, 2], [1, 2], color='orange')
plt.title('{title}')
""",
    "bars": """
plt.bar(['a', 'b'], [1, 2], color=[{colour!r}, 'black'], label='{title}')
plt.barh(['c'], [3], color='#0F0')
plt.bar(['d'], [2], hatch='/', edgecolor='red')
plt.legend()
""",
    "box": """
plt.boxplot([[1, 2, 3], [2, 3, 9]], patch_artist=True, boxprops=dict(facecolor={colour!r}))
plt.boxplot([[1, 2, 4]], positions=[4])
plt.ylabel('{title}')
""",
    "contour": """
x, y = np.meshgrid(np.linspace(0, 1, 9), np.linspace(0, 1, 9))
plt.contourf(x, y, x * y, cmap={map!r})
plt.contour(x, y, x + y, colors={colour!r})
plt.colorbar(plt.contourf(x, y, x - y), label='{title}')
""",
    "density": """
plt.hist(rng.normal(size=99), bins=5, color={colour!r})
plt.hist([rng.normal(size=9), rng.normal(size=9)])
plt.hist(rng.normal(size=9), histtype='step', color='navy')
plt.xlabel('{title}')
""",
    "errors": """
plt.errorbar([1, 2], [1, 2], yerr=0.2, fmt='o', color={colour!r}, ecolor='gray')
plt.axhline(1, color='red')
plt.axvline(1.5, c={colour!r})
plt.axhspan(1, 2, color='yellow')
plt.axvspan(1, 2, fc='pink')
plt.title('{title}')
""",
    "graph": """
import networkx as nx
g = nx.Graph([(1, 2), (2, 3), (3, 1)])
place = {{1: (0, 0), 2: (1, 0), 3: (0, 1)}}
nx.draw_networkx_nodes(g, place, node_color=[{colour!r}, "red", "blue"])
nx.draw_networkx_edges(g, place, edge_color={colour!r})
nx.draw_networkx_labels(g, place, {{1: "{title}", 2: "b", 3: "c"}}, font_color="white")
""",
    "digraph": """
import networkx as nx
nx.draw(nx.DiGraph([(1, 2), (2, 3)]), {{1: (0, 0), 2: (1, 0), 3: (0, 1)}}, node_color={colour!r}, with_labels=True)
plt.title('{title}')
""",
    "heat": """
plt.imshow(rng.random((4, 4)), cmap={map!r})
plt.pcolor(rng.random((3, 3)))
plt.text(1, 1, '{title}', color={colour!r})
""",
    "seaborn": """
import seaborn as sns
sns.heatmap(rng.random((3, 3)), annot=True, cmap={map!r})
plt.title('{title}')
""",
    "kde": """
import seaborn as sns
sns.kdeplot(x=rng.normal(size=50), fill=True, color={colour!r})
sns.barplot(x=["a", "b"], y=[1, 2], color="gray")
plt.suptitle('{title}')
""",
    "lines": """
plt.plot([1, 2], [1, 2], '--', color={colour!r}, label='{title}')
plt.plot([2, 1], label='$x^2$')
plt.loglog([1, 10], [1, 10])
plt.hlines([1, 2], 0, 1, colors=[{colour!r}, 'red'])
plt.vlines([1], 0, 1, 'k')
plt.annotate('here', (1, 1), (1.5, 1.5))
plt.legend()
""",
    "pie": """
plt.pie([1, 2, 3], labels=['{title}', 'b', 'c'], autopct='%1.0f%%', colors=[{colour!r}, 'red', 'gold'])
plt.gca().add_artist(plt.Circle((0, 0), 0.5, fc='white'))
""",
    "inset": """
figure, ax = plt.subplots()
ax.plot([1, 2, 3], color={colour!r})
inner = ax.inset_axes([0.5, 0.5, 0.4, 0.4])
inner.plot([3, 1])
figure.add_axes([0.2, 0.6, 0.2, 0.2]).set_title('{title}')
""",
    "quiver": """
plt.quiver([0, 1], [0, 1], [1, 0], [0, 1], color=[{colour!r}, 'red'])
plt.arrow(0, 0, 1, 1)
plt.title('{title}')
""",
    "radar": """
ax = plt.subplot(polar=True)
ax.plot([0, 1, 2], [1, 2, 1], color={colour!r})
ax.fill([0, 1, 2], [1, 2, 1], {colour!r}, alpha=0.2)
ax.scatter([1], [1], c='red')
ax.set_title('{title}')
""",
    "rose": """
ax = plt.subplot(projection='polar')
ax.bar([0, 1, 2], [1, 2, 3], color=plt.cm.viridis([0.1, 0.5, 0.9]))
ax.scatter([1, 2], [1, 2], c=[1, 2], cmap={map!r})
ax.set_title('{title}')
""",
    "scatter": """
plt.scatter(rng.random(5), rng.random(5), c=rng.random(5), cmap={map!r})
plt.scatter([1], [1], color={colour!r}, s=90)
plt.scatter([], [])
plt.title('{title}')
""",
    "tree": """
import squarify
squarify.plot([3, 2, 1], label=['{title}', 'b', 'c'], color=[{colour!r}, 'red', 'blue'])
""",
    "venn": """
from matplotlib_venn import venn2
venn2(subsets=(3, 2, 1), set_labels=('{title}', 'b'), set_colors=({colour!r}, 'red'))
""",
    "violin": """
parts = plt.violinplot([rng.normal(size=20), rng.normal(size=20)])
for body in parts['bodies']:
    body.set_facecolor({colour!r})
plt.title('{title}')
""",
    "shapes": """
from matplotlib.patches import Circle, Ellipse
ax = plt.gca()
ax.add_patch(Ellipse((0.5, 0.5), 0.4, 0.2, facecolor={colour!r}))
ax.add_patch(Circle((0.2, 0.2), 0.1, color="red"))
ax.broken_barh([(0, 0.2), (0.5, 0.3)], (0.8, 0.1), facecolors=("teal", {colour!r}))
ax.tripcolor([0, 1, 0, 1], [0, 0, 1, 1], [1, 2, 3, 4], cmap={map!r})
ax.set_title("{title}")
""",
    "many": """
for index in range(14):
    plt.plot([index, index + 1], color=plt.cm.tab20(index))
plt.bar([1], [1], color={colour!r})
plt.title('{title}')
""",
    "grid": """
from matplotlib.gridspec import GridSpec
figure = plt.figure()
grid = GridSpec(2, 3, figure=figure)
figure.add_subplot(grid[0, :]).plot([1, 2], color={colour!r})
figure.add_subplot(grid[1, {column}:]).bar(["a"], [1])
figure.add_subplot(grid[1, 0]).set_xlabel("{title}")
figure.savefig("part.pdf")
""",
}

_VERSIONS = (
    {"colour": "#1f77b4", "map": "viridis", "title": "Sales", "column": 1},
    {"colour": "tomato", "map": "magma", "title": "Sales", "column": 2},
)


def charts() -> list[tuple[str, str, str]]:
    """Return the name of each kind and its two programs."""
    programs = {
        name: [_HEAD + code.lstrip().format(**version) for version in _VERSIONS] for name, code in _KINDS.items()
    }
    return [(name, first, second) for name, (first, second) in programs.items()]
