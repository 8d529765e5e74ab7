"""How far apart the rewards of groups are, and which groups are worth learning from."""

from __future__ import annotations

import pytest

from vincicoder.reward import keep_group, spread


def test_the_numbers_are_means_over_groups() -> None:
    found = spread([[0.0, 1.0], [0.4, 0.6], [0.7, 0.7, 0.7]], noise=0.005)
    assert found.groups == 3
    assert found.std == pytest.approx((0.5 + 0.1 + 0.0) / 3)
    assert found.range == pytest.approx((1.0 + 0.2 + 0.0) / 3)
    assert found.below_noise == pytest.approx(1 / 3)


def test_below_noise_means_below_twice_the_noise() -> None:
    group = [0.5, 0.52]  # standard deviation 0.01
    assert spread([group], noise=0.0049).below_noise == 0
    assert spread([group], noise=0.0051).below_noise == 1


def test_groups_of_one_and_no_groups_say_nothing() -> None:
    assert spread([[0.5], []], noise=0.1) == spread([], noise=0.1)
    assert spread([], noise=0.1).groups == 0


@pytest.mark.parametrize(
    ("rewards", "code", "paper"),
    [
        ([0.2, 0.8], True, True),
        ([0.85, 0.99], False, True),  # solved, but not alike
        ([0.5, 0.52], False, True),  # alike, but not solved
        ([0.95, 0.97], False, False),
        ([], False, False),
    ],
)
def test_the_rule_of_the_code_drops_what_is_solved_or_alike_and_that_of_the_paper_what_is_both(
    rewards: list[float], code: bool, paper: bool
) -> None:
    assert keep_group(rewards) is code
    assert keep_group(rewards, "paper") is paper


def test_another_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="rule is 'both'; expected one of: paper, code"):
        keep_group([0.5], "both")
