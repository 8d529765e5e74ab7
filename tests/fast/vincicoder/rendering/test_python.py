"""Python code: which image counts, what changes it and what must not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image
from rendered import PLT
from rendered import rendered_python as image_of

from vincicoder.rendering import Limits, Render, RenderPool
from vincicoder.status import Status

pytestmark = pytest.mark.long

SMALL = "fig = plt.figure(figsize=(2, 1))\nplt.plot([1, 3, 2])\n"
MOL = "from rdkit import Chem\nfrom rdkit.Chem import Draw\nm = Chem.MolFromSmiles('c1ccccc1O')\n"
D2D = MOL + "from rdkit.Chem.Draw import rdMolDraw2D\n"
DRAWN = "d.DrawMolecule(m); d.FinishDrawing()\n"
RED, BLUE = "Image.new('RGB', (40, 30), 'red')", "Image.new('RGB', (40, 30), 'blue')"
PIL = "from PIL import Image\n"


def same(first: Render | Image.Image, second: Render | Image.Image) -> bool:
    one, two = (item.image if isinstance(item, Render) else item for item in (first, second))
    assert one is not None
    assert two is not None
    return one.size == two.size and one.tobytes() == two.tobytes()


@pytest.mark.parametrize(
    ("code", "size"),
    [
        (SMALL, (200, 100)),
        (SMALL + "plt.show()", (200, 100)),
        (SMALL + "fig.show()", (200, 100)),
        (SMALL + "plt.show(block=False)", (200, 100)),
        (SMALL + "plt.savefig('a.png')", (200, 100)),
        (SMALL + "plt.savefig('a.png', dpi=50)", (100, 50)),
        (SMALL + "fig.savefig('a.png', dpi=150)", (300, 150)),
        (SMALL + "plt.savefig('a')", (200, 100)),
        (SMALL + "plt.savefig('/data/out/deep/a.png', dpi=50)", (100, 50)),
        (SMALL + "plt.savefig('/etc/passwd.png', dpi=50)", (100, 50)),
        (SMALL + "plt.savefig('../../a.png', dpi=50)", (100, 50)),
        (SMALL + "import os; os.makedirs('out', exist_ok=True); plt.savefig('out/a.png', dpi=50)", (100, 50)),
        (SMALL + "from pathlib import Path; plt.savefig(Path('out') / 'a.png', dpi=50)", (100, 50)),
        (SMALL + "import io; plt.savefig(io.BytesIO(), dpi=50)", (100, 50)),
        (SMALL + "import io; b = io.BytesIO(); plt.savefig(b, format='svg', dpi=50)", (100, 50)),
        (SMALL + "plt.savefig('a.pdf', dpi=50)", (100, 50)),
        (SMALL + "plt.savefig('a.svg', dpi=50)", (100, 50)),
        (SMALL + "plt.savefig('a.jpg', dpi=50)", (100, 50)),
        (SMALL + "plt.savefig('a.eps', format='eps', dpi=50)", (100, 50)),
        (SMALL + "plt.savefig(fname='a.png', dpi=50, transparent=True)", (100, 50)),
        (SMALL + "plt.rcParams['savefig.dpi'] = 50\nplt.savefig('a.png')", (100, 50)),
        (SMALL + "plt.savefig('a.png', dpi=50)\nplt.close()\nplt.figure(figsize=(9, 9))", (100, 50)),
        (SMALL + "plt.savefig('a.png', dpi=50)\nplt.savefig('b.png', dpi=25)", (50, 25)),
        (SMALL + "plt.savefig('a.png', dpi=50)\nplt.savefig('a.pdf', dpi=600)", (100, 50)),
        (SMALL + "plt.savefig('a.png', dpi=50)\nplt.figure(figsize=(9, 9)); plt.savefig('b.pdf', dpi=10)", (90, 90)),
        (SMALL + "plt.savefig('a.png', dpi=50)\nplt.figure(figsize=(9, 9)); plt.show()", (100, 50)),
        (SMALL + "plt.show()\nplt.close('all')", (200, 100)),
        (SMALL + "plt.figure(figsize=(3, 3))", (300, 300)),
        ("from matplotlib.figure import Figure\nf = Figure(figsize=(2, 1)); f.subplots().plot([1]); f.savefig('a.png')",
         (200, 100)),
        ("plt.rcParams.update({'figure.figsize': (2, 1), 'figure.dpi': 50}); plt.plot([1])", (100, 50)),
        ("plt.style.use('ggplot'); plt.figure(figsize=(2, 1)); plt.plot([1])", (200, 100)),
        ("plt.style.use('seaborn-v0_8-whitegrid'); plt.figure(figsize=(2, 1)); plt.plot([1])", (200, 100)),
        ("import matplotlib; matplotlib.use('TkAgg'); plt.figure(figsize=(2, 1)); plt.show()", (200, 100)),
        ("import matplotlib\nmatplotlib.use('Agg')\nfig, ax = plt.subplots(2, 2, figsize=(2, 1)); fig.tight_layout()",
         (200, 100)),
    ],
)  # fmt: skip
def test_matplotlib_images_keep_their_size(pool: RenderPool, code: str, size: tuple[int, int]) -> None:
    assert image_of(pool, PLT + code).size == size


def test_a_figure_is_drawn_once_however_often_it_is_saved_and_shown(pool: RenderPool) -> None:
    code = (
        PLT
        + """
