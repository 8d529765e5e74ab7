"""UniRL's own client asks ``serve`` for the scores of edits.

UniRL is not installed by ``tests/run.sh``. Put a clone of it on the path: ``PYTHONPATH=UniRL bash tests/run.sh trainers``.
"""

from __future__ import annotations

import pytest
from chat_server import chatting
from edit_judge import judged
from needed import needs
from served import TOKEN, served

needs("unirl", "UniRL is not installed, or is not on the path")
needs("fastapi", "the extra 'serve' is not installed")
torch = needs("torch")
primitives = needs("unirl.types.primitives")
remote = needs("unirl.reward.remote")
rewards = needs("unirl.types.reward")


@pytest.fixture(scope="module")
def server():
    with chatting(judged) as judge, served("--edit-url", judge.url, "--edit-model", "judge") as client:
        yield client


def backend(server, **given):
    address = f"http://unirl:{TOKEN}@127.0.0.1:{server.port}"
    config = remote.RemoteRewardSpec(**{"base_url": address, "required_rewards": ("edit",), "max_retries": 1, **given})
    return remote.RemoteRewardBackend(config=config, base_device="cpu")


def request(*texts):
    sources, edits = torch.zeros(len(texts), 3, 32, 32), torch.ones(len(texts), 3, 32, 32)
    asked = {"text": primitives.Texts(texts=list(texts)), "image": primitives.Images(pixels=sources)}
    return rewards.RewardRequest(primitives=asked, generated={"image": primitives.Images(pixels=edits)})


def test_its_client_finds_the_reward_and_gets_the_judges_scores(server):
    client = backend(server)
    assert client.is_available()
    found = client.compute_rewards(request("Make it white.", "Make it bright."))
    assert found.rewards == pytest.approx([0.8, 0.8], abs=1e-6)
    assert found.successes == [True, True]


def test_an_edit_that_cannot_be_rated_is_an_error_there_and_no_score(server):
    found = backend(server).compute_rewards(request("Make it white.", "Make it break down."))
    assert found.successes == [True, False]
    assert found.rewards[0] == pytest.approx(0.8, abs=1e-6)
    assert found.errors[1]


def test_a_reward_that_is_not_served_is_refused_before_the_first_score(server):
    with pytest.raises(ValueError, match="not served"):
        backend(server, required_rewards=("aesthetics",)).is_available()


def test_a_wrong_token_stops_its_run_and_its_log_says_why(server, caplog):
    wrong = backend(server, base_url=f"http://unirl:wrong@127.0.0.1:{server.port}")
    with pytest.raises(RuntimeError, match="failed after 1 retries"):
        wrong.compute_rewards(request("Make it white."))
    assert "401" in caplog.text
