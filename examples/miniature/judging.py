"""What models' answers to held-out scenes are worth, by measures that no reward contains and by both presets."""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import fmean

from experiments import drawn
from PIL import Image
from transformers import LlavaForConditionalGeneration, LlavaProcessor

from miniature.model import respond
from miniature.scenes import DRAW, Hits, Scene, code_of, hits
from miniature.supervised import fix
from vincicoder import RewardRequest, RewardResult, VisualReward, align
from vincicoder.evaluation.metrics import ems, ssim
from vincicoder.reward.combine import rewarded
from vincicoder.reward.config import ScoringConfig
from vincicoder.status import Fault

_SIDE = 96
RENDERER_OPTIONS = {"svg": {"longest_side": _SIDE}}
"""Images this small do for two shapes and a word."""


def images_of(scenes: Sequence[Scene]) -> list[Image.Image]:
    """Return what scenes look like."""
    return drawn(map(code_of, scenes), _SIDE)


class Judge:
    """Judge models by their likeliest answers to held-out scenes.

    Args:
        scenes: The held-out scenes.
        limit: Tokens of an answer, at most.
        workers: Processes that render; None for one a CPU.
    """

    def __init__(self, scenes: Sequence[Scene], limit: int, workers: int | None = None) -> None:
        self._scenes = scenes
        self._images = images_of(scenes)
        self._limit = limit
        # Everything that `paper` needs is measured for `robust` as well, so one pass serves both.
        self._reward = VisualReward(
            preset="robust", encoder="embedded", renderer_options=RENDERER_OPTIONS, workers=workers
        )

    def close(self) -> None:
        """End the workers."""
        self._reward.close()

    def judge(self, model: LlavaForConditionalGeneration, processor: LlavaProcessor) -> dict[str, dict[str, float]]:
        """Return what a model's answers are worth, by what it is asked: to draw, or to fix flawed code.

        Args:
            model: The model.
            processor: What it reads and writes by.

        Raises:
            RuntimeError: The machine failed to score an answer.
        """
        rng = random.Random(0)
        asked = {"draw": [DRAW] * len(self._scenes), "fix": [fix(scene, rng) for scene in self._scenes]}
        return {
            name: self.measured(respond(model, processor, each, self._images, self._limit))
            for name, each in asked.items()
        }

    def measured(self, responses: Sequence[str]) -> dict[str, float]:
        """Return means over the responses, one to each scene.

        ``execution``, ``paper``, ``robust``, ``ssim`` and the shares of `Hits` are in [0, 1], ``ems`` is 1 at most. An
        answer without an image has 0 of each.

        Args:
            responses: What was said of each scene.

        Raises:
            RuntimeError: The machine failed to score one.
        """
        requests = [
            RewardRequest(response, image, DRAW, "svg", reference=code_of(scene))
            for response, image, scene in zip(responses, self._images, self._scenes, strict=True)
        ]
        results = self._reward.score(requests)
        rows = [self._row(*each) for each in zip(responses, results, self._images, self._scenes, strict=True)]
        return {name: fmean(row[name] for row in rows) for name in rows[0]}

    def _row(self, response: str, result: RewardResult, target: Image.Image, scene: Scene) -> dict[str, float]:
        if result.status.fault in (Fault.DATA, Fault.MACHINE):
            raise RuntimeError(f"an answer could not be scored: {result.message}")
        drawn = result.render is not None
        found = hits(align(response, prompt=DRAW).code, scene) if drawn else Hits(0.0, 0.0, 0.0, 0.0, 0.0)
        return {
            "execution": float(drawn),
            "paper": rewarded(result, ScoringConfig(preset="paper")).overall,
            "robust": result.overall,
            "ssim": _alike(target, result.render),
            "ems": _moved(target, result.render),
            **found._asdict(),
        }


def _alike(target: Image.Image, render: Image.Image | None) -> float:
    return 0.0 if render is None else float(ssim.METRIC.measure(target=target, render=render)["ssim"])


def _moved(target: Image.Image, render: Image.Image | None) -> float:
    return 0.0 if render is None else float(ems.METRIC.measure(target, render, ems.prepare(target))["ems"])
