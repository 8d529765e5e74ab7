"""CPU time of the process that scores, a response: everything but renders, the encoder and the trainer.

Icons are scored with an encoder that answers at once, so that what is left is what ``VisualReward`` does itself: align,
hand over, read, compare sizes, guard, resize, cut into tiles. Much of that runs beside other threads, since it holds no
lock of the interpreter. Then the same requests go through the process that a node's ranks share, and the time of this
process is that of a trainer. Run: ``python benchmarks/scorer_cost.py``.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from PIL import Image

from vincicoder import RewardRequest, VisualReward
from vincicoder.trainers.node import NodeReward

_CHART = """import matplotlib.pyplot as plt
plt.figure(figsize=(6.4, 4.8), dpi=200)
plt.bar(["a", "b", "c"], [{n}, 2, 3])
plt.savefig("out.png")
"""


class Instant:
    """An encoder that looks at nothing."""

    name = "instant"

    def encode(self, tiles: Any) -> Any:
        """Return the same embedding for every tile."""
        return np.ones((len(tiles), 4), np.float32)


def requests_of(count: int, responses: int) -> list[RewardRequest]:
    """Return requests in groups, of charts of 1280 x 960 pixels."""
    found = []
    for group in range(count // responses):
        target = Image.new("RGB", (1280, 960), (255, 255, 250 - group % 200))
        target.paste("navy", (100 + group, 100, 600, 800))
        for response in range(responses):
            code = _CHART.format(n=1 + group * responses + response)
            found.append(RewardRequest(f"```python\n{code}```", target, language="python"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=160, help="requests of each kind (default 160)")
    parser.add_argument("--responses", type=int, default=8, help="responses to a target (default 8)")
    parser.add_argument("--trainer", action="store_true", help="measure a trainer's process too, which takes longer")
    args = parser.parse_args()
    requests = requests_of(args.requests, args.responses)
    with VisualReward(Instant(), keep_renders="none") as reward:
        reward.score(requests[:8])
        before, started = time.process_time(), time.perf_counter()
        results = reward.score(requests)
        cpu, wall = time.process_time() - before, time.perf_counter() - started
        assert all(result.execution for result in results), results[0]
        print(f"process that scores: {cpu * 1000 / len(results):.2f} CPU ms a response ({len(results) / wall:.1f}/s)")
    if args.trainer:
        node = NodeReward({"encoder": "embedded"})
        node.render("<svg/>", "svg")  # so that it is up
        before = time.process_time()
        results = [result for _, result in node.stream(requests)]
        print(f"trainer: {(time.process_time() - before) * 1000 / len(results):.2f} CPU ms a response")
        node.close()


if __name__ == "__main__":
    main()
