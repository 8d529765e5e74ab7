from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Callable

import cairosvg
import matplotlib
import numpy as np
import pytest
from PIL import Image

from vincicoder.errors import ConfigError, EncoderError
from vincicoder.registry import install_command
from vincicoder.similarity import TILE, Similarity, load_encoder

matplotlib.use("Agg")
import matplotlib.pyplot as plt

WITHOUT_WEIGHTS = pytest.mark.parametrize("name", ["embedded", "strokes"])


def visual(target: Image.Image, render: Image.Image) -> float:
    similarity = Similarity(load_encoder("embedded"))
    [comparison] = similarity.compare([similarity.prepare(target, render, "t")])
    return comparison.visual()


def chart(
    kind: str = "bar", colour: str = "tab:blue", last: int = 6, title: str = "Sales", dpi: int = 100
) -> Image.Image:
    values = [3, 7, 2, 9, 5, last]
    figure, axes = plt.subplots(figsize=(6.4, 4.8))
    if kind == "bar":
        axes.bar(range(6), values, color=colour)
    elif kind == "line":
        axes.plot(range(6), values, color=colour)
    else:
        axes.pie(values)
    axes.set_title(title)
    axes.set_xlabel("Region")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    plt.close(figure)
    return Image.open(buffer).convert("RGB")


def icon(body: str, width: int = 512) -> Image.Image:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{body}</svg>'
    png = cairosvg.svg2png(bytestring=svg.encode(), output_width=width, background_color="white")
    return Image.open(io.BytesIO(png)).convert("RGB")


HOUSE = (
    '<rect x="20" y="45" width="60" height="45" fill="#e8c39e"/>'
    '<polygon points="15,45 50,15 85,45" fill="#b33"/>'
    '<rect x="42" y="62" width="16" height="28" fill="{door}"/>{windows}'
)
WINDOWS = (
    '<rect x="26" y="52" width="12" height="12" fill="#8cf"/><rect x="62" y="52" width="12" height="12" fill="#8cf"/>'
)


def house(door: str = "#630", windows: str = WINDOWS, width: int = 512) -> Image.Image:
    return icon(HOUSE.format(door=door, windows=windows), width)


def blank(like: Image.Image, colour: str = "white") -> Image.Image:
    return Image.new("RGB", like.size, colour)


def shifted(image: Image.Image, right: int, down: int) -> Image.Image:
    moved = blank(image)
    moved.paste(image, (right, down))
    return moved


@pytest.mark.parametrize("draw", [chart, house])
def test_a_render_a_few_pixels_or_a_resolution_off_is_as_good_as_perfect(
    draw: Callable[..., Image.Image],
) -> None:
    target = draw()
    again = draw(dpi=97) if draw is chart else draw(width=505)
    assert visual(target, target) == 1.0
    assert visual(target, again) >= 0.97
    assert visual(target, shifted(target, 2, 1)) >= 0.97


@pytest.mark.parametrize(
    ("target", "slightly_wrong", "badly_wrong"),
    [
        (chart, lambda: chart(last=3), lambda: chart("pie")),
        (chart, lambda: chart(colour="tab:orange"), lambda: chart("line", title="")),
        (chart, lambda: chart(title="Costs of all the regions"), lambda: house()),
        (house, lambda: house(windows=""), lambda: icon('<circle cx="50" cy="40" r="30" fill="#3a3"/>')),
        (
            house,
            lambda: house(door="#06c"),
            lambda: icon('<path d="M9 9h80v80z" fill="none" stroke="#00f"/>'),
        ),
        (lambda: chart("line"), lambda: chart("line", colour="red"), lambda: chart("pie")),
    ],
)
def test_perfect_then_slightly_wrong_then_badly_wrong_then_blank(
    target: Callable[[], Image.Image],
    slightly_wrong: Callable[[], Image.Image],
    badly_wrong: Callable[[], Image.Image],
) -> None:
    image = target()
    slight, bad = visual(image, slightly_wrong()), visual(image, badly_wrong())
    assert 1.0 > slight > 0.85
    assert slight - 0.04 > bad
    assert bad > visual(image, blank(image)) + 0.02


def test_a_change_of_content_costs_more_than_a_small_shift() -> None:
    target = chart()
    moved = visual(target, shifted(target, 2, 1))
    for wrong in (chart(last=3), chart(colour="tab:orange"), chart("line")):
        assert visual(target, wrong) < moved


