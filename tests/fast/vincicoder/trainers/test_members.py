"""What the log says of groups, and which groups are not learned from."""

from __future__ import annotations

import pytest

from vincicoder.trainers import Member, domain_of, levelled, means, spread_by_sample, sums_of_groups

APART = [Member("a", "chart", 0.2), Member("a", "chart", 0.6)]
CLOSE = [Member("b", "web", 0.5), Member("b", "web", 0.502), Member("b", "web", None)]
ALONE = [Member("c", "web", 0.9), Member("c", "web", None)]
EVERYBODY = [*APART, *CLOSE, *ALONE]


def test_sums_are_over_groups_of_all_and_by_domain() -> None:
    found = means({"count": 7, "judged": 5, **sums_of_groups(EVERYBODY, 0.005)})
    assert found["group/std"] == pytest.approx((0.2 + 0.001) / 2)
    assert found["group/below_noise"] == 0.5
    assert (found["group/chart/range"], found["group/web/range"]) == (pytest.approx(0.4), pytest.approx(0.002))
    assert (found["group/chart/below_noise"], found["group/web/below_noise"]) == (0, 1)


def test_means_over_samples_are_those_of_domains_and_every_sample_has_its_own_groups_spread() -> None:
    found = spread_by_sample([*APART, *CLOSE], 0.005)
    assert all(set(each) == set(found[0]) for each in found)
    assert [each["group/std"] for each in found] == pytest.approx([0.2, 0.2, 0.001, 0.001, 0.001])
    for name, mean in {"group/chart/std": 0.2, "group/web/std": 0.001, "group/web/below_noise": 1}.items():
        assert sum(each[name] for each in found) / len(found) == pytest.approx(mean)


def test_a_group_of_one_teaches_nothing_and_a_batch_without_groups_says_nothing() -> None:
    assert spread_by_sample(EVERYBODY, 0.005)[-1]["group/below_noise"] == 1
    assert spread_by_sample(ALONE, 0.005) == [{}, {}]


def test_only_whole_groups_below_the_least_spread_get_their_mean() -> None:
    scores = [each.reward for each in EVERYBODY]
    mean = pytest.approx(0.501)
    assert levelled(scores, EVERYBODY, 0.01) == [0.2, 0.6, mean, mean, None, 0.9, None]
    assert levelled(scores, EVERYBODY, 0.01, size=2) == scores
    assert levelled(scores, EVERYBODY, 0.01, size=3)[2] == mean
    assert levelled(scores, EVERYBODY, 0.0) == scores


def test_a_stand_in_of_a_level_group_stays_and_other_scores_are_levelled_by_the_rewards() -> None:
    visual = [0.1, 0.9, 0.4, 0.5, 0.7, 0.9, 0.0]
    assert levelled(visual, EVERYBODY, 0.01)[2:5] == [pytest.approx(0.45), pytest.approx(0.45), 0.7]


def test_an_unknown_domain_is_the_language() -> None:
    assert domain_of({"domain": "space", "data_source": "vincicoder/web"}, "svg") == "web"
    assert domain_of({"data_source": "mine"}, "svg") == "svg"
    assert domain_of({}, None) == domain_of({}, "no name/at all") == "others"