from matplotlib.figure import Figure
draw, drawn = Figure.draw, []
Figure.draw = lambda *args: (drawn.append(1), draw(*args))
plt.figure(figsize=(2, 1)); plt.plot([1, 2])
plt.savefig('a.png'); plt.savefig('a.pdf'); plt.show()
assert len(drawn) == 1, drawn
from PIL import Image
assert Image.open('a.png').size == (200, 100)
"""
    )
    assert image_of(pool, code).size == (200, 100)


def test_a_tight_box_is_kept(pool: RenderPool) -> None:
    code = PLT + "plt.figure(figsize=(4, 4)); plt.axes([.4, .4, .2, .2]); plt.savefig('a.png', bbox_inches='tight')"
    width, height = image_of(pool, code).size
    assert 80 < width < 200
    assert 80 < height < 200


def test_transparency_lies_over_white(pool: RenderPool) -> None:
    image = image_of(pool, PLT + "plt.figure(figsize=(1, 1)); plt.savefig('a.png', transparent=True)")
    assert image.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("code", "colour"),
    [
        (f"{RED}.save('a.png')", "red"),
        (f"{RED}.save('/srv/pictures/a.png')", "red"),
        (f"{RED}.save('a.png'); {BLUE}.save('b.png')", "blue"),
        (f"{RED}.show(); {BLUE}.save('b.png')", "blue"),
        (f"{RED}.save('a.png'); {BLUE}.show()", "red"),
        (f"{RED}.show()", "red"),
        (f"import io; b = io.BytesIO(); {RED}.save(b, 'PNG'); open('a.png', 'wb').write(b.getvalue())", "red"),
        (f"i = {RED}; i.save('a.png'); i.paste('blue', (0, 0, 40, 30))", "red"),
        ("i = Image.new('RGBA', (40, 30), (255, 0, 0, 255)); i.save('a.webp')", "red"),
        ("i = Image.new('P', (40, 30)); i.putpalette([255, 0, 0]); i.save('a.gif')", "red"),
        ("from PIL import ImageDraw; i = Image.new('RGB', (40, 30)); "
         "ImageDraw.Draw(i).rectangle((0, 0, 40, 30), 'red'); i.save('a.bmp')", "red"),
    ],
)  # fmt: skip
def test_the_image_that_pillow_saved_or_showed_last_is_the_render(pool: RenderPool, code: str, colour: str) -> None:
    image = image_of(pool, PIL + code)
    assert image.size == (40, 30)
    assert same(image, Image.new("RGB", (40, 30), colour))


@pytest.mark.parametrize(
    "code",
    [
        MOL + "Draw.MolToFile(m, 'm.png', size=(300, 200))",
        MOL + "Draw.MolToFile(m, '/tmp/elsewhere/m.png', size=(300, 200))",
        MOL + "Draw.MolToImage(m, size=(300, 200)).save('m.png')",
        MOL + "Draw.MolToImage(m, size=(300, 200)).show()",
        MOL + "Draw.MolsToGridImage([m, m], molsPerRow=2, subImgSize=(150, 200)).save('m.png')",
        D2D + f"d = rdMolDraw2D.MolDraw2DCairo(300, 200)\n{DRAWN}d.WriteDrawingText('/tmp/m.png')",
        D2D + f"d = rdMolDraw2D.MolDraw2DCairo(300, 200)\n{DRAWN}d.WriteDrawingText('m.png')",
        D2D + f"d = rdMolDraw2D.MolDraw2DCairo(300, 200)\n{DRAWN}open('m.png', 'wb').write(d.GetDrawingText())",
        D2D + f"d = rdMolDraw2D.MolDraw2DCairo(300, 200)\n{DRAWN}import io\nfrom PIL import Image\n"
        "Image.open(io.BytesIO(d.GetDrawingText())).save('m.png')",
        D2D + f"d = rdMolDraw2D.MolDraw2DSVG(300, 200)\n{DRAWN}open('m.svg', 'w').write(d.GetDrawingText())",
        D2D + "from rdkit.Chem.Draw import MolDraw2DSVG\n"
        f"d = MolDraw2DSVG(300, 200)\n{DRAWN}open('m.svg', 'w').write(d.GetDrawingText())",
        MOL + "Draw.MolToFile(m, 'm.svg', size=(300, 200))",
    ],
)
def test_a_molecule_is_the_render_however_rdkit_writes_it(pool: RenderPool, code: str) -> None:
    image = image_of(pool, code)
    assert image.width / image.height == pytest.approx(1.5, abs=0.01)
    assert image.width >= 300
    assert len(image.getcolors(1 << 20) or []) > 2


@pytest.mark.parametrize(
    "code",
    [
        "import seaborn as sns\nsns.set_theme()\nsns.barplot(x=['a', 'b'], y=[1, 2])",
        "import pandas as pd\npd.DataFrame({'a': [1, 3, 2]}).plot(kind='area')\nplt.savefig('a.png')",
        "import seaborn as sns, pandas as pd\nsns.pairplot(pd.DataFrame(np.random.rand(9, 2), columns=['a', 'b']))",
        "plt.title(r'$\\frac{\\alpha^2}{\\sqrt{b}} \\sum_{i=1}^n x_i$')",
        "if __name__ == '__main__':\n    plt.plot([1, 2])\n    plt.show()",
        "def main():\n    global data\n    data = [1, 2]\n    plt.plot(data)\nmain(); print(data)",
        "from dataclasses import dataclass\nimport pickle\n@dataclass\nclass P:\n    x: int\n"
        "plt.plot([pickle.loads(pickle.dumps(P(3))).x, 1])",
        "from __future__ import annotations\nx: Nope = 1\nplt.plot([x])",
        "import sys, argparse\nargparse.ArgumentParser().parse_args()\nplt.plot([1])\nsys.exit(0)",
        "plt.plot([1]); plt.savefig('a.png'); sys = __import__('sys'); sys.exit()",
        "plt.plot([1]); quit()",
        "import os\nplt.plot([1]); plt.savefig(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'a.png'))",
        "import tempfile\nwith tempfile.NamedTemporaryFile(suffix='.png') as f: plt.plot([1]); plt.savefig(f.name)",
        "import warnings, logging\nwarnings.warn('x'); logging.basicConfig(filename='log'); plt.plot([1])",
        "from concurrent.futures import ThreadPoolExecutor as T\nplt.plot(list(T(4).map(abs, range(9))))",
        "import asyncio\nasync def f(): return [1, 2]\nplt.plot(asyncio.run(f()))",
        "import matplotlib.animation as an\nf, a = plt.subplots(); l, = a.plot([1, 2])\n"
        "an.FuncAnimation(f, lambda i: [l], frames=2).save('a.gif', writer='pillow')",
        "from mpl_toolkits.mplot3d import Axes3D\nplt.figure().add_subplot(projection='3d').scatter([1], [2], [3])",
        "with open('d.csv', 'w') as f: f.write('a,b\\n1,2\\n3,4')\nimport pandas as pd\npd.read_csv('d.csv').plot()",
        "import shutil\nplt.plot([1])\nplt.savefig('a.png'); shutil.copy('a.png', 'b.png')",
        "try:\n    open('/etc/hosts').read()\nexcept Exception: pass\nplt.plot([1])",
        "# -*- coding: latin-1 -*-\nplt.title('é')",
    ],
)
def test_honest_code_gets_its_image(pool: RenderPool, code: str) -> None:
    lines = PLT + code
    if code.startswith("from __future__"):
        first, rest = code.split("\n", 1)
        lines = f"{first}\n{PLT}{rest}"
    assert len(image_of(pool, lines).getcolors(1 << 20) or []) > 1


@pytest.mark.parametrize(
    ("code", "status", "text"),
    [
        ("x = 1", Status.NO_OUTPUT, "neither saved nor showed"),
        ("", Status.NO_OUTPUT, "neither saved nor showed"),
        ("def f(:", Status.SYNTAX_ERROR, "line 1"),
        ("import no_such_module", Status.RUNTIME_ERROR, "no_such_module"),
        ("\n\n1 / 0", Status.RUNTIME_ERROR, "ZeroDivisionError: division by zero (line 3)"),
        ("plt.plot([1], [1, 2])", Status.RUNTIME_ERROR, "ValueError"),
        ("input('name?')", Status.RUNTIME_ERROR, "EOF"),
        ("raise SystemExit(3)", Status.RUNTIME_ERROR, "exit(3)"),
        ("import argparse\np = argparse.ArgumentParser(); p.add_argument('x'); p.parse_args()", Status.RUNTIME_ERROR,
         "exit(2)"),
        ("open('a.png', 'w').write('no image')", Status.NO_OUTPUT, "not an image"),
        ("plt.rcParams['text.usetex'] = True; plt.title('x'); plt.savefig('a.png')", Status.FORBIDDEN,
         "usetex runs LaTeX"),
    ],
)  # fmt: skip
def test_failures_say_why(pool: RenderPool, code: str, status: Status, text: str) -> None:
    render = pool.render(code if code in ("x = 1", "") or code.startswith(("\n", "def")) else PLT + code, "python")
    assert render.image is None
    assert render.status is status, render
    assert text in render.message


SLEEPS = {
    "sleep": "import time; time.sleep(1000)",
    "imported sleep": "from time import sleep; sleep(1000)",
    "pause": "plt.plot([1]); plt.pause(1000)",
    "pause without a figure": "plt.close('all'); plt.pause(1000)",
    "wait for a click": "plt.plot([1]); plt.waitforbuttonpress()",
    "until a moment": "import time\nend = time.time() + 1000\nwhile time.time() < end: time.sleep(10)",
    "animation": "for i in range(20):\n  plt.cla(); plt.plot([i]); plt.pause(5)",
    "for a thread": "import threading, time\nt = threading.Thread(target=sum, args=(range(10 ** 6),)); t.start()\n"
    "while t.is_alive(): time.sleep(30)",
    "thread that sleeps": "import threading, time\nt = threading.Thread(target=time.sleep, args=(999,))\n"
    "t.start(); t.join()",
}


def test_sleeping_code_holds_no_worker() -> None:
    """A dozen that would sleep, on two workers: hours by the clock, some seconds of work."""
    limits = Limits(wall_seconds=300, cpu_seconds=60)
    codes = [f"{PLT}plt.figure(figsize=(2, 1))\n{SLEEPS['sleep']}\nplt.plot([1, {n}])" for n in range(12)]
    with RenderPool(workers=2, limits=limits) as pool:
        pool.start("python")
        for name, code in SLEEPS.items():
            render = pool.render(f"{PLT}{code}\nplt.plot([1, 2])", "python")
            assert render.status is Status.OK, (name, render)
            assert render.seconds < 60, name
        renders = [future.result() for future in [pool.submit(code, "python") for code in codes]]
    assert {render.status for render in renders} == {Status.OK}
    assert max(render.seconds for render in renders) < 60


def test_the_clock_advances_by_what_was_slept(pool: RenderPool) -> None:
    code = """
