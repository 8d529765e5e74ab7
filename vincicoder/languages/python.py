"""Python that renders a chart or a molecule: matplotlib and what builds on it, plotly, RDKit, Indigo, Pillow."""

from __future__ import annotations

import re

from vincicoder.languages import Install, Language, whole_words

LANGUAGE = Language(
    name="python",
    renderer="vincicoder.rendering.python:PythonRenderer",
    guard="vincicoder.guards.python:smuggled",
    sample="import matplotlib.pyplot as plt\nplt.figure(figsize=(1, 1))\nplt.plot([1, 2])\nplt.savefig('a.png')\n",
    install=Install(pip=("matplotlib", "seaborn", "plotly", "rdkit")),
    title="Python",
    aliases=("py", "python2", "python3", "py3", "ipython"),
    suffixes=(".py",),
    named=whole_words(r"python\d*|matplotlib|pyplot|seaborn|plotly|rdkit|numpy|bokeh|altair"),
    bare=re.compile(r"^(?:import\s+\w|from\s+[\w.]+\s+import\b)", re.MULTILINE),
    uses=("python",),
    domains=("chart", "chemistry"),
)
