"""One run: a policy is warmed up, learns by one arm, and answers held-out scenes now and then."""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import transformers
from miniature.reinforced import Means
from tiny_policy import Policy
from transformers import LlavaProcessor, TrainerCallback

from beyond.judging import Judge
from beyond.policy import make_policy, make_processor, respond, warm_up
from beyond.scenes import AGAIN, DRAW, Scene, scenes, seen
from beyond.settings import ARMS, Settings
from beyond.trainers import make_trainer


def split(settings: Settings) -> tuple[list[Scene], list[Scene], list[Scene]]:
    """Return the held-out scenes, those of the warm-up and those to practise on; no scene is in two of them."""
    held_out = scenes(settings.held_out, seed=4)
    lessons = scenes(settings.lessons, seed=2, but=frozenset(held_out))
    return held_out, lessons, scenes(settings.practice, seed=3, but=frozenset([*held_out, *lessons]))


def run(name: str, seed: int, settings: Settings, judge: Judge, out: Path) -> dict[str, Any]:
    """Train one policy and return everything there is to say about it, ready for JSON.

    All arms of a seed begin with the same policy, which is kept in ``out``.

    Args:
        name: Of the arm.
        seed: Of the weights, of the order of the scenes, and of what the policy says.
        settings: See `Settings`.
        judge: What scores its answers to held-out scenes.
        out: The experiment's directory.
    """
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    _, lessons, practice = split(settings)
    policy, processor = _warmed_up(out, seed, lessons, settings), make_processor()
    started, used = time.perf_counter(), time.process_time()
    watch = _Watch(f"{name}, seed {seed}", policy, processor, judge, settings)
    with tempfile.TemporaryDirectory() as directory:
        trainer = make_trainer(ARMS[name], seed, policy, processor, practice, settings, Path(directory))
        trainer.add_callback(watch)
        trainer.add_callback(Means(trainer))
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    likeliest = watch.answered(sample=False, moved=True)
    return {
        "arm": name,
        "seed": seed,
        "settings": asdict(settings),
        "taught": asdict(ARMS[name]),
        "evaluations": watch.evaluations,
        "likeliest": likeliest,
        "log_history": trainer.state.log_history,
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(time.process_time() - used, 1),  # without those of the renderers
    }


def _warmed_up(out: Path, seed: int, lessons: list[Scene], settings: Settings) -> Policy:
    """Return the policy that all arms of a seed begin with."""
    path = out / f"warm-up-seed{seed}.pt"
    kept = torch.load(path, weights_only=True) if path.exists() else {"settings": None}
    if kept["settings"] != asdict(settings):
        kept = {"settings": asdict(settings), "weights": warm_up(seed, lessons, settings).state_dict()}
        partial = path.with_suffix(".partial")
        torch.save(kept, partial)
        partial.replace(path)
    policy = make_policy(seed)
    policy.load_state_dict(kept["weights"])
    return policy


class _Watch(TrainerCallback):
    """Let the policy answer held-out images now and then, in two turns whatever it is taught by."""

    def __init__(self, title: str, policy: Policy, processor: LlavaProcessor, judge: Judge, settings: Settings) -> None:
        self.evaluations: list[dict[str, Any]] = []
        self._title = title
        self._policy = policy
        self._processor = processor
        self._judge = judge
        self._settings = settings

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Evaluate what all arms of a seed begin with."""
        self._evaluate(0)

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Evaluate if it is time to."""
        if state.global_step % self._settings.every == 0:
            self._evaluate(state.global_step)

    def _evaluate(self, step: int) -> None:
        torch_state = torch.get_rng_state()  # so that what is sampled here changes nothing there
        torch.manual_seed(step)
        turns = self.answered(sample=True, moved=False)
        torch.set_rng_state(torch_state)
        self.evaluations.append({"step": step, "turns": turns})
        print(f"{self._title}, step {step}: reward {turns[0]['reward']:.4f}", flush=True)

    def answered(self, sample: bool, moved: bool) -> list[dict[str, Any]]:
        """Return what both turns' answers are worth, and the answers."""
        targets = self._judge.images
        first = respond(self._policy, self._processor, [seen(target) for target in targets], DRAW, sample)
        found, renders = self._judge.measured(first, moved)
        shown = [seen(*each) for each in zip(targets, renders, strict=True)]
        second = respond(self._policy, self._processor, shown, AGAIN, sample)
        again, _ = self._judge.measured(second, moved)
        return [{**found, "responses": first}, {**again, "responses": second}]
