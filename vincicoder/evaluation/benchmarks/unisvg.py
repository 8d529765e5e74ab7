"""UniSVG, its task ISVGEN: icons and drawings, to be reproduced as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmark import Benchmark, Column, Row, Sample, mean_of
from vincicoder.evaluation.sources import directory, json_list

_HUB = "lili24/UniSVG"
_FILE = "test.json"
_ARCHIVE = "png.zip"
_SIDE = 336


def read(source: Path | None) -> Iterator[Sample]:
    """Yield the samples of a directory with ``test.json`` and the unpacked images, there or in ``png``."""
    root = directory(source, _HUB, [_FILE, _ARCHIVE])
    items = json_list(root / _FILE, ("q_text", "image_path", "type", "a_text"))
    for number, item in enumerate(items):
        if item["type"] == "ISVGEN":
            path = str(item["image_path"])
            yield Sample(
                id=f"{number}-{Path(path).stem}",
                target=_image(root, path),
                prompt=str(item["q_text"]).replace("<image>", "").strip(),
                reference=str(item["a_text"]),
                language="svg",
            )


def _image(root: Path, path: str) -> Path:
    places = [root / path, root / "png" / path, root / "png" / Path(path).name]
    found = next(
        (place for place in places if place.is_file() and place.resolve().is_relative_to(root.resolve())), None
    )
    if found is None:
        raise ConfigError(f"{root} has no image {path}; unpack {_ARCHIVE} of {_HUB} there")
    return found


def _low(rows: Sequence[Row]) -> float:
    return 100 * sum(row["ssim"] + 1 - row["lpips"] for row in rows) / (2 * len(rows))


def _score(rows: Sequence[Row]) -> float:
    return 100 * sum(0.2 * (row["ssim"] + 1 - row["lpips"]) + 0.6 * row["clip"] for row in rows) / len(rows)


BENCHMARK = Benchmark(
    name="unisvg",
    title="UniSVG-ISVGEN",
    language="svg",
    hub=_HUB,
    split="test",
    licence="Apache-2.0",
    read=read,
    metrics=("execution", "ssim", "lpips", "clip"),
    columns={
        "execution": mean_of("execution", title="Render success"),
        "ssim": mean_of("ssim", title="SSIM"),
        "lpips": mean_of("lpips", title="LPIPS", higher_is_better=False),
        "clip": mean_of("clip", title="CLIP"),
        "low": Column("Low-level", ("ssim", "lpips"), _low),
        "high": mean_of("clip", title="High-level"),
        "score": Column("Score", ("ssim", "lpips", "clip"), _score),
    },
    protocol=(
        "Images are rendered by CairoSVG at 336 x 336 pixels on white. The score is 0.2 SSIM + 0.2 (1 - LPIPS) + 0.6 "
        "CLIP. All samples count; one that does not render has SSIM 0, LPIPS 1 and CLIP 0. The official script leaves "
        "those out that CairoSVG cannot convert, repairs markup that ends too early, and takes a response without any "
        "for a blank image; here these fail."
    ),
    renderer_options={"svg": {"square": _SIDE}},
)
