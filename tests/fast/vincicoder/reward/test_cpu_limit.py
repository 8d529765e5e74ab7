"""A response's CPU time, limited by what its reference uses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PIL import Image

from vincicoder.errors import ConfigError
from vincicoder.options import digest_values
from vincicoder.reward import RewardRequest, RewardResult, VisualReward
from vincicoder.reward.config import RewardConfig, ScoringConfig
from vincicoder.status import Status

SQUARE = "from PIL import Image\nImage.new('RGB', (32, 32), 'teal').save('out.png')"
FAILS = "1 / 0"
LOOP = "while True: pass"


def busy(seconds: float) -> str:
    """Code that uses this much CPU time, and then makes the square."""
    return f"import time\nstart = time.process_time()\nwhile time.process_time() < start + {seconds}: pass\n{SQUARE}"


@pytest.fixture(scope="module")
def reward() -> Iterator[VisualReward]:
    with VisualReward("embedded", workers=2, cpu_seconds=1.5, wall_seconds=120, cpu_factor=5, cpu_floor=0.3) as reward:
        yield reward


def scored(reward: VisualReward, code: str, reference: str | None) -> RewardResult:
    request = RewardRequest(
        f"```python\n{code}\n```", Image.new("RGB", (32, 32), "teal"), language="python", reference=reference
    )
    return reward.score([request])[0]


def test_endless_code_ends_at_the_floor_where_the_reference_is_cheap(reward: VisualReward) -> None:
    result = scored(reward, LOOP, SQUARE)
    assert (result.status, result.message) == (Status.TIMEOUT, "used more than 0.3 s of CPU time")


def test_a_reference_in_a_fence_counts_too(reward: VisualReward) -> None:
    assert "0.3 s" in scored(reward, LOOP, f"Like this:\n```python\n{SQUARE}\n```").message


def test_code_may_use_several_times_what_its_reference_uses(reward: VisualReward) -> None:
    result = scored(reward, busy(0.6), busy(0.25))
    assert result.status is Status.OK, result.message


@pytest.mark.parametrize("reference", [None, FAILS, busy(0.4)], ids=["missing", "failing", "slow"])
def test_the_common_limit_holds_where_the_reference_does_not_say_or_says_more(
    reward: VisualReward, reference: str | None
) -> None:
    assert scored(reward, LOOP, reference).message == "used more than 1.5 s of CPU time"


def test_the_limit_of_a_target_stays_as_it_was_first_measured(reward: VisualReward) -> None:
    reference = busy(0.1) + "  # measured once"
    assert scored(reward, SQUARE, reference).status is Status.OK
    [limit] = {scored(reward, f"{LOOP}  # {n}", reference).message for n in range(2)}
    assert limit.startswith("used more than 0.")


def test_what_waits_for_a_reference_is_not_rendered_when_the_stream_is_left(reward: VisualReward) -> None:
    target = Image.new("RGB", (32, 32), "teal")
    response = f"```python\n{LOOP}\n```"
    stream = reward.stream(
        [
            RewardRequest("no code", target, language="python"),
            *(RewardRequest(response, target, language="python", reference=f"{SQUARE} # {n}") for n in range(12)),
        ]
    )
    scored(reward, SQUARE, None)
    channels = reward._pool._servers["python"]._channels
    before = sum(channel._serial for channel in channels)
    assert next(stream)[1].status is Status.NO_CODE
    stream.close()
    reward._pool.render(f"{SQUARE} # queued behind them", "python")
    assert sum(channel._serial for channel in channels) - before <= 12 + 1 + reward._pool.workers


def test_the_option_is_off_by_default_and_part_of_the_digest() -> None:
    assert ScoringConfig().cpu_factor is None
    plain, limited = (digest_values(RewardConfig(scoring=ScoringConfig(cpu_factor=factor))) for factor in (None, 5))
    assert plain != limited
    with pytest.raises(ConfigError, match=r"cpu_factor is 0\.5"):
        ScoringConfig(cpu_factor=0.5)