def test_unrelated_images_are_far_apart() -> None:
    images = [chart(), chart("pie"), house(), icon('<text x="5" y="60" font-size="40">Hi</text>')]
    scores = [visual(a, b) for a in images for b in images if a is not b]
    assert np.mean(scores) < 0.7
    assert max(scores) < 0.85


@pytest.mark.parametrize("colour", ["white", "black", "#1e2a3a"])
def test_blank_is_like_blank_and_unlike_a_drawing(colour: str) -> None:
    target = house()
    assert visual(blank(target, colour), blank(target, colour)) == 1.0
    assert visual(target, blank(target, colour)) < 0.55
    assert visual(blank(target, colour), target) < 0.55


def test_empty_images_of_different_colours_differ() -> None:
    white = Image.new("RGB", (300, 300), "white")
    assert visual(white, Image.new("RGB", (300, 300), "black")) < 0.75
    assert visual(white, Image.new("RGB", (300, 300), "#fdfdfd")) > 0.95


@WITHOUT_WEIGHTS
def test_every_tile_is_embedded_alike_whatever_stands_beside_it(name: str) -> None:
    rng = np.random.default_rng(0)
    tiles = rng.integers(0, 256, (5, TILE, TILE, 3), dtype=np.uint8)
    tiles[1] = 255
    tiles[2] = 0
    encoder = load_encoder(name)
    together = encoder.encode(tiles)
    assert together.dtype == np.float32
    assert np.isfinite(together).all()
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    for one, tile in zip(together, tiles, strict=True):
        assert np.array_equal(one, encoder.encode(tile[None])[0])


@WITHOUT_WEIGHTS
def test_tiles_that_cannot_be_written_to_are_embedded(name: str) -> None:
    tiles = np.full((1, TILE, TILE, 3), 200, np.uint8)
    tiles.flags.writeable = False
    assert load_encoder(name).encode(tiles).shape[0] == 1


@WITHOUT_WEIGHTS
def test_it_is_fast_enough_for_a_laptop(name: str) -> None:
    tiles = np.random.default_rng(0).integers(0, 256, (8, TILE, TILE, 3), dtype=np.uint8)
    encoder = load_encoder(name)
    start = time.process_time()
    encoder.encode(tiles)
    assert (time.process_time() - start) / len(tiles) < 0.05


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "embedded:v2"}, ["encoder='embedded:v2'", "'embedded'"]),
        ({"name": "strokes:v2"}, ["encoder='strokes:v2'", "'strokes'"]),
        ({"name": "embedded", "device": "cuda"}, ["device='cuda'", "'cpu'"]),
        ({"name": "embedded", "dtype": "bfloat16"}, ["dtype='bfloat16'", "'float32'"]),
        ({"name": "embedded", "batch_tiles": 0}, ["batch_tiles=0", "at least 1"]),
    ],
)
def test_an_option_that_cannot_work_is_refused_by_name(options: dict[str, object], words: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        load_encoder(**options)  # type: ignore[arg-type]
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("device", [None, "auto", "cpu"])
@pytest.mark.parametrize("dtype", [None, "auto", "float32", "fp32"])
@WITHOUT_WEIGHTS
def test_options_that_mean_the_default_are_taken(name: str, device: str | None, dtype: str | None) -> None:
    assert load_encoder(name, device=device, dtype=dtype).name == name


@WITHOUT_WEIGHTS
def test_it_needs_neither_torch_nor_any_other_heavy_package(name: str) -> None:
    script = (
        "import sys, numpy as np\n"
        "from vincicoder.similarity import load_encoder\n"
        f"load_encoder({name!r}).encode(np.zeros((1, 448, 448, 3), np.uint8))\n"
        "print(sorted({'torch', 'transformers', 'timm', 'scipy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("facebook/dinov2-large", "torch", "dinov2"),
        ("facebook/dinov2-large", "transformers", "dinov2"),
        ("timm:vit_small_patch14_dinov2", "torch", "timm"),
        ("timm:vit_small_patch14_dinov2", "timm", "timm"),
    ],
)
def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, name: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EncoderError) as error:
        load_encoder(name)
    assert package in str(error.value)
    assert f"`{install_command(extra)}`" in str(error.value)
    assert "encoder='embedded'" in str(error.value)
