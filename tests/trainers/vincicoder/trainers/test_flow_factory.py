"""Flow-Factory's own loader makes our reward of its configuration, and calls it as its trainers do.

Flow-Factory is not installed by ``tests/run.sh``. Put its sources on the path, where diffusers is installed:
``PYTHONPATH=Flow-Factory/src bash tests/run.sh trainers``.
"""

from __future__ import annotations

import types

import pytest
from chat_server import chatting
from edit_judge import judged
from needed import needs
from PIL import Image

from vincicoder.errors import ConfigError, EndpointError

needs("flow_factory", "Flow-Factory is not installed, or is not on the path")
needs("diffusers")
torch = needs("torch")
hparams = needs("flow_factory.hparams")
rewards = needs("flow_factory.rewards")

RED, BLUE = (Image.new("RGB", (32, 32), colour) for colour in ("red", "blue"))


@pytest.fixture
def judge():
    with chatting(judged) as judge:
        yield judge


def loaded(**keys):
    config = hparams.RewardArguments.from_dict(
        {"name": "edit", "reward_model": "vincicoder.trainers.flow_factory.EditReward", "device": "cpu", **keys}
    )
    return rewards.load_reward_model(config, types.SimpleNamespace(device=torch.device("cpu")))


def test_its_loader_finds_the_class_and_each_edit_gets_the_judges_score(judge):
    model = loaded(url=judge.url, model="judge")
    assert isinstance(model, rewards.PointwiseRewardModel)
    answer = model(prompt=["Make it blue."] * 2, image=[BLUE, BLUE], condition_images=[[RED], [RED]])
    assert isinstance(answer, rewards.RewardModelOutput)
    assert list(answer.rewards) == pytest.approx([0.8, 0.8], abs=1e-6)
    shown = judge.requests[0]["messages"][0]["content"]
    assert sum(part["type"] == "image_url" for part in shown) == 2, "source and edit"


def test_an_edit_that_cannot_be_rated_stops_the_run_and_is_no_score(judge):
    with pytest.raises(EndpointError):
        loaded(url=judge.url, model="judge")(prompt=["Make it break down."], image=[BLUE], condition_images=[[RED]])


def test_a_configuration_without_a_judge_is_refused_when_it_is_loaded():
    with pytest.raises(ConfigError, match=r"'edit'.*url and model"):
        loaded(model="judge")
