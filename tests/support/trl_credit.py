"""Trains with TRL's real trainer and process credit on CPU, and recomputes what it logged; a program of ``test_trl.py``."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from statistics import fmean

import torch
from taught_vlm import PROMPT, TARGET
from trl_on_cpu import on_cpu

from vincicoder import CompletionReward, RewardRequest, RewardResult, VisualReward
from vincicoder.errors import ConfigError
from vincicoder.trainers.process_credit import ProcessCredit

WEIGHT, DISCOUNT = 3.0, 0.8


def trained(directory: Path, policy: Path, weight: float, prefixes: int = 20):
    """Train a step and return the trainer, which remembers what it learned from and what TRL alone would have."""
    from datasets import Dataset
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from trl import GRPOTrainer

    class Plain(GRPOTrainer):
        def _generate_and_score_completions(self, inputs):
            batch = super()._generate_and_score_completions(inputs)
            self.outcomes = batch["advantages"].clone()
            return batch

    class Trainer(ProcessCredit, Plain):
        def _generate_and_score_completions(self, inputs):
            self.batch = super()._generate_and_score_completions(inputs)
            return self.batch

    options = on_cpu(directory, 4, max_completion_length=64, max_steps=1)
    question = [{"role": "user", "content": PROMPT}]
    trainer = Trainer(
        model=AutoModelForImageTextToText.from_pretrained(policy),
        reward_funcs=[CompletionReward(encoder="embedded", workers=1, prefixes=prefixes)],
        args=options,
        train_dataset=Dataset.from_list([{"prompt": question, "image": TARGET, "language": "svg"}] * 8),
        processing_class=AutoProcessor.from_pretrained(policy),
        process_weight=weight,
        process_discount=DISCOUNT,
    )
    trainer.train()
    return trainer


def by_the_formula(texts: list[str], results: list[RewardResult], tokenizer, like: torch.Tensor) -> torch.Tensor:
    """Return what the paper's formula adds to each token."""
    expected = torch.zeros_like(like)
    for row, text, result in zip(expected, texts, results, strict=True):
        stops = [stop for _, stop in tokenizer(text, return_offsets_mapping=True)["offset_mapping"]]
        start = text.rfind(result.code) if result.code else 0
        for before, after in itertools.pairwise(result.prefixes):
            end = next(place for place, stop in enumerate(stops) if stop >= start + after.end)
            for token in range(end + 1):
                row[token] += WEIGHT * DISCOUNT ** (end - token) * (after.overall - before.overall)
    return expected


def main(directory: Path, policy: Path) -> None:
    trainer = trained(directory, policy, WEIGHT)
    [log] = [log for log in trainer.state.log_history if "reward" in log]
    tokenizer = trainer.processing_class.tokenizer
    mask, added = trainer.batch["completion_mask"], trainer.batch["advantages"] - trainer.outcomes.unsqueeze(1)
    assert added.shape == mask.shape
    texts = tokenizer.batch_decode(trainer.batch["completion_ids"], skip_special_tokens=True)
    with VisualReward("embedded", workers=1, prefixes=20) as reward:
        results = reward.score([RewardRequest(text, TARGET, language="svg") for text in texts])
    expected = by_the_formula(texts, results, tokenizer, added)
    assert torch.allclose(added, expected, atol=1e-5)
    assert added.abs().max() > 0.1
    assert abs(log["vincicoder/process_credit"] - expected[mask.bool()].mean().item()) < 1e-5
    assert abs(log["vincicoder/process_share"] - fmean(bool(result.prefixes) for result in results)) < 1e-6
    plain = trained(directory, policy, 0.0)
    assert torch.equal(plain.batch["advantages"], plain.outcomes)
    try:
        trained(directory, policy, 1.0, prefixes=0)
    except ConfigError as error:
        assert "prefixes=20" in str(error)
        print("credit agrees")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
