"""Functional checks: honest code in every language, which must render; a sandbox that stops everything is none."""

from __future__ import annotations

from vincicoder.attacks.attack import Attack, listed
from vincicoder.languages import LANGUAGES

_PYTHON = {
    "chart-saved": ("a chart is saved", "import matplotlib.pyplot as plt\nplt.bar([1, 2], [3, 4]); plt.savefig('out/a.png')"),
    "chart-shown": ("a chart is shown", "import matplotlib.pyplot as plt\nplt.pie([1, 2]); plt.show()"),
    "chart-saved-elsewhere": ("a chart is saved where it may not be", "import matplotlib.pyplot as plt\nplt.plot([1]); plt.savefig('/srv/a.png')"),
    "animation": ("an animation is played, which sleeps", "import time\nimport matplotlib.pyplot as plt\nfor n in range(9): plt.plot([n, 1]); plt.pause(5); time.sleep(60)"),
    "code-with-threads": ("code uses threads", "from concurrent.futures import ThreadPoolExecutor as T\nimport matplotlib.pyplot as plt\nplt.plot(list(T(4).map(abs, range(9)))); plt.show()"),
    "event-loop": ("code uses an event loop", "import asyncio\nimport matplotlib.pyplot as plt\nasyncio.run(asyncio.sleep(0)); plt.plot([1, 2]); plt.show()"),
    "temporary-files": ("code uses temporary files", "import tempfile\nimport matplotlib.pyplot as plt\nwith tempfile.NamedTemporaryFile('w+') as f: f.write('1'); f.flush(); plt.plot([1, 2]); plt.show()"),
    "copied-files": ("code copies files with their attributes", "import os, shutil\nimport matplotlib.pyplot as plt\nopen('a', 'w').close(); shutil.copy2('a', 'b'); shutil.copytree('.', '../work/c', ignore=lambda *_: ['c']); os.rename('b', 'd'); plt.plot([1, 2]); plt.show()"),
    "drawn-image": ("an image is drawn by Pillow", "from PIL import Image, ImageDraw\ni = Image.new('RGB', (99, 99), 'white'); ImageDraw.Draw(i).ellipse((9, 9, 90, 90), 'red'); i.save('a.png')"),
}  # fmt: skip
_HTML = {
    "page-with-style": ("a page with style and script", "<style>h1 { color: red }</style><h1>a</h1><canvas id=c></canvas><script>c.getContext('2d').fillRect(0, 0, 50, 50)</script>"),
    "page-with-image": ("a page whose image has only a name", "<img src='rick.jpg' width=300><p>text"),
}  # fmt: skip
_SVG = {
    "gradients": ("gradients, text and a clip", "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 99 99'><linearGradient id='g'><stop stop-color='red'/><stop offset='1' stop-color='blue'/></linearGradient><rect width='90' height='90' fill='url(#g)'/><text y='50'>a</text></svg>"),
    "reused-shapes": ("shapes that are used again", "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 99 99'><g id='a'><circle cx='20' cy='20' r='9'/></g><use href='#a' x='30'/></svg>"),
}  # fmt: skip
_LATEX = {
    "formula": ("a formula", "$a^2 + b^2 = c^2$"),
    "figure": ("a figure", r"\begin{tikzpicture}\draw[fill=red] (0,0) rectangle (2,1);\end{tikzpicture}"),
    "document": ("a whole document", r"\documentclass{article}\usepackage{tikz}\begin{document}Hello \tikz\draw (0,0) circle (1);\end{document}"),
    "own-files": ("a document that writes a file and reads it back", r"\documentclass{article}\begin{document}\immediate\openout5=a.tex \immediate\write5{read back}\immediate\closeout5 \input{a}\end{document}"),
}  # fmt: skip

ATTACKS: tuple[Attack, ...] = (
    *(
        Attack(f"sample-{name}", name, "the sample that a doctor renders", language.sample)
        for name in ("python", "html", "svg", "latex")
        if name in LANGUAGES
        for language in [LANGUAGES.get(name)]
    ),
    *listed("python", (), _PYTHON),
    *listed("html", (), _HTML),
    *listed("svg", (), _SVG),
    *listed("latex", (), _LATEX),
)
