"""What answers to held-out scenes are worth, by the reward and by measures that it does not contain."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from experiments import drawn
from PIL import Image

from beyond.scenes import CLOSING, DRAW, SIDE, Scene, answer, hits
from vincicoder import RewardRequest, VisualReward
from vincicoder.evaluation.metrics import ems, ssim
from vincicoder.status import Fault

REWARD = {"preset": "paper", "encoder": "embedded", "renderer_options": {"svg": {"longest_side": SIDE}}}
"""Options of the reward that teaches and of the one that judges; images this small do for six shapes."""


def code_of(scene: Scene) -> str:
    """Return the code that draws a scene."""
    return answer(scene).partition("\n")[2].removesuffix(CLOSING) + "</svg>"


def images_of(scenes: Sequence[Scene]) -> list[Image.Image]:
    """Return what scenes look like."""
    return drawn(map(code_of, scenes), SIDE)


class Judge:
    """Judge answers to held-out scenes.

    Args:
        scenes: The scenes.
        workers: Processes that render.
    """

    def __init__(self, scenes: Sequence[Scene], workers: int = 1) -> None:
        self.scenes = list(scenes)
        self.images = images_of(scenes)
        self._reward = VisualReward(**REWARD, workers=workers)

    def close(self) -> None:
        """End the workers."""
        self._reward.close()

    def measured(
        self, responses: Sequence[str], moved: bool = False
    ) -> tuple[dict[str, float], list[Image.Image | None]]:
        """Return means over the responses, one to each scene, and their renders.

        ``reward``, ``ssim`` and the shares of `Hits` are in [0, 1], ``ems`` is 1 at most. An answer without an image
        has 0 of each.

        Args:
            responses: What was said of each scene.
            moved: Whether ``ems`` is measured too, which takes longer than all the rest.

        Raises:
            RuntimeError: The machine failed to score one.
        """
        asked = zip(responses, self.images, self.scenes, strict=True)
        results = self._reward.score([RewardRequest(*each, DRAW, "svg") for *each, _ in asked])
        rows = []
        for response, result, image, scene in zip(responses, results, self.images, self.scenes, strict=True):
            if result.status.fault in (Fault.DATA, Fault.MACHINE):
                raise RuntimeError(f"an answer could not be scored: {result.message}")
            render = result.render
            row = {"reward": result.overall, "ssim": 0.0, **hits(response, scene)._asdict()}
            if moved:
                row["ems"] = 0.0 if render is None else _moved(image, render)
            if render is not None:
                row["ssim"] = float(ssim.METRIC.measure(target=image, render=render)["ssim"])
            rows.append(row)
        return {name: fmean(row[name] for row in rows) for name in rows[0]}, [each.render for each in results]


def _moved(target: Image.Image, render: Image.Image) -> float:
    return float(ems.METRIC.measure(target, render, ems.prepare(target))["ems"])
