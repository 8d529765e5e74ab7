from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
from dataclasses import replace

import pytest
from needed import needs
from repository import EXAMPLES

pytestmark = pytest.mark.long

needs("trl")
needs("cv2")


def beyond(out, *arguments):
    command = [sys.executable, str(EXAMPLES / "beyond_on_cpu.py"), "--quick", "--out", str(out), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def trained(name, directory, **changes):
    """Train a step by an arm and return the trainer, which remembers the batch that it learned from."""
    import torch
    from beyond.policy import make_processor, warm_up
    from beyond.runs import split
    from beyond.settings import ARMS, QUICK
    from beyond.trainers import make_trainer

    settings = replace(QUICK, warm_up_steps=40, steps=1, **changes)
    _, lessons, practice = split(settings)
    policy = warm_up(0, lessons, settings)
    trainer = make_trainer(ARMS[name], 0, policy, make_processor(), practice, settings, directory)
    generate = trainer._generate_and_score_completions

    def remembering(inputs):
        trainer.batch = generate(inputs)
        return dict(trainer.batch)

    trainer._generate_and_score_completions = remembering
    torch.set_num_threads(1)
    trainer.train()
    return trainer


def test_shuffled_gains_add_up_to_the_same_and_stay_among_strokes():
    from beyond.trainers import shuffled

    points = [[10, 0.5], [20, 0.6], [30, 0.55], [40, 0.9], [48, 0.9]]
    found = json.loads(shuffled(json.dumps(points), random.Random(1)))
    gains, dealt = ([round(b - a, 6) for (_, a), (_, b) in itertools.pairwise(each)] for each in (points, found))
    assert [end for end, _ in found] == [end for end, _ in points]
    assert dealt != gains
    assert sorted(dealt[:-1]) == sorted(gains[:-1]) and dealt[-1] == gains[-1]
    assert found[0] == points[0] and found[-1][1] == pytest.approx(points[-1][1])
    assert shuffled("[]", random.Random(1)) == "[]"


def test_batches_of_two_turns_become_one():
    import torch
    from beyond.trainers import joined

    def batch(words, value):
        ids = torch.full((2, words), value)
        return {"completion_ids": ids, "completion_mask": torch.ones_like(ids), "num_images": [1, 1]} | {
            "advantages": torch.tensor([value, -value]),
            "num_items_in_batch": torch.tensor(2 * words),
        }

    found = joined(batch(3, 5), batch(2, 7), pad=0)
    assert found["completion_ids"].tolist() == [[5, 5, 5], [5, 5, 5], [7, 7, 0], [7, 7, 0]]
    assert found["completion_mask"].tolist() == [[1, 1, 1], [1, 1, 1], [1, 1, 0], [1, 1, 0]]
    assert found["advantages"].tolist() == [5, -5, 7, -7]
    assert found["num_items_in_batch"] == 10
    assert found["num_images"] == [1] * 4


def test_both_answers_of_an_episode_get_the_advantage_that_the_rules_of_turns_give(tmp_path):
    """The rewards are recomputed from the answers, by a reward of one turn."""
    import torch
    from beyond.judging import REWARD, images_of
    from beyond.runs import split
    from beyond.settings import QUICK

    from vincicoder import RewardRequest, VisualReward
    from vincicoder.trainers.turns import turn_reward

    trainer = trained("turns", tmp_path)
    batch, episodes = trainer.batch, QUICK.answers // 2
    first, second = batch["advantages"][:episodes], batch["advantages"][episodes:]
    assert len(batch["advantages"]) == QUICK.answers
    assert torch.equal(first, second)
    said = trainer.processing_class.batch_decode(batch["completion_ids"], skip_special_tokens=True)
    asked = trainer.processing_class.batch_decode(batch["prompt_ids"])
    assert ["On the right" in each for each in asked] == [False] * episodes + [True] * episodes
    size = QUICK.per_scene // 2
    with VisualReward(**REWARD, workers=1) as reward:
        noise = trainer.reward_funcs[0]._shared().noise
        practice = split(QUICK)[2]
        pixels = batch["pixel_values"][:episodes:size]
        groups = []
        for group, seen in enumerate(pixels):
            target = next(i for i in images_of(practice) if torch.equal(seen, _pixels(trainer, i)))
            rows = range(group * size, (group + 1) * size)
            turns = [[said[row], said[episodes + row]] for row in rows]
            requests = [RewardRequest(text, target, language="svg") for pair in turns for text in pair]
            found = iter([result.overall for result in reward.score(requests)])
            groups.append([turn_reward([next(found), next(found)], noise) for _ in rows])
    rewards = torch.tensor(groups)
    expected = (rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)
    assert torch.allclose(first, expected.flatten(), atol=1e-4)
    assert len(set(first.tolist())) > 2


def _pixels(trainer, target):
    from beyond.scenes import seen

    return trainer.processing_class.image_processor(images=seen(target), return_tensors="pt")["pixel_values"][0]


@pytest.mark.slow
def test_process_credit_alone_is_what_both_have_without_the_advantage_of_the_group(tmp_path):
    import torch

    plain, process, both = (trained(name, tmp_path).batch for name in ("outcome", "process", "both"))
    assert torch.equal(plain["completion_ids"], both["completion_ids"])
    assert torch.equal(process["completion_ids"], both["completion_ids"])
    mask = both["completion_mask"]
    assert process["advantages"].shape == mask.shape
    assert process["advantages"].abs().max() > 0.1
    alone = plain["advantages"].unsqueeze(1) + process["advantages"]
    assert torch.allclose(both["advantages"], alone, atol=1e-5)


def test_a_warm_up_is_kept_for_all_arms_of_a_seed_and_not_for_other_settings(tmp_path):
    import torch
    from beyond.runs import _warmed_up, split
    from beyond.settings import QUICK

    lessons = split(QUICK)[1]
    path = tmp_path / "warm-up-seed0.pt"

    def weights(settings):
        return torch.cat([each.flatten() for each in _warmed_up(tmp_path, 0, lessons, settings).parameters()])

    first, made = weights(QUICK), path.stat().st_mtime_ns
    assert torch.equal(weights(QUICK), first)
    assert path.stat().st_mtime_ns == made
    assert not torch.equal(weights(replace(QUICK, warm_up_steps=6)), first)


@pytest.mark.slow
def test_a_quick_run_of_every_arm_leaves_numbers_that_agree_and_is_not_done_again(tmp_path):
    from beyond.judging import Judge
    from beyond.runs import split
    from beyond.settings import ARMS, QUICK
    from PIL import Image

    done = beyond(tmp_path)
    assert done.returncode == 0, done.stderr
    paths = {name: tmp_path / "runs" / f"seed0-{name}.json" for name in ARMS}
    runs = {name: json.loads(path.read_text()) for name, path in paths.items()}
    summary = json.loads((tmp_path / "results.json").read_text())
    starts = [run["evaluations"][0]["turns"] for run in runs.values()]
    assert all(start == starts[0] for start in starts), "all arms begin with the same policy"
    judge = Judge(split(QUICK)[0])
    for name, run in runs.items():
        assert summary[name]["steps"] == [at["step"] for at in run["evaluations"]] == [0, 1, 2]
        for turn in (0, 1):
            last = run["evaluations"][-1]["turns"][turn]
            found, _ = judge.measured(last["responses"])
            assert found == pytest.approx({key: last[key] for key in found}, abs=1e-6)
            assert summary[name]["curves"][turn]["reward"] == [
                [at["turns"][turn]["reward"] for at in run["evaluations"]]
            ]
    judge.close()
    assert Image.open(tmp_path / "curve.png").size[0] > 200
    times = [path.stat().st_mtime_ns for path in paths.values()]
    assert beyond(tmp_path).returncode == 0
    assert [path.stat().st_mtime_ns for path in paths.values()] == times
