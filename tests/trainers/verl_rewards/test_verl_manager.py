"""The reward inside verl's own RewardLoopManager: real Ray workers, real Hydra configuration, on CPU."""

from __future__ import annotations

from pathlib import Path

import pytest
from needed import Package, needs_release
from reward_files import BROKEN, PERFECT, PROSE, REWARDS, WRONG

from vincicoder import RewardRequest, VisualReward

pytestmark = [pytest.mark.verl, pytest.mark.long]

needs_release("verl", 0, 9)
reward_loop = Package("verl.experimental.reward_loop")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    """A directory with a tokenizer of single bytes, which is all of the model that the reward needs."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = ["<pad>", "<end>"]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(special + alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    directory = tmp_path_factory.mktemp("model")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>").save_pretrained(directory)
    return str(directory)


@pytest.fixture(scope="module")
def cluster():
    from started_ray import one_node

    with one_node(num_cpus=2):
        yield


FUNCTION = (
    f"reward.custom_reward_function.path={REWARDS / 'vincicoder_verl.py'}",
    "reward.custom_reward_function.name=compute_score",
    "+reward.custom_reward_function.reward_kwargs.encoder=embedded",
    "+reward.custom_reward_function.reward_kwargs.workers=1",
)
INSTALLED_MANAGER = (
    "reward.reward_manager.name=vincicoder",
    "+reward.reward_kwargs.encoder=embedded",
    "+reward.reward_kwargs.workers=1",
)
CLONED_MANAGER = (
    "reward.reward_manager.source=importlib",
    "reward.reward_manager.name=VinciCoderRewardManager",
    f"reward.reward_manager.module.path={REWARDS / 'vincicoder_manager.py'}",
    *INSTALLED_MANAGER[1:],
)


def configuration(model: str, *overrides: str):
    import verl
    from hydra import compose, initialize_config_dir

    directory = Path(verl.__file__).parent / "trainer" / "config"
    settings = [f"actor_rollout_ref.model.path={model}", "reward.num_workers=2", *overrides]
    with initialize_config_dir(config_dir=str(directory), version_base=None):
        return reward_loop.migrate_legacy_reward_impl(compose("ppo_trainer", overrides=settings))


def rollouts(model: str, responses: list[str], extra_infos: list[dict], **columns: list):
    """What verl's trainer hands to the reward loop for these responses."""
    import numpy as np
    import torch
    from tensordict import TensorDict
    from verl.protocol import DataProto
    from verl.utils import hf_tokenizer

    tokenizer = hf_tokenizer(model)
    encoded = [[*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id] for text in responses]
    prompt, length = 4, max(map(len, encoded))
    tokens = torch.full((len(responses), length), tokenizer.pad_token_id)
    mask = torch.ones((len(responses), prompt + length), dtype=torch.long)
    for row, ids in enumerate(encoded):
        tokens[row, : len(ids)] = torch.tensor(ids)
        mask[row, prompt + len(ids) :] = 0
    prompts = torch.full((len(responses), prompt), tokenizer.eos_token_id)
    tensors = {
        "prompts": prompts,
        "responses": tokens,
        "attention_mask": mask,
        "input_ids": torch.cat([prompts, tokens], 1),
    }

    def column(values):
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array

    return DataProto(
        batch=TensorDict(tensors, batch_size=len(responses)),
        non_tensor_batch={
            "data_source": column(["vincicoder/svg"] * len(responses)),
            "reward_model": column([{"ground_truth": "", "style": "rule"} for _ in responses]),
            "extra_info": column(extra_infos),
            **{name: column(values) for name, values in columns.items()},
        },
    )


def score(settings, data, before=None):
    """What a job does with a batch, after another one; ends the workers, whose names the next loop wants too."""
    import ray

    loop = reward_loop.RewardLoopManager(settings)
    try:
        if before is not None:
            loop.compute_rm_score(before)
        return loop.compute_rm_score(data)
    finally:
        for worker in loop.reward_loop_workers:
            ray.kill(worker)


