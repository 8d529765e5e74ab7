"""The target that all tests of reward files share, and EasyR1's reward function."""

import pytest
from easyr1_manager import FILE
from reward_files import BROKEN, OPTIONS, PERFECT, PROSE, WRONG, load_by_path
from reward_targets import base64_png, directory, png, target_image  # noqa: F401

from vincicoder import RewardRequest, VisualReward


@pytest.fixture(scope="module")
def easyr1():
    return load_by_path(FILE, **OPTIONS)[1]


@pytest.fixture(scope="module")
def expected(target_image):  # noqa: F811
    """The same responses, scored without any trainer."""
    requests = [
        RewardRequest(response=each, target=target_image, language="svg") for each in (PERFECT, WRONG, PROSE, BROKEN)
    ]
    with VisualReward(**OPTIONS) as reward:
        return reward.score(requests)
