"""Trains with TRL's real trainer and the tool ``render`` on CPU, and recomputes what it logged; a program of
``test_trl_turns.py``."""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import fmean

from taught_turns import called_turns, make_taught_turns
from taught_vlm import PROMPT, TARGET
from trl_on_cpu import on_cpu

from vincicoder import CompletionReward, RewardRequest, VisualReward
from vincicoder.trainers.turns import answers_in

NOISE = 0.005


class Recorded(CompletionReward):
    """Remembers what it was called with."""

    def __call__(self, completions, prompts=None, **columns):
        scores = super().__call__(completions, prompts, **columns)
        self.called = completions, scores
        return scores


def trained(directory: Path, reward: Recorded):
    """Train a step of a policy that calls the tool, and return the trainer, which remembers its batch."""
    from datasets import Dataset
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from trl import GRPOTrainer
    from trl.chat_template_utils import qwen3_vl_chat_template

    class Trainer(GRPOTrainer):
        def _generate_and_score_completions(self, inputs):
            self.batch = super()._generate_and_score_completions(inputs)
            return self.batch

    tools = [reward.environment().render]
    turns = called_turns(language=False)  # the environment knows it
    policy = make_taught_turns(directory / "policy", "qwen3_vl", turns, qwen3_vl_chat_template, tools)
    options = on_cpu(
        directory, 8, max_completion_length=600, max_tool_calling_iterations=1, temperature=0.8, max_steps=1
    )
    question = [{"role": "user", "content": PROMPT}]
    trainer = Trainer(
        model=AutoModelForImageTextToText.from_pretrained(policy),
        reward_funcs=[reward],
        args=options,
        train_dataset=Dataset.from_list([{"prompt": question, "image": TARGET, "language": "svg"}] * 8),
        processing_class=AutoProcessor.from_pretrained(policy),
        environment_factory=reward.environment,
    )
    trainer.train()
    return trainer


def main(directory: Path) -> None:
    reward = Recorded(encoder="embedded", workers=1, turns=2, wall_seconds=240)
    trainer = trained(directory, reward)
    completions, scores = reward.called
    turns = [answers_in(each, "svg") for each in completions]
    two = [each for each in turns if len(each) == 2]
    print(f"{len(two)} of {len(turns)} took two turns")
    assert two
    with VisualReward("embedded", workers=1, wall_seconds=240) as again:
        rewards = [
            [result.overall for result in again.score([RewardRequest(text, TARGET, PROMPT, "svg") for text in each])]
            for each in turns
        ]
    earned = [each[-1] if len(each) < 2 or each[-2] - each[-1] <= NOISE else 0.0 for each in rewards]
    assert all(abs(one - other) < 1e-5 for one, other in zip(scores, earned, strict=True)), (scores, earned)
    assert max(earned) > 0.5
    [log] = [log for log in trainer.state.log_history if "reward" in log]
    assert abs(log["rewards/vincicoder/mean"] - fmean(earned)) < 1e-5
    assert abs(log["vincicoder/turn/first"] - fmean(each[0] for each in rewards)) < 1e-5
    assert abs(log["vincicoder/turn/2/share"] - len(two) / len(turns)) < 1e-6

    # What the tool said is in the model's context, its image too, and nothing of it is learned.
    said = [message for each in completions for message in each if message["role"] == "tool"]
    assert len(said) >= len(two)
    images = sum(part["type"] == "image" for message in said for part in message["content"])
    assert images > 0
    grid = trainer.batch["image_grid_thw"]
    assert len(grid) == len(turns) + images, "each render is an image of the batch, beside the target of each row"
    mask = trainer.batch["completion_mask"] * trainer.batch["tool_mask"]
    for row, taken in zip(mask.tolist(), turns, strict=True):
        stretches = sum(here and not before for here, before in zip(row, [0, *row], strict=False))
        assert stretches == len(taken), "the tokens that the model wrote itself, turn by turn"
    print("turns agree")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
