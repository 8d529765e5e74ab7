"""The stages of a run. What is finished is kept with its log, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from experiments import kept
from transformers import LlavaProcessor

from miniature import reinforced, supervised
from miniature.judging import Judge, images_of
from miniature.model import load, make_processor
from miniature.scenes import DRAW, Scene, scenes
from miniature.settings import Settings

Result = dict[str, Any]


class Experiment:
    """Runs with the same settings, data and judge, in one directory.

    Args:
        out: The directory.
        settings: See `Settings`.
        workers: Processes that render; None for one a CPU.
    """

    def __init__(self, out: Path, settings: Settings, workers: int | None = None) -> None:
        torch.set_num_threads(1)  # the renderers want the other CPUs
        transformers.logging.set_verbosity_error()
        self._out = out
        self._settings = settings
        self._workers = workers
        self.held_out, self.lessons, self.practice = split(settings)
        self._direct = supervised.direct_rows(self.lessons)
        self._refinement = supervised.refinement_rows(self.lessons, settings.refinement, seed=0)
        self.processor = _processor([*self._direct, *self._refinement])
        self._judge = Judge(self.held_out, settings.limit, workers)

    def close(self) -> None:
        """End the workers."""
        self._judge.close()

    def results(self, arm: str, seed: int) -> list[Result]:
        """Return the results of an arm's stages, and run those that are missing.

        Args:
            arm: One of ``ARMS``.
            seed: Of the weights, of the order of the data, and of what the model says while it practises.

        Raises:
            ValueError: The directory has a result of other settings.
        """
        direct = arm.endswith("-direct")
        first = "sft-direct" if direct else "sft"
        found = [self._kept(first, seed, lambda directory: self._supervised(directory, seed, direct))]
        if arm != "sft":
            start = Path(self._out / found[0]["checkpoint"])
            preset = arm.removesuffix("-direct")
            found.append(self._kept(arm, seed, lambda directory: self._reinforced(directory, seed, preset, start)))
        return found

    def _supervised(self, directory: Path, seed: int, direct: bool) -> Path:
        rows = self._direct if direct else [*self._direct, *self._refinement]
        return supervised.train(rows, images_of(self.lessons), self.processor, directory, seed, self._settings)

    def _reinforced(self, directory: Path, seed: int, preset: str, start: Path) -> Path:
        return reinforced.train(start, preset, self.practice, directory, seed, self._settings, self._workers)

    def _kept(self, stage: str, seed: int, train: Callable[[Path], Path]) -> Result:
        """Return a stage's result from the directory, or run the stage and leave it there."""
        name = f"{stage}-seed{seed}"
        path = self._out / "results" / f"{name}.json"
        settings = self._settings.of(supervised=stage.startswith("sft"))

        def make() -> Result:
            directory = self._out / name
            shutil.rmtree(directory, ignore_errors=True)  # what was not finished is begun anew
            wall, cpu = time.perf_counter(), time.process_time()
            checkpoint = train(directory)
            trained = time.perf_counter()
            judged = self._judge.judge(*load(checkpoint))
            return {
                "stage": stage,
                "seed": seed,
                "settings": settings,
                "checkpoint": str(checkpoint.relative_to(self._out)),
                "judged": judged,
                "seconds": round(trained - wall, 1),
                "judging_seconds": round(time.perf_counter() - trained, 1),
                "cpu_seconds": round(time.process_time() - cpu, 1),  # without those of the renderers
            }

        return kept(path, settings, make)


def split(settings: Settings) -> tuple[list[Scene], list[Scene], list[Scene]]:
    """Return the held-out scenes, those of the supervised stage and those to practise on; no scene is in two of them.

    Example:
        >>> held_out, lessons, practice = split(Settings())
        >>> len(set(held_out) | set(lessons) | set(practice)) == len(held_out) + len(lessons) + len(practice)
        True
    """
    held_out = scenes(settings.held_out, seed=1)
    lessons = scenes(settings.scenes, seed=2, but=frozenset(held_out))
    return held_out, lessons, scenes(settings.practice, seed=3, but=frozenset([*held_out, *lessons]))


def _processor(rows: list[supervised.Row]) -> LlavaProcessor:
    return make_processor([DRAW, *(text for row in rows for text in (row.prompt, row.response))])
