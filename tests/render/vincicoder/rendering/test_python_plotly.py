"""Python's renders that need more than Python: a browser for plotly, and the system's fonts."""

from __future__ import annotations

import numpy as np
import pytest
from rendered import PLT
from rendered import rendered_python as image_of

from vincicoder.rendering import RenderPool


def test_chinese_is_rendered_and_not_boxes(pool: RenderPool) -> None:
    code = PLT + "plt.rcParams['font.sans-serif'] = ['SimHei']\nplt.figure(figsize=(2, 1))\n"
    code += "plt.figtext(.1, .1, '{}', fontsize=40)"
    one, two, missing = (np.asarray(image_of(pool, code.format(text))) for text in ("中", "国", "\\U0010fffd"))
    assert (one < 128).any()
    assert (one != two).any(), "two characters look the same, as missing ones do"
    assert (one != missing).any()


def test_a_plotly_figure_becomes_a_page(pool: RenderPool) -> None:
    code = "import plotly.express as px\nf = px.bar(x=['a', 'b'], y=[1, 2])\n"
    for end in ("f.show()", "f.write_image('a.png', width=400, height=300)"):
        image = image_of(pool, code + end)
        assert image.size == ((400, 300) if "width" in end else (700, 500))
        assert len(image.getcolors(1 << 20) or []) > 3


@pytest.mark.parametrize(
    "end",
    [
        "b = io.BytesIO(); f.write_image(b, format='png', width=400, height=300); b.seek(0); take(b).save('a.png')",
        "take(io.BytesIO(f.to_image(format='png', width=400, height=300))).convert('L').save('a.png')",
        "open('a.png', 'wb').write(f.to_image('png', width=400, height=300))",
        "open('a.png', 'wb').write(pio.to_image(f, width=200, height=150, scale=2))",
    ],
)
def test_a_plotly_figure_taken_as_bytes_is_still_its_page(pool: RenderPool, end: str) -> None:
    code = "import io, plotly.express as px, plotly.io as pio\nfrom PIL import Image\ntake = Image.open\n"
    image = image_of(pool, f"{code}f = px.bar(x=['a', 'b'], y=[1, 2])\n{end}")
    assert image.size == (400, 300)
    assert len(image.getcolors(1 << 20) or []) > 3


def test_two_plotly_figures_put_together_are_what_the_script_put_together(pool: RenderPool) -> None:
    code = "import io, plotly.express as px\nfrom PIL import Image\nf = px.bar(x=['a', 'b'], y=[1, 2])\n"
    code += "one = Image.open(io.BytesIO(f.to_image('png', width=40, height=30)))\n"
    image = image_of(
        pool, code + "both = Image.new('RGB', (80, 30), 'red')\nboth.paste(one, (0, 0))\nboth.save('a.png')"
    )
    assert image.size == (80, 30)


def test_a_plotly_scene_in_three_dimensions_is_rendered_within_the_limits(pool: RenderPool) -> None:
    code = "import plotly.graph_objects as go, numpy as np\nz = np.outer(np.sin(np.arange(15)), np.ones(15))\n"
    code += "surfaces = [go.Surface(z=z + 4 * i, opacity=0.9, colorscale='Reds') for i in range(3)]\n"
    image = image_of(pool, code + "go.Figure(surfaces).update_traces(showscale=False).show()")
    red = np.asarray(image.convert("HSV"))
    assert ((red[..., 1] > 100) & (red[..., 2] > 50)).mean() > 0.03, "the surfaces are there"
