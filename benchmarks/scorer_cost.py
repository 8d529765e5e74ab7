"""CPU time of the process that scores, a response: everything but renders, the encoder and the trainer.

The encoder answers at once, so that what is left is what ``VisualReward`` does itself: align, hand over, read, guard,
resize, cut into tiles. What it does under the interpreter's lock, no other thread does at the same time, so that is
counted too. Then the same requests go through the process that a node's ranks share, and the time of this process is
that of a trainer. Run: ``python benchmarks/scorer_cost.py``.
"""

from __future__ import annotations

import argparse
import gc
import io
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from lock_held import held_ms, start_counting
from PIL import Image

from vincicoder import RewardRequest, RewardResult, VisualReward
from vincicoder.similarity.packed import Packed
from vincicoder.trainers.node import NodeReward

_CHART = """import matplotlib.pyplot as plt
plt.figure(figsize=(6.4, 4.8), dpi=200)
plt.bar(["a", "b", "c"], [{}, 2, 3])
plt.savefig("out.png")
"""
_ICON = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64"><circle cx="9" cy="9" r="9.{}"/></svg>'


class Instant:
    """An encoder that looks at nothing."""

    name = "instant"

    def encode(self, tiles: Any) -> Any:
        """Return the same embedding for every tile."""
        return np.ones((len(tiles), 4), np.float32)


class Elsewhere(Instant):
    """The same in another process, as on Ray: it is sent images and cuts them itself."""

    def encode_images(self, images: Sequence[Packed]) -> list[Any]:
        """Return the same embedding for every tile."""
        return [np.ones((len(image), 4), np.float32) for image in images]


def requests_of(count: int, responses: int, size: tuple[int, int], language: str, code: str) -> list[RewardRequest]:
    """Return requests in groups, with targets of this size as files of bytes."""
    found = []
    for group in range(count // responses):
        target = Image.new("RGB", size, (255, 255, 250 - group % 200))
        target.paste("navy", (size[0] // 9 + group % 9, size[1] // 9, size[0] // 2, size[1] // 2))
        file = io.BytesIO()
        target.save(file, "PNG")
        for response in range(responses):
            text = f"```{language}\n{code.format(1 + group * responses + response)}\n```"
            found.append(RewardRequest(text, file.getvalue(), language=language))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=160, help="requests of each kind (default 160)")
    parser.add_argument("--responses", type=int, default=8, help="responses to a target (default 8)")
    parser.add_argument("--preset", default="paper", help="preset of the scorer (default paper)")
    args = parser.parse_args()
    start_counting()
    kinds = {"icons of 64 x 64": ((64, 64), "svg", _ICON), "charts of 1280 x 960": ((1280, 960), "python", _CHART)}
    node = NodeReward({"encoder": "embedded"})
    print(f"{'CPU ms a response, of it under the lock':40}{'scorer':>14}{'on Ray':>14}{'trainer':>14}")
    for name, kind in kinds.items():
        requests = requests_of(args.requests, args.responses, *kind)
        costs = []
        for encoder in (Instant(), Elsewhere()):
            with VisualReward(encoder, keep_renders="none", preset=args.preset) as reward:
                reward.score(requests[: args.responses])
                gc.freeze()  # as the processes do that score for trainers
                costs.append(cpu_ms(lambda: reward.score(requests)))  # noqa: B023
        list(node.stream(requests[: args.responses]))
        costs.append(cpu_ms(lambda: [result for _, result in node.stream(requests)]))  # noqa: B023
        print(f"{name:40}", *(f"{cpu:7.2f}{held:6.2f}" for cpu, held in costs), flush=True)
    node.close()


def cpu_ms(work: Callable[[], list[RewardResult]]) -> tuple[float, float]:
    """Return the CPU ms of this process a response, those of its children left out, and how many under the lock."""
    before, held = time.process_time(), held_ms()
    results = work()
    if bad := [result for result in results if not result.execution]:
        raise SystemExit(f"{bad[0].status}: {bad[0].message}")
    seconds, held = time.process_time() - before, held_ms() - held
    return seconds * 1000 / len(results), held / len(results)


if __name__ == "__main__":
    main()
