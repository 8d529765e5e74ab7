"""Python whose image another renderer makes: that one's count stands, as far as the script's literals could hold it."""

from __future__ import annotations

import json

import pytest
from rasters import B64, PIXELS

from vincicoder.guards import decoded_raster
from vincicoder.rendering import RenderPool
from vincicoder.status import Status

FIGURE = "import plotly.graph_objects as go\nfig = go.Figure(go.Scatter(y=[1, 2]))\n"
JOINED = f"url = 'da' + 'ta:image/png;x=;base64,' + '{B64}'\n"
DATA = json.dumps(PIXELS[:, :, 0].tolist())

HIDDEN = {
    "layout image": FIGURE
    + JOINED
    + "fig.add_layout_image(source=url, x=0, y=1, sizex=1, sizey=1, xref='paper', yref='paper')\n"
    "fig.write_image('a.png')",
    "SVG file": JOINED
    + "open('a.svg', 'w').write('<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"40\" height=\"40\">'\n"
    '\'<image width="40" height="40" href="\' + url + \'"/></svg>\')',
}

HONEST = {
    "heat map of literals, which plotly shows as an image": f"import plotly.graph_objects as go\nz = {DATA}\n"
    "go.Figure(go.Heatmap(z=z)).write_image('a.png')",
    "smooth heat map of literals": f"import plotly.graph_objects as go\nz = {DATA}\n"
    "go.Figure(go.Heatmap(z=z, zsmooth='best')).write_image('a.png')",
    "surface of literals": f"import plotly.graph_objects as go\nz = {DATA}\n"
    "go.Figure(go.Surface(z=z)).write_image('a.png')",
    "computed image in a long script": "import numpy as np, plotly.express as px\n"
    + "\n".join(f"variable_{i * i * 7919 % 10007} = compute_{i * 31 % 997} = None" for i in range(900))
    + "\nrng = np.random.default_rng(0)\n"
    "px.imshow(rng.integers(0, 256, (40, 40, 3)).astype('uint8')).write_image('a.png')",
}


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_rasters_are_counted(pool: RenderPool, name: str) -> None:
    render = pool.render(HIDDEN[name], "python")
    assert render.status is Status.OK, render
    assert decoded_raster(HIDDEN[name], render)


@pytest.mark.parametrize("name", HONEST)
def test_honest_images_pass(pool: RenderPool, name: str) -> None:
    render = pool.render(HONEST[name], "python")
    assert render.status is Status.OK, render
    assert decoded_raster(HONEST[name], render) is None
