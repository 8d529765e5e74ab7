"""Trains with TRL's real trainer on CPU and compares what it logged with the reward; a program of ``test_trl.py``.

After the second step it validates on a benchmark, and compares the log with what the benchmark says of the answers.
"""

from __future__ import annotations

import sys
from pathlib import Path

from shown_gallery import assert_gallery_shows
from taught_vlm import PROMPT, TARGET
from tiny_benchmarks import taught_unisvg
from trl_on_cpu import on_cpu

from vincicoder import CompletionReward, RewardRequest, VisualReward, evaluate
from vincicoder.cli.requests_file import RequestsFile
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.export import export
from vincicoder.runs import read_log
from vincicoder.trainers import add_means


class Recorded(CompletionReward):
    """Remembers what it was called with, so that the test can score it again."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.calls = []

    def __call__(self, completions, prompts=None, **columns):
        scores = super().__call__(completions, prompts, **columns)
        self.calls.append((completions, columns, scores))
        return scores


def validation_rows(directory: Path):
    """Return the exported benchmark as a data set for TRL."""
    from datasets import Dataset, Image

    benchmark = BENCHMARKS.get("unisvg")
    taught_unisvg(directory / "unisvg")
    export(benchmark, benchmark.load(directory / "unisvg"), "swift", directory / "unisvg.parquet")
    rows = Dataset.from_parquet(str(directory / "unisvg.parquet"), cache_dir=str(directory / "cache"))
    return rows.map(prompted, remove_columns=["messages", "record"]).cast_column("images", [Image()])


def prompted(row: dict) -> dict:
    """Return TRL's prompt for a row: the image's place is TRL's own affair."""
    return {"prompt": [{"role": "user", "content": row["messages"][0]["content"].removeprefix("<image>")}]}


def add_log(trainer) -> None:
    """Bring our metrics into the log, which TRL itself does from its first release on."""
    import trl
    from packaging.version import Version
    from transformers import TrainerCallback

    class Log(TrainerCallback):
        def on_step_end(self, *args, **state):
            add_means(trainer, "train")

        def on_prediction_step(self, *args, **state):
            add_means(trainer, "eval")

    if Version(trl.__version__) < Version("1"):
        trainer.add_callback(Log())


def close(first: float, second: float) -> bool:
    return abs(first - second) < 1e-5


def assert_validation_agrees(directory: Path, history: list[dict]) -> None:
    """Compare what the validation logged with what the benchmark says of the answers that were kept."""
    [log] = [log for log in history if "eval_reward" in log]
    answers = directory / "validation" / "unisvg" / "step-2.jsonl"
    columns = evaluate("unisvg", answers, directory / "unisvg", workers=1).columns
    assert columns["execution"] > 0
    for name, value in columns.items():
        assert close(log[f"eval_vincicoder/benchmark/unisvg/{name}"], value)


def assert_scored_again(directory: Path, data: Path, count: int) -> None:
    """Read TRL's own tables of completions as `vincicoder score` does, and compare with what was earned."""
    read = list(RequestsFile(directory, data=[str(data)]))
    assert len(read) == count
    assert not any(row.problem for row in read), read[0].problem
    with VisualReward("embedded", workers=1) as reward:
        results = reward.score([row.request for row in read])
    for row, result in zip(read, results, strict=True):
        assert close(row.request.metadata["vincicoder"], result.overall)


def settings(directory: Path):
    """Return what TRL is told."""
    validated = {"eval_strategy": "steps", "eval_steps": 2, "per_device_eval_batch_size": 4}
    logged = {"reward_weights": [1.0, 0.0], "log_completions": True}
    return on_cpu(directory, 4, max_completion_length=64, max_steps=2, **validated, **logged)


def main(directory: Path, policy: Path) -> None:
    from datasets import Dataset
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from trl import GRPOTrainer

    question = [{"role": "user", "content": PROMPT}]
    rows = Dataset.from_list([{"prompt": question, "image": TARGET, "language": "svg"}] * 8)
    validating = {"benchmarks": ["unisvg"], "validation_dir": str(directory / "validation")}
    validating |= {"gallery_dir": str(directory / "gallery"), "gallery_every": 1}
    rewards = [Recorded(name, encoder="embedded", workers=1, **validating) for name in ("overall", "visual")]
    trainer = GRPOTrainer(
        model=AutoModelForImageTextToText.from_pretrained(policy),
        reward_funcs=rewards,
        args=settings(directory),
        train_dataset=rows,
        eval_dataset=validation_rows(directory),
        processing_class=AutoProcessor.from_pretrained(policy),
    )
    add_log(trainer)
    trainer.train()
    logs = [log for log in trainer.state.log_history if "reward" in log]
    assert len(logs) == len(rewards[0].calls) - 1 == 2
    with VisualReward("embedded", workers=1) as reward:
        for log, (completions, columns, scores) in zip(logs, rewards[0].calls[:2], strict=True):
            assert columns["image"][0].size == TARGET.size
            requests = [RewardRequest(each[0]["content"], TARGET, language="svg") for each in completions]
            again = [result.overall for result in reward.score(requests)]
            assert max(again) > 0.5
            assert all(map(close, scores, again))
            assert close(log["rewards/vincicoder/mean"], sum(again) / 4)
            assert close(log["vincicoder/overall"], sum(again) / 4)
            assert 0 < log["rewards/vincicoder_visual/mean"] < log["rewards/vincicoder/mean"]
    assert_validation_agrees(directory, trainer.state.log_history)
    rewards[0]._shared().close()
    assert_gallery_shows(directory / "gallery", {score for *_, scores in rewards[0].calls for score in scores}, 2)
    trainer.save_state()
    read = read_log(directory / "out")
    assert read.trainer == "trl"
    assert [value for _, value in read.series("execution")] == [log["vincicoder/execution"] for log in logs]
    assert [value for _, value in read.series("length")] == [log["completions/mean_length"] for log in logs]
    assert read.series("language/svg/execution") == read.series("execution"), "all samples are SVG"
    rows.to_parquet(directory / "train.parquet")
    assert_scored_again(directory / "out" / "completions", directory / "train.parquet", 4 * len(logs))
    print(f"{len(logs)} steps agree")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