EMPTY = '```svg\n<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>\n```'
RESPONSES = [PERFECT, WRONG, PROSE, BROKEN, EMPTY]


@pytest.fixture(scope="module")
def scored(cluster, model, png):
    """What the function makes of a batch, with a list among its options: only the guard against rasters."""
    extra = [{"target": png, "language": "svg", "index": index} for index in range(len(RESPONSES))]
    guards = "+reward.custom_reward_function.reward_kwargs.guards=[raster]"
    settings = configuration(model, *FUNCTION, guards, "reward.num_workers=1")
    return score(settings, rollouts(model, RESPONSES, extra))


def test_reward_loop_gives_the_rewards_numbers(scored, png):
    with VisualReward(encoder="embedded", workers=1, guards=["raster"]) as reward:
        results = reward.score([RewardRequest(response=each, target=png, language="svg") for each in RESPONSES])
    assert scored.batch["rm_scores"].sum(1).tolist() == pytest.approx([result.overall for result in results])
    assert scored.non_tensor_batch["visual"].tolist() == [result.visual for result in results]
    assert scored.non_tensor_batch["code_error"].tolist() == [0, 0, 0, 1, 0]
    assert {"score", "overall", "format", "accuracy", "execution"} <= set(scored.meta_info["reward_extra_keys"])


def test_lists_in_the_configuration_reach_the_reward(scored):
    assert scored.non_tensor_batch["guarded"].tolist() == [0] * len(RESPONSES)
    assert scored.non_tensor_batch["visual"][RESPONSES.index(EMPTY)] > 0


@pytest.mark.parametrize(
    "manager",
    [
        pytest.param(INSTALLED_MANAGER, marks=pytest.mark.slow, id="installed"),
        pytest.param(CLONED_MANAGER, id="cloned"),
    ],
)
def test_the_manager_takes_the_image_from_the_prompt(scored, model, png, target_image, manager):
    asked = {"type": "text", "text": "Draw this picture as SVG."}
    prompts = [
        [{"role": "user", "content": [{"type": "image", "image": target_image}, asked]}],
        [{"role": "user", "content": [{"type": "image", "bytes": png, "path": None, "image": target_image}, asked]}],
        [{"role": "user", "content": "Draw it as SVG."}],
        [{"role": "user", "content": "Draw it as SVG."}],
    ]
    extra = [{}, {}, {"target": png}, {}]
    responses = [PERFECT, WRONG, WRONG, PERFECT]
    settings = configuration(model, *manager, "reward.num_workers=1")
    managed = score(settings, rollouts(model, responses, extra, raw_prompt=prompts))

    with VisualReward(encoder="embedded", workers=1) as reward:
        results = reward.score([RewardRequest(each, png, language="svg") for each in (PERFECT, WRONG)])
    perfect, wrong = (result.overall for result in results)
    assert managed.batch["rm_scores"].sum(1).tolist() == pytest.approx([perfect, wrong, wrong, 0.0])
    assert managed.non_tensor_batch["bad_target"].tolist() == [0, 0, 0, 1]
    assert managed.meta_info["reward_extra_keys"] == scored.meta_info["reward_extra_keys"]


def asked_with(image, text: str) -> list[dict]:
    return [{"role": "user", "content": [{"type": "image", "image": image}, {"type": "text", "text": text}]}]


