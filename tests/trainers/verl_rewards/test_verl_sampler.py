"""The replay buffer under verl's own: groups as rollouts leave them in TransferQueue, sampled for training."""

from __future__ import annotations

import statistics

import pytest
from needed import needs_release
from reward_files import REWARDS

from vincicoder import RewardRequest
from vincicoder.errors import ConfigError
from vincicoder.reporting.gallery import Gallery, Shown
from vincicoder.reward import RewardResult
from vincicoder.status import Status
from vincicoder.trainers import metrics_of

pytestmark = pytest.mark.verl

needs_release("verl", 0, 9)

REWARDED = {"far": ("vincicoder/chart", [0.2, 0.6]), "near": ("vincicoder/web", [0.5, 0.502])}


@pytest.fixture(scope="module")
def store():
    """TransferQueue, where verl keeps rollouts."""
    import transfer_queue as tq
    from started_ray import one_node

    with one_node(num_cpus=4):
        tq.init()
        yield tq
        tq.close()


def buffer(**options):
    from verl.utils.import_utils import load_extern_type

    made = load_extern_type(str(REWARDS / "vincicoder_sampler.py"), "VinciCoderReplayBuffer")
    return made("sync", {}, 8, "drop", options, poll_interval=0.05)


def fill(store, said: dict) -> None:
    """Leave two groups of two responses of three tokens, as verl's agent loop does."""
    import torch
    from verl.utils.tensordict_utils import list_of_dict_to_tensordict

    for uid, (source, rewards) in REWARDED.items():
        keys = [f"{uid}_{number}_0" for number in range(len(rewards))]
        fields = [
            {
                "rm_scores": torch.tensor([0.0, 0.0, reward]),
                "data_source": source,
                "extra_fields": {"reward_extra_info": {**said, "overall": reward, "score": reward}},
            }
            for reward in rewards
        ]
        tags = [{"status": "success"} for _ in keys]
        store.kv_batch_put(keys, "train", list_of_dict_to_tensordict(fields), tags)
        store.kv_put(uid, "train", tag={"is_prompt": True, "status": "finished", "global_steps": 1})


def test_the_gallery_is_shown_where_verl_logs(store, tmp_path):
    """The trackers are in the trainer's process, and so is the sampler; the reward is in others."""
    from PIL import Image
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(tmp_path / "log")
    data = {"overall": 0.5, "status": "ok", "message": "", "language": "svg", "text": "", "prompt": "p"}
    Gallery(tmp_path / "g").add(0, [Shown("a", data, {"render": Image.new("RGB", (8, 8), "red")})])
    fill(store, metrics_of(RewardResult.failed(RewardRequest("", b""), Status.TIMEOUT, "it took too long")))
    sampler = buffer(gallery_dir=str(tmp_path / "g"))
    sampler.sample(1, "train", 2)
    sampler._watch._gallery._thread.join(60)
    writer.close()
    read = EventAccumulator(str(tmp_path / "log"))
    read.Reload()
    assert read.Tags()["images"] == ["vincicoder/gallery/best"]


def test_a_batch_is_logged_and_groups_below_the_least_spread_are_level(store):
    said = metrics_of(RewardResult.failed(RewardRequest("", b""), Status.TIMEOUT, "it took too long"))
    fill(store, said)
    batch, logged = buffer(least_spread=0.01).sample(1, "train", 2)
    assert logged["vincicoder/overall"] == pytest.approx(statistics.fmean([0.2, 0.6, 0.5, 0.502]))
    assert logged["vincicoder/timeout"] == 1
    assert logged["vincicoder/group/below_noise"] == 0.5
    assert logged["vincicoder/group/chart/std"] == pytest.approx(0.2)
    assert "vincicoder/score" not in logged

    data = store.kv_batch_get(keys=batch.keys, partition_id="train", select_fields=["rm_scores"])
    earned = {key: each.tolist() for key, each in zip(batch.keys, data["rm_scores"], strict=True)}
    assert {key: sum(each) for key, each in earned.items()} == pytest.approx(
        {"far_0_0": 0.2, "far_1_0": 0.6, "near_0_0": 0.501, "near_1_0": 0.501}
    )
    assert all(each[:2] == [0, 0] for each in earned.values())


def test_samples_of_another_manager_and_wrong_options_are_refused(store):
    store.kv_clear(keys=[f"{uid}_{number}_0" for uid in REWARDED for number in range(2)], partition_id="train")
    fill(store, {})
    with pytest.raises(ConfigError, match=r"set reward\.reward_manager\.name=vincicoder"):
        buffer().sample(1, "train", 2)
    with pytest.raises(ConfigError, match=r"unknown option 'least_sprad'"):
        buffer(least_sprad=0.1)
    with pytest.raises(ConfigError, match=r"sampler_kwargs\.noise is 2; expected a number from 0 to 1"):
        buffer(noise=2)
