"""Trains with TRL's real trainer on CPU and compares what it logged with the reward; a program of ``test_trl.py``."""

from __future__ import annotations

import sys
from pathlib import Path

from taught_vlm import PROMPT, TARGET

from vincicoder import CompletionReward, RewardRequest, VisualReward


class Recorded(CompletionReward):
    """Remembers what it was called with, so that the test can score it again."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.calls = []

    def __call__(self, completions, prompts=None, **columns):
        scores = super().__call__(completions, prompts, **columns)
        self.calls.append((completions, columns, scores))
        return scores


def close(first: float, second: float) -> bool:
    return abs(first - second) < 1e-5


def main(directory: Path, policy: Path) -> None:
    from datasets import Dataset
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from trl import GRPOConfig, GRPOTrainer

    question = [{"role": "user", "content": PROMPT}]
    rows = Dataset.from_list([{"prompt": question, "image": TARGET, "language": "svg"}] * 8)
    rewards = [Recorded(name, encoder="embedded", workers=1) for name in ("overall", "visual")]
    options = GRPOConfig(
        output_dir=str(directory / "out"),
        per_device_train_batch_size=4,
        num_generations=4,
        max_completion_length=64,
        max_steps=2,
        logging_steps=1,
        report_to=[],
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        reward_weights=[1.0, 0.0],
        save_strategy="no",
    )
    trainer = GRPOTrainer(
        model=AutoModelForImageTextToText.from_pretrained(policy),
        reward_funcs=rewards,
        args=options,
        train_dataset=rows,
        processing_class=AutoProcessor.from_pretrained(policy),
    )
    trainer.train()
    logs = [log for log in trainer.state.log_history if "reward" in log]
    assert len(logs) == len(rewards[0].calls) == 2
    with VisualReward("embedded", workers=1) as reward:
        for log, (completions, columns, scores) in zip(logs, rewards[0].calls, strict=True):
            assert columns["image"][0].size == TARGET.size
            requests = [RewardRequest(each[0]["content"], TARGET, language="svg") for each in completions]
            again = [result.overall for result in reward.score(requests)]
            assert max(again) > 0.5
            assert all(map(close, scores, again))
            assert close(log["rewards/vincicoder/mean"], sum(again) / 4)
            if "log_metric" in columns:  # TRL 1 and later
                assert close(log["vincicoder/overall"], sum(again) / 4)
            assert 0 < log["rewards/vincicoder_visual/mean"] < log["rewards/vincicoder/mean"]
    print(f"{len(logs)} steps agree")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
