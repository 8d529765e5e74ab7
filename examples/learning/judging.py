"""What answers earn under both presets, and what a metric says of them that no preset contains."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from PIL import Image

from learning.scenes import DRAWN, MOSAIC, PROMPT, SLOTS, Scene, answer, expand, scene_of, split
from vincicoder import RewardRequest, VisualReward, align
from vincicoder.evaluation.metrics import ems, ssim
from vincicoder.fidelity.hacks import hacks
from vincicoder.reward.combine import rewarded
from vincicoder.reward.config import ScoringConfig
from vincicoder.status import Fault

RENDERER_OPTIONS = {"svg": {"longest_side": 128}}
"""Images this small do for one shape, and are rendered in half the time."""


class Mark(NamedTuple):
    """What an answer is worth, each in [0, 1].

    Attributes:
        paper: The reward under the preset ``paper``.
        robust: The reward under the preset ``robust``.
        ssim: UniSVG's structural similarity, which is in neither of them; 0 without an image.
    """

    paper: float
    robust: float
    ssim: float


class Judge:
    """Score answers to scenes. The same answer to the same scene earns the same, so it is scored only once.

    Args:
        memory: File that keeps the marks, for later runs too.
        workers: Processes that render; None for one a CPU.
    """

    def __init__(self, memory: Path, workers: int | None = None) -> None:
        # Everything that `paper` needs is measured for `robust` as well, so one pass serves both.
        self._reward = VisualReward(
            preset="robust", encoder="embedded", renderer_options=RENDERER_OPTIONS, workers=workers
        )
        self._memory = memory
        self._marks: dict[str, Mark] = {}
        self._images: dict[Scene, Image.Image] = {}
        self._mosaics: dict[Scene, str] = {}
        if memory.exists():
            for line in memory.read_text().splitlines():
                key, values = json.loads(line)
                self._marks[key] = Mark(*values)

    def close(self) -> None:
        """End the workers."""
        self._reward.close()

    def images(self, scenes: Sequence[Scene]) -> list[Image.Image]:
        """Return what scenes look like."""
        new = [scene for scene in dict.fromkeys(scenes) if scene not in self._images]
        found = zip(new, self.renders([answer(scene) for scene in new], new), strict=True)
        self._images |= {scene: image for scene, image in found if image is not None}
        return [self._images[scene] for scene in scenes]

    def renders(self, responses: Sequence[str], shown: Sequence[Scene]) -> list[Image.Image | None]:
        """Render responses in the sandbox; None where one gives no image.

        Args:
            responses: What a policy said.
            shown: The scene that it was shown, of each.
        """
        codes = [align(self.said(*each), prompt=PROMPT).code for each in zip(responses, shown, strict=True)]
        with ThreadPoolExecutor(4) as threads:
            return list(threads.map(self._render, codes))

    def marks(self, responses: Sequence[str], shown: Sequence[Scene], targets: Sequence[Scene]) -> list[Mark]:
        """Return what each response is worth.

        Args:
            responses: What a policy said.
            shown: The scene that it was shown, of each.
            targets: The scene that it is compared with, of each.

        Raises:
            RuntimeError: The machine failed to score one.
        """
        triples = list(zip(responses, shown, targets, strict=True))
        keys = [_key(*each) for each in triples]
        new = {key: each for key, each in zip(keys, triples, strict=True) if key not in self._marks}
        with self._memory.open("a") as memory:
            for key, mark in zip(new, self._score(list(new.values())), strict=True):
                self._marks[key] = mark
                memory.write(json.dumps([key, mark]) + "\n")
        return [self._marks[key] for key in keys]

    def said(self, response: str, shown: Scene) -> str:
        """Return what is judged of a response.

        Args:
            response: What a policy said.
            shown: The scene that it was shown.
        """
        if expand(response, "") == response:
            return response
        if shown not in self._mosaics:
            [image] = self.images([shown])
            self._mosaics[shown] = hacks("svg", image, PROMPT, None, None)["mosaic-16x12"]
        return expand(response, self._mosaics[shown])

    def _score(self, triples: Sequence[tuple[str, Scene, Scene]]) -> Iterable[Mark]:
        targets = self.images([target for *_, target in triples])
        requests = [
            RewardRequest(self.said(response, shown), image, PROMPT, "svg", reference=_code(target))
            for (response, shown, target), image in zip(triples, targets, strict=True)
        ]
        for result, image in zip(self._reward.score(requests), targets, strict=True):
            if result.status.fault in (Fault.DATA, Fault.MACHINE):
                raise RuntimeError(f"an answer could not be scored: {result.message}")
            render = result.render
            alike = 0.0 if render is None else ssim.METRIC.measure(target=image, render=render)["ssim"]
            paper = rewarded(result, ScoringConfig(preset="paper")).overall
            yield Mark(paper, result.overall, alike)

    def _render(self, code: str | None) -> Image.Image | None:
        return None if code is None else self._reward.render(code, "svg").image


def worth(judge: Judge) -> dict[str, Mark]:
    """Return what kinds of answers to held-out scenes are worth, by kind: the means over scenes and wrong words."""
    _, scenes = split()
    kinds: dict[str, list[tuple[str, Scene]]] = {"no mistake": [(answer(scene), scene) for scene in scenes]}
    for place, name in enumerate(DRAWN):
        kinds[f"another {name}"] = [
            (answer((*scene[:place], word, *scene[place + 1 :])), scene)
            for scene in scenes
            for word in range(len(SLOTS[name]))
            if word != scene[place]
        ]
    kinds["any answer that draws"] = [(answer(other), scene) for scene in scenes for other in scenes]
    kinds["a mosaic"] = [(MOSAIC, scene) for scene in scenes]
    found = {}
    for name, answers in kinds.items():
        responses, targets = zip(*answers, strict=True)
        marks = judge.marks(responses, targets, targets)
        found[name] = Mark(*(fmean(column) for column in zip(*marks, strict=True)))
    return found


def ink_moved(target: Image.Image, render: Image.Image | None) -> float:
    """Return Image2Struct's earth mover's similarity, 1 for equal images; 0 without an image."""
    return 0.0 if render is None else float(ems.METRIC.measure(target, render, ems.prepare(target))["ems"])


def _code(scene: Scene) -> str | None:
    return align(answer(scene), prompt=PROMPT).code


def _key(response: str, shown: Scene, target: Scene) -> str:
    """Name an answer and its target; answers that differ only in how they begin are the same."""
    scene = scene_of(response)
    said: object = scene if scene is not None else response
    if expand(response, "") != response:
        said = ("mosaic", shown)
    return json.dumps([said, target])
