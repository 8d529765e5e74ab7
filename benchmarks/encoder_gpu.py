"""What DINOv2-L makes of a GPU: tiles a second, its share of the matrix rate, and the plain way in float32.

    python benchmarks/encoder_gpu.py                       # one GPU, under six minutes
    python benchmarks/encoder_gpu.py --tiny --seconds 20   # a small network, such as on a CPU: shows that it runs

Weights are random, as they change no time, so nothing is downloaded. Everything runs in one process by turns: products
of large matrices in bfloat16, which say what the GPU can do; the plain way, which embeds target and render of every
response in float32, one image at a time; and ours, by precision and size of the batch, as it is and compiled by torch
for whole batches. Tiles are in the host's memory, as renders are. Where time is short, what is left out is said.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vincicoder.planning.timing import TILE_FLOPS
from vincicoder.similarity import TILE, load_encoder

IMAGE_TILES = 9  # of an image, its thumbnail included
LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "image_size": 518}
TINY = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 70}


def synchronize() -> None:
    """Wait until the GPU has done all that was asked of it."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def seconds(work: Callable[[], Any], turns: int = 3) -> float:
    """Return the median time of some turns, after one that does not count."""
    times = []
    for _ in range(turns + 1):
        synchronize()
        started = time.perf_counter()
        work()
        synchronize()
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def matrix_rate(device: str, side: int) -> float:
    """Return the operations a second of products of large matrices in bfloat16."""
    one, other = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 8 * 2 * side**3 / seconds(lambda: [one @ other for _ in range(8)])


def network(directory: Path, size: dict[str, int]) -> str:
    """Save a network of random weights and return its directory."""
    from transformers import Dinov2Config, Dinov2Model

    torch.manual_seed(0)
    Dinov2Model(Dinov2Config(patch_size=14, **size)).save_pretrained(directory)
    return str(directory)


def peak_gib() -> float:
    """Return the most memory that tensors have taken since the last call."""
    if not torch.cuda.is_available():
        return float("nan")
    peak = torch.cuda.max_memory_allocated() / 2**30
    torch.cuda.reset_peak_memory_stats()
    return peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="a small network, whose share of the rate means nothing")
    parser.add_argument("--tiles", type=int, default=512, help="tiles of each turn (default 512)")
    parser.add_argument("--batches", type=int, nargs="+", default=[64, 32, 128], help="tiles at a time")
    parser.add_argument("--seconds", type=float, default=300, help="after which nothing new begins (default 300)")
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    device = "cuda" if torch.cuda.is_available() else "cpu"
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    rate = matrix_rate(device, 128 if options.tiny else 8192)
    print(f"{name}, torch {torch.__version__}: {rate / 1e12:.1f} TFLOP/s in products of bfloat16 matrices", flush=True)
    tiles = np.random.default_rng(0).integers(0, 256, (options.tiles, TILE, TILE, 3), np.uint8)
    with tempfile.TemporaryDirectory() as directory:
        path = network(Path(directory), TINY if options.tiny else LARGE)
        plain = load_encoder(path, device, "float32", IMAGE_TILES)
        few = tiles[: max(IMAGE_TILES, options.tiles // 8)]
        exact = plain.encode(few)
        naive = len(few) / seconds(lambda: plain.encode(few))
        print(f"\nthe plain way in float32: {naive:.1f} tiles/s, of which half are targets again\n")
        print(f"{'ours':<38}{'tiles/s':>9}{'of the rate':>13}{'x plain':>9}{'GiB':>7}{'cosine off by':>15}", flush=True)
        for compiled in (False, True):
            for dtype in ("float16", "bfloat16"):
                for batch in options.batches:
                    what = f"{dtype}, {batch} at a time{', compiled' * compiled}"
                    if time.monotonic() > end:
                        print(f"{what:<38} left out, as the time is over")
                        continue
                    report(what, path, device, dtype, batch, compiled, tiles, exact, rate, naive)


def report(
    what: str,
    path: str,
    device: str,
    dtype: str,
    batch: int,
    compiled: bool,
    tiles: Any,
    exact: Any,
    rate: float,
    naive: float,
) -> None:
    """Print a line for one way to run the encoder."""
    encoder: Any = load_encoder(path, device, dtype, batch, compiled)
    if compiled:
        tiles = tiles[: max(1, len(tiles) // batch) * batch]  # whole batches, so that one size is compiled
    peak_gib()
    try:
        found = encoder.encode(tiles[: max(len(exact), batch)] if not compiled else tiles)[: len(exact)]
        speed = len(tiles) / seconds(lambda: encoder.encode(tiles))
    except Exception as error:  # noqa: BLE001 - such as no compiler on this machine, or too little memory
        print(f"{what:<38} fails: {type(error).__name__}: {str(error).splitlines()[0][:80]}", flush=True)
        return
    close = (
        (found * exact[: len(found)]).sum(1)
        / np.linalg.norm(found, axis=1)
        / np.linalg.norm(exact[: len(found)], axis=1)
    )
    # The plain way embeds a target for every response, ours one for eight: 16 images in place of 9.
    ratio = speed / naive * 16 / 9
    share = f"{speed * TILE_FLOPS / rate:.1%}" if torch.cuda.is_available() else ""
    print(
        f"{what:<38}{speed:9.1f}{share:>13}{ratio:9.1f}{peak_gib():7.2f}{1 - close.min():15.1e}",
        flush=True,
    )


if __name__ == "__main__":
    main()
