"""SVG: rasters are counted where CairoSVG decodes them, whatever hides them from the rules about text."""

from __future__ import annotations

import base64
import gzip
from urllib.parse import quote_from_bytes

import pytest
from PIL import PngImagePlugin
from rasters import B64, LARGE, SMALL, SMALL_B64, encoded

from vincicoder.guards import decoded_raster
from vincicoder.rendering import RenderPool
from vincicoder.reward import RewardRequest, VisualReward
from vincicoder.status import Status

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 40 40">{}</svg>'
QUOTE = "data:image/png;x='';base64,"


def shown(url: str) -> str:
    return SVG.format(f'<image width="40" height="40" href="{url}"/>')


def nested(content: bytes) -> str:
    return shown(f"data:image/svg+xml;x='';base64,{base64.b64encode(content).decode()}")


NAMED_SVG = PngImagePlugin.PngInfo()
NAMED_SVG.add_text("comment", "<svg >")

HIDDEN = {
    "quote in a parameter": shown(QUOTE + B64),
    "quote as a character reference": shown(f"data:image/png;x=&quot;&quot;;base64,{B64}"),
    "parameters of 300 characters": shown(f"data:image/png;{'a=b;' * 75}base64,{B64}"),
    "line breaks": shown(QUOTE + "&#10;".join(B64[i : i + 60] for i in range(0, len(B64), 60))),
    "percent-encoded": shown(f"data:image/png;x='';,{quote_from_bytes(LARGE)}"),
    "xlink": SVG.format(f'<image width="40" height="40" xlink:href="{QUOTE}{B64}"/>'),
    "JPEG": shown(QUOTE + base64.b64encode(encoded("JPEG", quality=95)).decode()),
    "PNG that says <svg": shown(QUOTE + base64.b64encode(encoded(pnginfo=NAMED_SVG)).decode()),
    "SVG in SVG": nested(shown(QUOTE + B64).encode()),
    "SVG in SVG, compressed": nested(gzip.compress(shown(QUOTE + B64).encode())),
    "used": SVG.format(f'<defs><image id="a" width="40" height="40" href="{QUOTE}{B64}"/></defs><use href="#a"/>'),
    "in a pattern": SVG.format(
        f'<pattern id="p" width="1" height="1"><image width="40" height="40" href="{QUOTE}{B64}"/></pattern>'
        '<rect width="40" height="40" fill="url(#p)"/>'
    ),
    "in a mask": SVG.format(
        f'<mask id="m"><image width="40" height="40" href="{QUOTE}{B64}"/></mask>'
        '<rect width="40" height="40" mask="url(#m)"/>'
    ),
    "many small ones": SVG.format(
        "".join(
            f"<image x='{side}' width='9' height='9' href=\"{QUOTE}{base64.b64encode(encoded(side=side)).decode()}\"/>"
            for side in range(9, 20)
        )
    ),
}

HONEST = {
    "shapes": SVG.format('<rect width="20" height="20" fill="red"/>'),
    "small texture": shown(f"data:image/png;base64,{SMALL_B64}"),
    "small texture used many times": SVG.format(
        f'<defs><image id="a" width="4" height="4" href="data:image/png;base64,{SMALL_B64}"/></defs>'
        + "".join(f'<use x="{x}" href="#a"/>' for x in range(40))
    ),
    "remote image, which never loads": shown("https://example.org/a.png"),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_rasters_are_counted(pool: RenderPool, name: str) -> None:
    render = pool.render(HIDDEN[name], "svg")
    assert render.status is Status.OK, render
    assert decoded_raster(HIDDEN[name], render)


@pytest.mark.parametrize("name", HONEST)
def test_honest_images_pass(pool: RenderPool, name: str) -> None:
    render = pool.render(HONEST[name], "svg")
    assert render.status is Status.OK, render
    assert decoded_raster(HONEST[name], render) is None


def test_the_count_is_that_of_the_decoded_files(pool: RenderPool) -> None:
    assert pool.render(HIDDEN["quote in a parameter"], "svg").embedded_bytes == len(LARGE)
    assert pool.render(HONEST["small texture used many times"], "svg").embedded_bytes == len(SMALL)


def test_the_guard_of_the_reward_decides() -> None:
    code = HIDDEN["quote in a parameter"]
    with RenderPool(workers=1) as pool:
        target = pool.render(code, "svg").image
    request = RewardRequest(f"```svg\n{code}\n```", target, language="svg")
    for guards, status in ((("blank", "raster"), Status.RASTER), (("blank",), Status.OK)):
        with VisualReward.from_options({"encoder": "embedded", "guards": guards}) as reward:
            [result] = reward.score([request])
        assert result.status is status, result.message
        assert result.visual == 0 if status is Status.RASTER else result.visual > 0.9