import time
clocks = (time.time, time.monotonic, time.perf_counter)
exact = (time.time_ns, time.monotonic_ns, time.perf_counter_ns)
before = [clock() for clock in clocks], [clock() for clock in exact], time.process_time()
time.sleep(1000); time.sleep(0); time.sleep(0.5)
passed = [clock() - then for clock, then in zip(clocks, before[0])]
passed += [(clock() - then) / 1e9 for clock, then in zip(exact, before[1])]
assert all(1000.5 <= seconds < 1060 for seconds in passed), passed
assert time.process_time() - before[2] < 60
for wrong in (-1, float("nan"), "1", None, float("inf")):
    try:
        time.sleep(wrong)
    except (TypeError, ValueError, OverflowError): pass
    else: raise AssertionError(wrong)
raise SystemExit("as it should be")
"""
    assert "as it should be" in pool.render(code, "python").message


def test_a_paused_animation_is_its_last_frame(pool: RenderPool) -> None:
    film = "for n in range(4):\n    plt.cla(); plt.plot([1, n]); plt.pause(10)\n"
    last = "for n in range(4):\n    plt.cla(); plt.plot([1, n])\n"
    assert same(image_of(pool, PLT + SMALL + film), image_of(pool, PLT + SMALL + last))


RANDOM = {
    "numpy": PLT + "plt.plot(np.random.rand(50))",
    "generator": PLT + "plt.plot(np.random.default_rng().normal(size=50))",
    "random": PLT + "import random\nplt.plot([random.random() for _ in range(50)])",
    "fork of random": PLT + "import random\nplt.plot([random.Random(0).random() for _ in range(50)])",
    "networkx": PLT + "import networkx as nx\nnx.draw(nx.path_graph(9))",
    "set": PLT + "plt.bar(list({'a', 'b', 'c', 'delta', 'x', 'yz'}), range(6))",
    "kde": PLT + "import seaborn as sns\nsns.kdeplot(np.random.randn(30))",
    "bootstrap": PLT + "import seaborn as sns\nsns.barplot(x=list('aabb'), y=[1, 2, 3, 5])",
    "molecule": MOL + "Draw.MolToFile(m, 'a.png')",
    "zone": PLT + "import datetime\nplt.title(datetime.datetime.fromtimestamp(0))",
    "pandas": PLT + "import pandas as pd\npd.Series(range(9)).sample(5).plot()",
}


def test_the_same_code_is_the_same_image(pool: RenderPool) -> None:
    """In any order, and in another pool."""
    first = {name: pool.render(code + "\n#1", "python") for name, code in RANDOM.items()}
    with RenderPool(workers=2) as other:
        futures = {name: other.submit(code + "\n#1", "python") for name, code in reversed(RANDOM.items())}
        second = {name: future.result() for name, future in futures.items()}
    again = {name: pool.render(code + "\n#1", "python") for name, code in reversed(RANDOM.items())}
    assert {name for name in RANDOM if not same(first[name], again[name])} == set()
    assert {name for name in RANDOM if not same(first[name], second[name])} == set()


def test_the_last_time_leaves_no_trace(pool: RenderPool) -> None:
    clean = image_of(pool, PLT + SMALL)
    pool.render(PLT + "plt.rcParams['lines.linewidth'] = 40; plt.style.use('dark_background'); plt.plot([1])", "python")
    pool.render("import builtins, matplotlib\nbuiltins.len = None\nmatplotlib.rcdefaults = None", "python")
    assert same(clean, image_of(pool, PLT + SMALL + "#"))


@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="needs a second interpreter")
def test_an_interpreter_without_drawing_libraries_says_so(tmp_path: Path) -> None:
    with RenderPool(workers=1, python="/usr/bin/python3") as pool:
        render = pool.render("import rdkit.Chem, seaborn, plotly, matplotlib", "python")
    assert render.status is not Status.OK


def test_charts_can_have_their_own_environment(tmp_path: Path) -> None:
    """Another interpreter, which has the libraries but not this package."""
    import venv

    venv.create(tmp_path / "charts", symlinks=True)
    packages = next((tmp_path / "charts" / "lib").glob("python*/site-packages"))
    ours = [entry for entry in sys.path if entry.endswith("site-packages")]
    (packages / "shared.pth").write_text("\n".join(ours))
    (packages / "only_there.py").write_text("size = (2, 1)")
    interpreter = str(tmp_path / "charts" / "bin" / "python")
    with RenderPool(workers=1, python=interpreter) as pool:
        image = image_of(pool, PLT + "import only_there, sys\nplt.figure(figsize=only_there.size); plt.plot([1])")
        prefix = pool.render("import sys\nraise SystemExit(sys.prefix)", "python").message
    assert image.size == (200, 100)
    assert str(tmp_path) in prefix


def test_a_plotly_figure_of_too_much_data_is_too_large(pool: RenderPool) -> None:
    code = "import plotly.graph_objects as go, numpy as np\nx = np.random.rand(2_000_000)\n"
    render = pool.render(code + "go.Figure(go.Scattergl(x=x, y=x)).show()", "python")
    assert render.status is Status.TOO_LARGE, render
    assert "figure's data" in render.message
