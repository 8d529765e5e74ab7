"""The trainers' own code makes the same update of the same responses, and the docs say by how much they differ."""

from __future__ import annotations

import os
import statistics
import sys

import pytest
from needed import needs, needs_release
from repository import ROOT

pytestmark = [pytest.mark.verl, pytest.mark.swift, pytest.mark.slow]

needs("swift", "ms-swift is not installed")
needs("trl", "TRL is not installed")
needs_release("verl", 0, 9)

sys.path.insert(0, str(ROOT / "benchmarks"))

PAGE = (ROOT / "docs" / "rl-options.md").read_text("utf-8")


@pytest.fixture(scope="module")
def compared():
    import loss_parity

    return {(each.trainer, each.what): each for each in loss_parity.compare(os.environ.get("EASYR1_HOME"))}


def test_with_the_profile_gradients_point_the_same_way_and_have_the_same_length(compared):
    profiles = [each for (_, what), each in compared.items() if what == "the profile paper"]
    assert {each.trainer for each in profiles} >= {"verl", "swift", "trl"}
    for each in profiles:
        assert all(cosine > 0.999999 for cosine in each.cosines.values()), each
        assert all(norm == pytest.approx(1, abs=1e-3) for norm in each.norms.values()), each


def test_what_is_left_between_the_trainers_is_the_epsilon_of_the_standard_deviation(compared):
    from loss_sides import SIZE, make_samples

    rewards = make_samples().rewards.tolist()
    groups = [rewards[start : start + SIZE] for start in range(0, len(rewards), SIZE)]
    for (trainer, what), each in compared.items():
        if "0.005 added" not in what and what != "the profile paper":
            continue
        added = 0.005 if "0.005 added" in what else {"swift": 1e-4, "trl": 1e-4}.get(trainer, 1e-6)
        wanted = [
            (one - statistics.fmean(group)) / (statistics.stdev(group) + added) for group in groups for one in group
        ]
        assert each.advantages == pytest.approx(wanted, abs=1e-6), (trainer, what)


def test_a_clip_changes_nothing_in_the_first_update_and_something_in_a_later_one(compared):
    clipped = [each for (_, what), each in compared.items() if "clip" in what]
    assert len(clipped) >= 5
    for each in clipped:
        assert each.cosines["first update"] > 0.999999
        assert each.cosines["later update"] < 0.9999 or each.norms["later update"] != pytest.approx(1, abs=1e-3)


def test_the_docs_show_what_was_measured(compared):
    missing = [each.row() for each in compared.values() if each.row() not in PAGE]
    assert not missing, "python benchmarks/loss_parity.py prints the table of docs/rl-options.md"
