"""One run: GRPO with TRL's trainer, watched on held-out scenes."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import torch
import transformers
from datasets import Dataset
from experiments import ON_CPU
from tqdm import tqdm
from transformers import LlavaProcessor, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from learning.judging import Judge, ink_moved
from learning.policy import RESPONSE_TOKENS, Policy, make_policy, make_processor, respond
from learning.scenes import DRAWN, MOSAIC, PROMPT, Scene, scene_of, split
from vincicoder.trainers import text_of

Rewards = Callable[..., list[float]]


@dataclass(frozen=True)
class Settings:
    """What runs must share to be compared.

    Attributes:
        steps: Updates of the policy, each from 8 responses to each of 8 images.
        every: Steps from one evaluation to the next.
    """

    steps: int
    every: int


def run(arm: str, seed: int, settings: Settings, judge: Judge) -> dict[str, Any]:
    """Train one policy and return everything there is to say about it, ready for JSON.

    Args:
        arm: How it is taught, one of ``ARMS``.
        seed: Of its weights, of the order of the scenes, and of what it says.
        settings: See `Settings`.
        judge: What scores its answers.
    """
    started = time.perf_counter()
    training, held_out = split()
    random.Random(seed).shuffle(training)
    # A list in random order, moved on by one: everyone gets the target of someone else.
    targets = training[1:] + training[:1] if arm == "shuffled" else training
    question = [{"role": "user", "content": PROMPT}]
    rows = [
        {"prompt": question, "image": image, "shown": shown, "target": target}
        for image, shown, target in zip(judge.images(training), training, targets, strict=True)
    ]
    torch.set_num_threads(1)  # the renderers want the other CPUs
    transformers.logging.set_verbosity_error()
    policy, processor = make_policy(seed, mosaics=arm != "paper-drawing"), make_processor()
    watch = _Watch(f"seed {seed}, {arm}", policy, processor, judge, held_out * (64 // len(held_out)), settings)
    with tempfile.TemporaryDirectory() as directory:
        trainer = GRPOTrainer(
            model=policy,
            reward_funcs=_reward(arm, judge),
            args=_config(seed, settings, directory),
            train_dataset=Dataset.from_list(rows),
            processing_class=processor,
            callbacks=[watch],
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    likeliest = respond(policy, processor, judge.images(held_out), sample=False)
    renders = judge.renders(likeliest, held_out)
    return {
        "arm": arm,
        "seed": seed,
        "settings": asdict(settings),
        "training_scenes": training,
        "held_out_scenes": held_out,
        "evaluations": watch.evaluations,
        "training_rewards": [(log["step"], log["reward"]) for log in trainer.state.log_history if "reward" in log],
        "log_history": trainer.state.log_history,
        "likeliest_responses": likeliest,
        "likeliest": {
            **measured(judge, likeliest, held_out),
            "ems": fmean(map(ink_moved, judge.images(held_out), renders)),
        },
        "seconds": round(time.perf_counter() - started, 1),
    }


def measured(judge: Judge, responses: Sequence[str], scenes: Sequence[Scene]) -> dict[str, float]:
    """Return means over responses: marks, the share of mosaics, and for each slot the share of right words.

    An answer that draws no scene has no right word.
    """
    marks = judge.marks(responses, scenes, scenes)
    drawn = [scene_of(response) for response in responses]
    found = {name: fmean(getattr(mark, name) for mark in marks) for name in ("paper", "robust", "ssim")}
    found["mosaics"] = fmean(response.startswith(MOSAIC) for response in responses)
    for place, name in enumerate(DRAWN):
        found[name] = fmean(
            said is not None and said[place] == wanted[place] for said, wanted in zip(drawn, scenes, strict=True)
        )
    return {**found, "all words": fmean(said == tuple(wanted) for said, wanted in zip(drawn, scenes, strict=True))}


def _config(seed: int, settings: Settings, directory: str) -> GRPOConfig:
    return GRPOConfig(
        output_dir=directory,
        seed=seed,
        max_steps=settings.steps,
        per_device_train_batch_size=64,
        num_generations=8,
        max_completion_length=RESPONSE_TOKENS,
        learning_rate=1e-3,
        adam_beta2=0.99,
        logging_steps=settings.every,
        save_strategy="no",
        **ON_CPU,
    )


def _reward(arm: str, judge: Judge) -> Rewards:
    """Return the reward function of an arm, as TRL calls it."""
    preset = "paper" if arm.startswith("paper") else "robust"

    def reward(completions: Sequence[Any], **columns: Any) -> list[float]:
        scenes = ([tuple(scene) for scene in columns[name]] for name in ("shown", "target"))
        marks = judge.marks([text_of(each) or "" for each in completions], *scenes)
        return [float(getattr(mark, preset)) for mark in marks]

    return reward


class _Watch(TrainerCallback):
    """Let the policy answer held-out images now and then, scored against these very images in every arm."""

    def __init__(
        self,
        title: str,
        policy: Policy,
        processor: LlavaProcessor,
        judge: Judge,
        scenes: Sequence[Scene],
        settings: Settings,
    ) -> None:
        self.evaluations: list[dict[str, Any]] = []
        self._policy = policy
        self._processor = processor
        self._judge = judge
        self._scenes = list(scenes)
        self._every = settings.every
        self._bar = tqdm(total=settings.steps, desc=title, unit="step")

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self._evaluate(0)

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self._bar.update()
        if state.global_step % self._every == 0:
            self._evaluate(state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self._bar.close()

    def _evaluate(self, step: int) -> None:
        responses = respond(self._policy, self._processor, self._judge.images(self._scenes))
        found = measured(self._judge, responses, self._scenes)
        self.evaluations.append({"step": step, **found, "responses": responses})
        self._bar.set_postfix({name: f"{found[name]:.2f}" for name in ("paper", "robust", "ssim", "mosaics")})
