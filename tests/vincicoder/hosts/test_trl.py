"""The reward function inside TRL's real trainer, on CPU."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from vincicoder import CompletionReward, RewardRequest, VisualReward

pytest.importorskip("trl")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))

PROMPT = "Draw this picture as SVG."


def answer(shape: str) -> str:
    return f'```svg\n<svg width="64" height="64">{shape}</svg>\n```'


ANSWERS = [answer('<circle r="30" fill="red"/>'), answer('<rect width="9" height="30"/>')]


@pytest.fixture(scope="module")
def target() -> Image.Image:
    return Image.new("RGB", (64, 64), "red")


@pytest.fixture(scope="module")
def policy(tmp_path_factory, target) -> Path:
    from taught_vlm import teach
    from tiny_vlm import make_tiny_vlm

    folder = make_tiny_vlm(tmp_path_factory.mktemp("model"))
    teach(folder, target, PROMPT, ANSWERS)
    return folder


class Recorded(CompletionReward):
    """Remembers what it was called with, so that the test can score it again."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.calls = []

    def __call__(self, completions, prompts=None, **columns):
        scores = super().__call__(completions, prompts, **columns)
        self.calls.append((completions, columns, scores))
        return scores


def test_grpo_trainer_learns_from_messages_and_pictures(policy, target, tmp_path):
    from datasets import Dataset
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from trl import GRPOConfig, GRPOTrainer

    question = [{"role": "user", "content": PROMPT}]
    rows = Dataset.from_list([{"prompt": question, "image": target, "language": "svg"}] * 8)
    rewards = [Recorded(name, encoder="embedded", workers=1) for name in ("overall", "visual")]
    options = GRPOConfig(
        output_dir=str(tmp_path),
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
            assert columns["image"][0].size == target.size
            requests = [RewardRequest(each[0]["content"], target, language="svg") for each in completions]
            again = [result.overall for result in reward.score(requests)]
            assert max(again) > 0.5
            assert scores == pytest.approx(again, abs=1e-6)
            assert log["rewards/vincicoder/mean"] == pytest.approx(sum(again) / 4, abs=1e-5)
            if "log_metric" in columns:  # TRL 1 and later
                assert log["vincicoder/overall"] == pytest.approx(sum(again) / 4, abs=1e-5)
            assert 0 < log["rewards/vincicoder_visual/mean"] < log["rewards/vincicoder/mean"]
