"""Process credit in verl: the estimator in a whole step on CPUs, what weight 0 leaves, and what it refuses."""

from __future__ import annotations

import itertools
import json
import statistics
from collections import defaultdict

import pytest
from needed import needs_release
from verl_runs import LONGEST, dumped, logged, requests_of, scored, train

from vincicoder.errors import ConfigError
from vincicoder.trainers.credit import PREFIXES

pytestmark = pytest.mark.verl

needs_release("verl", 0, 9)

NAME = "vincicoder_process"
WEIGHT, DISCOUNT = 2.0, 0.8


def advantages(tokenizer, samples: list[dict]) -> list[list[float]]:
    """Return the advantage of every token by the paper's formula, from the text of the samples."""
    results = scored(requests_of(samples), prefixes=20)
    groups = defaultdict(list)
    for sample, result in zip(samples, results, strict=True):
        groups[sample["uid"].split("_")[0]].append(result.overall)
    found = []
    for sample, result in zip(samples, results, strict=True):
        group = groups[sample["uid"].split("_")[0]]
        outcome = (result.overall - statistics.fmean(group)) / (statistics.stdev(group) + 1e-6)
        encoded = tokenizer(sample["output"], add_special_tokens=False, return_offsets_mapping=True)
        stops = [stop for _, stop in encoded["offset_mapping"]]
        start = sample["output"].rfind(result.code) if result.code else 0
        ends = [next(place for place, stop in enumerate(stops) if stop >= start + each.end) for each in result.prefixes]
        gains = [later.overall - before.overall for before, later in itertools.pairwise(result.prefixes)]
        length = min(len(stops) + 1, LONGEST)  # with the token that ends it
        found.append(
            [
                outcome
                + WEIGHT
                * sum(DISCOUNT ** (end - t) * gain for end, gain in zip(ends[1:], gains, strict=True) if end >= t)
                for t in range(length)
            ]
        )
    return found


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_step_learns_from_the_credit_that_its_samples_earn(tmp_path, taught_policy):
    from transformers import AutoTokenizer

    policy = taught_policy("qwen3_vl")
    log = train(
        *(tmp_path, policy, "trainer.total_training_steps=1", f"trainer.rollout_data_dir={tmp_path / 'kept'}"),
        *("trainer.test_freq=1", f"trainer.validation_data_dir={tmp_path / 'checks'}"),
        *(f"algorithm.adv_estimator={NAME}", f"+algorithm.process_weight={WEIGHT}"),
        f"+algorithm.process_discount={DISCOUNT}",
        prefixes=20,
    )
    samples = dumped(tmp_path / "kept")
    found = advantages(AutoTokenizer.from_pretrained(policy), samples)
    tokens = [each for row in found for each in row]
    assert logged(log, "response_length/mean") == [pytest.approx(len(tokens) / len(found))]
    for name, value in (("max", max(tokens)), ("min", min(tokens)), ("mean", statistics.fmean(tokens))):
        assert logged(log, f"critic/advantages/{name}") == [pytest.approx(value, abs=1e-4)]
    assert any(max(row) - min(row) > 0.1 for row in found), "tokens of one response differ"
    validated = dumped(tmp_path / "checks")
    assert any(json.loads(each[PREFIXES]) for each in validated)


def batch(scores: list[str] | None = None):
    """Return a batch of verl's: two groups of two responses of five tokens."""
    import numpy as np
    import torch
    from verl import DataProto

    rewards, mask = torch.zeros(4, 5), torch.ones(4, 5)
    rewards[:, 3] = torch.tensor([0.1, 0.73, 0.4, 0.31])
    mask[1, 3:] = 0
    columns = {"uid": np.array(["a", "a", "b", "b"], dtype=object)}
    if scores is not None:
        columns[PREFIXES] = np.array(scores)
    return DataProto.from_dict({"token_level_rewards": rewards, "response_mask": mask}, non_tensors=columns)


SCORES = ["[]", "[[0, 0.2], [2, 0.73]]", "[[0, 0.1], [3, 0.6], [4, 0.4]]", "[]"]
CONFIG = {"process_weight": WEIGHT, "process_discount": DISCOUNT}


def computed(data, estimator: str, config: dict):
    from verl.trainer.ppo.ray_trainer import compute_advantage

    return compute_advantage(data, estimator, config=config).batch["advantages"]


def test_weight_0_is_plain_grpo_to_the_bit():
    import torch

    assert torch.equal(computed(batch(), NAME, {"process_weight": 0}), computed(batch(), "grpo", {}))
    none = computed(batch(["[]"] * 4), NAME, CONFIG)
    assert torch.equal(none, computed(batch(), "grpo", {}))


def test_so_it_is_where_responses_have_several_outputs_and_no_standard_deviation():
    import torch
    from verl.trainer.ppo.v1.utils import compute_advantage_for_multi_trajectories

    keys = ["a_0_0", "a_0_1", "a_1_0", "b_0_0"]
    by_name = {}
    for name in ("grpo", NAME):
        options = {"adv_estimator": name, "norm_adv_by_std_in_grpo": False, "config": {"process_weight": 0}}
        by_name[name] = compute_advantage_for_multi_trajectories(batch(), keys, **options).batch["advantages"]
    assert torch.equal(by_name["grpo"], by_name[NAME])


def test_credit_is_added_to_the_tokens_that_the_policy_wrote():
    import torch

    added = computed(batch(SCORES), NAME, CONFIG) - computed(batch(), "grpo", {})
    expected = torch.zeros(4, 5)
    expected[1, :3] = WEIGHT * 0.53 * torch.tensor([DISCOUNT**2, DISCOUNT, 1.0])
    expected[2, :4] = WEIGHT * 0.5 * torch.tensor([DISCOUNT**3, DISCOUNT**2, DISCOUNT, 1.0])
    expected[2] -= WEIGHT * 0.2 * torch.tensor([DISCOUNT**4, DISCOUNT**3, DISCOUNT**2, DISCOUNT, 1.0])
    assert torch.allclose(added, expected, atol=1e-6)


def test_without_a_batch_or_scores_the_estimator_says_what_is_missing():
    from verl.trainer.ppo.core_algos import get_adv_estimator_fn

    data = batch()
    arguments = {"index": data.non_tensor_batch["uid"], "config": CONFIG}
    with pytest.raises(ConfigError, match="found no batch where it was called from"):
        get_adv_estimator_fn(NAME)(
            *(data.batch[name] for name in ("token_level_rewards", "response_mask")), **arguments
        )
    with pytest.raises(ConfigError, match=r"\+reward.reward_kwargs.prefixes=20"):
        computed(batch(), NAME, CONFIG)
    with pytest.raises(ConfigError, match="process_discount is 2"):
        computed(batch(SCORES), NAME, {"process_discount": 2})
