"""How much faster groups of renders are compared than the naive way, and how many tiles an encoder takes.

The naive way embeds, for every response, its target again and then its render, one image at a time. Ours embeds
a target once per group and lets many images share a batch. Both run side by side in one process, turn by turn;
the ratio is the median over the turns. Without options it runs on a CPU in under a minute; on a GPU, say

    python benchmarks/similarity.py --encoder facebook/dinov2-large --targets 32 --batch-tiles 64
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from vincicoder.similarity import Comparison, Encoder, Similarity, load_encoder, tile

SIZES = [(640, 480), (500, 500), (1280, 720), (800, 300), (600, 1000)]
TINY = "tiny"
Pair = tuple[str, Image.Image, Image.Image]


def main() -> None:
    options = parse()
    pairs = [
        (f"target {number}", drawing(number, 0), drawing(number, response + 1))
        for number in range(options.targets)
        for response in range(options.group)
    ]
    print(f"{options.targets} targets x {options.group} responses, median of {options.repeats} turns\n")
    header = ("encoder", "naive s", "ours s", "ratio", "prepare s", "tiles/s", "largest difference")
    print(("{:<28}" + "{:>10}" * 5 + "{:>20}").format(*header))
    with tempfile.TemporaryDirectory() as directory:
        for name in options.encoder:
            path = save_tiny_dinov2(Path(directory)) if name == TINY else name
            encoder = load_encoder(path, options.device, options.dtype, options.batch_tiles)
            report(name, encoder, pairs, options.repeats)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--encoder",
        action="append",
        help=f"as for load_encoder, or '{TINY}', a small random DINOv2; may be repeated (default: embedded and {TINY})",
    )
    parser.add_argument("--device", help="cpu, cuda, cuda:1, mps (default: CUDA if there is one)")
    parser.add_argument("--dtype", help="float32, float16, bfloat16 (default: float16 on CUDA)")
    parser.add_argument("--batch-tiles", type=int, default=32, help="tiles per forward pass (default: 32)")
    parser.add_argument("--targets", type=int, default=2, help="groups (default: 2)")
    parser.add_argument("--group", type=int, default=8, help="responses per target (default: 8)")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each way (default: 3)")
    options = parser.parse_args()
    options.encoder = options.encoder or ["embedded", TINY]
    return options


def report(name: str, encoder: Encoder, pairs: list[Pair], repeats: int) -> None:
    naive_results, ours_results = naive(encoder, pairs), ours(encoder, pairs)  # also warms both up
    difference = max(abs(a.visual() - b.visual()) for a, b in zip(naive_results, ours_results, strict=True))
    turns = [(clock(naive, encoder, pairs), clock(ours, encoder, pairs)) for _ in range(repeats)]
    slow, fast = (statistics.median(each) for each in zip(*turns, strict=True))
    ratio = statistics.median(a / b for a, b in turns)
    print(
        f"{name:<28}{slow:>10.2f}{fast:>10.2f}{ratio:>10.2f}{clock(prepare, encoder, pairs):>10.2f}"
        f"{tiles_per_second(encoder, pairs):>10.1f}{difference:>20.1e}"
    )


def naive(encoder: Encoder, pairs: list[Pair]) -> list[Comparison]:
    results = []
    for _, target, render in pairs:
        alone = Similarity(OneByOne(encoder), cache_targets=0)
        results += alone.compare([alone.prepare(target, render, "")])
    return results


def ours(encoder: Encoder, pairs: list[Pair]) -> list[Comparison]:
    similarity = Similarity(encoder)
    return similarity.compare([similarity.prepare(target, render, key) for key, target, render in pairs])


def prepare(encoder: Encoder, pairs: list[Pair]) -> None:
    similarity = Similarity(encoder)
    held = [similarity.prepare(target, render, key) for key, target, render in pairs]
    held.clear()


class OneByOne:
    """Keep a target and its render out of one batch, as embedding them image by image would."""

    def __init__(self, encoder: Encoder) -> None:
        self.name = encoder.name
        self._encoder = encoder

    def encode(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed the first half of the tiles, then the second."""
        half = len(tiles) // 2
        return np.concatenate([self._encoder.encode(tiles[:half]), self._encoder.encode(tiles[half:])])


def clock(way: Callable[[Encoder, list[Pair]], object], encoder: Encoder, pairs: list[Pair]) -> float:
    start = time.perf_counter()
    way(encoder, pairs)
    return time.perf_counter() - start


def tiles_per_second(encoder: Encoder, pairs: list[Pair]) -> float:
    tiles = np.concatenate([tile(render).pixels for _, _, render in pairs[:8]])
    start = time.perf_counter()
    encoder.encode(tiles)
    return len(tiles) / (time.perf_counter() - start)


def drawing(number: int, response: int) -> Image.Image:
    """Draw an image; the responses to one target differ from it here and there."""
    size = SIZES[number % len(SIZES)]
    rng = np.random.default_rng(number)
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for shape in range(20):
        x, y = rng.uniform(0, 0.8, 2) * size
        width, height = rng.uniform(0.02, 0.2, 2) * size
        colour = tuple(int(each) for each in rng.integers(0, 256, 3))
        if shape != response:
            draw.rectangle([x, y, x + width, y + height], fill=colour)
    return image


def save_tiny_dinov2(directory: Path) -> str:
    from transformers import Dinov2Config, Dinov2Model

    config = Dinov2Config(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, patch_size=14, image_size=70)
    Dinov2Model(config).save_pretrained(directory)
    return str(directory)


if __name__ == "__main__":
    main()
