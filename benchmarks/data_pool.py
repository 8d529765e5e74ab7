"""How many rows a second one process of the data recipes hands to many workers, which only wait and draw a little.

    python benchmarks/data_pool.py --workers 1 16 64

A recipe renders with all workers of a node from one process, which also reads, measures and compresses every image.
Here a render waits for a second without using a CPU, so that many workers fit on a small machine, and gives an image of
640 x 480. What the process itself uses for a row bounds what any number of cores can do behind it.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))

from waiting import WaitingRenderer

from vincicoder.languages import Language
from vincicoder.rendering.renderer import Workspace

if TYPE_CHECKING:
    from PIL import Image

SECONDS = 1.0


class SlowRenderer(WaitingRenderer):
    """Wait, and draw some ellipses."""

    def render(self, code: str, workspace: Workspace, options: dict[str, Any]) -> Image.Image:
        """Wait, and draw what the code's number says."""
        from PIL import Image, ImageDraw

        threading.Event().wait(SECONDS)
        image, chance = Image.new("RGB", (640, 480), "white"), random.Random(code)
        for _ in range(20):
            left, top = chance.randrange(600), chance.randrange(440)
            colour = tuple(chance.randrange(256) for _ in range(3))
            ImageDraw.Draw(image).ellipse((left, top, left + chance.randrange(9, 200), top + 90), colour, "black")
        return image


LANGUAGE = Language("slow", renderer=SlowRenderer, suffixes=(".slow",), sample="x")
PLUGIN = {
    "name": "slow",
    "value": "data_pool:LANGUAGE",
    "origin": "benchmarks",
    "directory": str(Path(__file__).parent),
}


def main() -> None:
    from data_recipes.engine.drops import Drops
    from data_recipes.engine.rendering import Verify
    from vincicoder.data import Record
    from vincicoder.registry import adopt

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4, 16, 64], help="workers (default 1 4 16 64)")
    parser.add_argument("--each", type=int, default=6, help="rows for each worker (default 6)")
    options = parser.parse_args()
    adopt({"vincicoder.languages": [PLUGIN]})
    print(f"{'workers':>8}{'rows/s':>8}{'of what they could':>20}{'CPU ms of the process a row':>29}")
    for workers in options.workers:
        verify, drops = Verify(workers=workers), Drops()
        rows = [
            Record(
                id=f"{workers}-{number}",
                domain="chart",
                task="generate",
                code=f"{workers} {number}",
                language="slow",
                target=b"",
                prompt="",
            )
            for number in range(workers * (options.each + 1))
        ]
        verify(rows[:workers], drops)  # starts everything
        started, used = time.monotonic(), time.process_time()
        made = verify(rows[workers:], drops)
        rate = len(made) / (time.monotonic() - started)
        own = (time.process_time() - used) * 1000 / len(made)
        print(f"{workers:8}{rate:8.1f}{rate * SECONDS / workers:20.0%}{own:29.1f}", flush=True)
        verify.close()


if __name__ == "__main__":
    main()