@pytest.fixture(scope="module")
def in_groups(cluster, model, target_image):
    """What two workers make of three groups of four: one has a fault of the machine, one a response of full length."""
    raster = f'```html\n<html><img src="data:image/png;base64,{"A" * 4000}"></html>\n```'
    faulty = ["```html\n<html>page</html>\n```", raster, PROSE, raster]  # without a browser the first is not judged
    cut_off = PROSE + " and more" * 600
    long = [PERFECT, WRONG, cut_off, PERFECT]
    html, svg = (asked_with(target_image, text) for text in ("Write HTML.", "Draw this picture as SVG."))
    members = list(zip(faulty, [PERFECT] * 4, long, strict=True))
    settings = configuration(
        model,
        *INSTALLED_MANAGER,
        "+reward.reward_kwargs.browser=/nowhere/chromium",
        "+reward.reward_kwargs.truncated=mask",
        f"data.max_response_length={len(cut_off) + 1}",
        "actor_rollout_ref.rollout.n=4",
        "reward.num_workers=2",
    )
    responses = [each for member in members for each in member]
    columns = {"raw_prompt": [html, svg, svg] * 4, "uid": ["a", "b", "c"] * 4}
    # Samples wait a minute for siblings, which a worker that has not started yet may keep them waiting for.
    first = rollouts(model, [PERFECT] * 2, [{}] * 2, raw_prompt=[svg] * 2, uid=["d", "e"])
    return score(settings, rollouts(model, responses, [{} for _ in responses], **columns), first)


@pytest.mark.slow
def test_a_fault_of_the_machine_gets_the_mean_of_its_own_siblings_in_other_workers(in_groups):
    """Each of the workers has responses of one prompt, and as many to another prompt that scores well."""
    rewards = in_groups.batch["rm_scores"].sum(1).tolist()
    assert rewards[3::3] == pytest.approx([0.1, 0.0, 0.1])
    assert rewards[0] == pytest.approx(0.2 / 3)
    assert min(rewards[1::3]) > 0.95
    assert in_groups.non_tensor_batch["infrastructure"].tolist() == [1] + [0] * 11
    assert in_groups.non_tensor_batch["stand_in_unknown"].tolist() == [0] * 12


def test_a_response_that_reaches_the_limit_of_tokens_is_masked(in_groups):
    """It gets the mean of the others, by verl's own limit and the tokens that verl counts."""
    perfect, wrong, masked, again = in_groups.batch["rm_scores"].sum(1).tolist()[2::3]
    assert perfect == again
    assert perfect > 0.95 > wrong > 0
    assert masked == pytest.approx((2 * perfect + wrong) / 3)
    assert in_groups.non_tensor_batch["alignment"].tolist()[2::3] == [1, 1, 0, 1], "what is logged stays its own"


CUSTOM = """
{define} compute_score(data_source, solution_str, ground_truth, extra_info, bonus):
    ours = extra_info["vincicoder"]
    return {{"score": ours["overall"] / 2 + bonus, "known": float(ground_truth == "" and extra_info["index"] == 7)}}
"""


@pytest.mark.parametrize("define", ["def", pytest.param("async def", marks=pytest.mark.slow)])
def test_a_custom_function_is_called_with_our_metrics_and_decides_the_score(cluster, model, png, tmp_path, define):
    (tmp_path / "mine.py").write_text(CUSTOM.format(define=define), encoding="utf-8")
    settings = configuration(
        model,
        *INSTALLED_MANAGER,
        f"reward.custom_reward_function.path={tmp_path / 'mine.py'}",
        "reward.custom_reward_function.name=compute_score",
        "+reward.custom_reward_function.reward_kwargs.bonus=0.25",
        "reward.num_workers=1",
    )
    extra = [{"target": png, "language": "svg", "index": 7} for _ in range(2)]
    scored = score(settings, rollouts(model, [PERFECT, PROSE], extra))
    overall = scored.non_tensor_batch["overall"].tolist()
    assert overall[0] > 0.95 > overall[1] == 0
    assert scored.batch["rm_scores"].sum(1).tolist() == pytest.approx([each / 2 + 0.25 for each in overall])
    assert scored.non_tensor_batch["score"].tolist() == pytest.approx([each / 2 + 0.25 for each in overall])
    assert scored.non_tensor_batch["known"].tolist() == [1, 1]
