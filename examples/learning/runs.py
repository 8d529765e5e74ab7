"""One run: GRPO with TRL's trainer, watched on held-out scenes."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
import transformers
from datasets import Dataset
from PIL import Image
from tqdm import tqdm
from transformers import LlavaProcessor, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from learning.policy import RESPONSE_TOKENS, Policy, make_policy, make_processor, respond
from learning.scenes import PROMPT, answer, split
from vincicoder import CompletionReward, RenderPool, align

# Images this small do for one shape, and are rendered in half the time.
RENDERER_OPTIONS = {"svg": {"longest_side": 128}}

Rewards = Callable[..., list[float | None]]


@dataclass(frozen=True)
class Settings:
    """What runs must share to be compared.

    Attributes:
        steps: Updates of the policy, each from 8 responses to each of 8 images.
        every: Steps from one evaluation to the next.
        quick: Whether half of the held-out scenes are enough.
    """

    steps: int
    every: int
    quick: bool


def make_reward() -> CompletionReward:
    """Return the reward that this is all about."""
    return CompletionReward(encoder="embedded", faults="mean", keep_renders=False, renderer_options=RENDERER_OPTIONS)


def render(responses: Sequence[str]) -> list[Image.Image | None]:
    """Render responses in the sandbox; None where one gives no image."""
    with RenderPool(renderer_options=RENDERER_OPTIONS) as pool:
        codes = [align(response, prompt=PROMPT).code for response in responses]
        futures = [pool.submit(code, "svg") if code is not None else None for code in codes]
        return [future.result().image if future is not None else None for future in futures]


def run(arm: str, seed: int, settings: Settings) -> dict[str, Any]:
    """Train one policy and return everything there is to say about it, ready for JSON."""
    started = time.perf_counter()
    training, held_out = split(settings.quick)
    random.Random(seed).shuffle(training)
    targets = render([answer(scene) for scene in training + held_out])
    seen, unseen = targets[: len(training)], targets[len(training) :]
    # A list in random order, moved on by one: everyone gets the target of someone else.
    rewarded = seen[1:] + seen[:1] if arm == "shuffled" else seen
    question = [{"role": "user", "content": PROMPT}]
    rows = [{"prompt": question, "image": shown, "target": other} for shown, other in zip(seen, rewarded, strict=True)]

    torch.set_num_threads(1)  # the renderers want the other CPUs
    transformers.logging.set_verbosity_error()
    policy, processor, reward = make_policy(seed), make_processor(), make_reward()
    watch = _Watch(f"seed {seed}, {arm}", policy, processor, reward, unseen * (64 // len(unseen)), settings)
    with tempfile.TemporaryDirectory() as directory:
        trainer = GRPOTrainer(
            model=policy,
            reward_funcs=reward if arm != "random" else _by_chance(seed),
            args=_config(seed, settings, directory),
            train_dataset=Dataset.from_list(rows),
            processing_class=processor,
            callbacks=[watch],
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    return {
        "arm": arm,
        "seed": seed,
        "settings": asdict(settings),
        "training_scenes": training,
        "held_out_scenes": held_out * (64 // len(held_out)),
        "evaluations": watch.evaluations,
        "training_rewards": [(log["step"], log["reward"]) for log in trainer.state.log_history if "reward" in log],
        "likeliest_responses": respond(policy, processor, unseen, sample=False),
        "seconds": round(time.perf_counter() - started, 1),
    }


def _config(seed: int, settings: Settings, directory: str) -> GRPOConfig:
    return GRPOConfig(
        output_dir=directory,
        seed=seed,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        max_steps=settings.steps,
        per_device_train_batch_size=64,
        gradient_accumulation_steps=1,
        num_generations=8,
        max_completion_length=RESPONSE_TOKENS,
        top_k=0,
        learning_rate=1e-3,
        lr_scheduler_type="constant",
        weight_decay=0.0,
        adam_beta2=0.99,
        logging_steps=settings.every,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )


def _by_chance(seed: int) -> Rewards:
    chance = random.Random(seed)

    def random_reward(completions: Sequence[Any], **columns: Any) -> list[float | None]:
        return [chance.random() for _ in completions]

    return random_reward


class _Watch(TrainerCallback):
    """Let the policy answer held-out images now and then, scored against these very images in every arm."""

    def __init__(
        self,
        title: str,
        policy: Policy,
        processor: LlavaProcessor,
        reward: CompletionReward,
        images: Sequence[Image.Image],
        settings: Settings,
    ) -> None:
        self.evaluations: list[dict[str, Any]] = []
        self._policy = policy
        self._processor = processor
        self._reward = reward
        self._images = list(images)
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
        responses = respond(self._policy, self._processor, self._images)
        rewards = self._reward(responses, [PROMPT] * len(responses), target=self._images)
        mean = sum(rewards) / len(rewards)
        self.evaluations.append({"step": step, "reward": mean, "rewards": rewards, "responses": responses})
        self._bar.set_postfix(held_out=f"{mean:.3f}")
