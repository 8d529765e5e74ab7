"""Groups are of 8 mixed answers, the same every time, and the noise is what moves where no answer has changed."""

from __future__ import annotations

import pytest

from vincicoder.fidelity.groups import GROUP, mixed_groups, noise_of


def answers(reference="a", kinds=6):
    damaged = [("damaged", f"kind-{kind}", strength) for kind in range(kinds) for strength in (1, 2, 3)]
    found = [("perfect", "", 0), ("mediocre", "mediocre-0", 2), ("hack", "blank", 0), ("again", "", 0), *damaged]
    return [
        {"reference": reference, "role": role, "kind": kind, "strength": strength, "overall": 0.5}
        for role, kind, strength in found
    ]


def names(groups):
    return [[(row["kind"], row["strength"]) for row in group] for group in groups]


def test_groups_hold_each_honest_answer_at_most_once_and_mix_kinds_and_strengths():
    found = mixed_groups(answers())
    assert [len(group) for group in found] == [GROUP, GROUP]  # of 20 answers, four are left over
    flat = [each for group in names(found) for each in group]
    assert len(set(flat)) == len(flat)
    assert {row["role"] for group in found for row in group} <= {"perfect", "mediocre", "damaged"}
    assert all(len({kind for kind, _ in group}) > 3 for group in names(found))
    assert all(len({strength for _, strength in group}) > 1 for group in names(found))


def test_groups_depend_on_the_reference_and_not_on_the_order_of_the_rows():
    assert names(mixed_groups(answers())) == names(mixed_groups(answers()[::-1]))
    assert names(mixed_groups(answers())) != names(mixed_groups(answers("b")))


def test_too_few_answers_make_no_group():
    assert mixed_groups(answers(kinds=1)) == mixed_groups([]) == []


def test_the_noise_is_the_larger_one_of_rendering_again_and_of_shifting():
    perfect = {"role": "perfect", "kind": "", "strength": 0, "overall": 1.0}
    again, shifted = {**perfect, "role": "again"}, {**perfect, "role": "shifted"}
    assert noise_of([perfect]) is None
    assert noise_of([perfect, {**again, "overall": 0.9}, {**shifted, "overall": 0.98}]) == pytest.approx(0.1)
    assert noise_of([perfect, {**again, "overall": 1.0}, {**shifted, "overall": 0.98}]) == pytest.approx(0.02)


def test_a_shifted_answer_whose_unshifted_one_is_gone_says_nothing():
    assert noise_of([{"role": "shifted", "kind": "mediocre-0", "strength": 2, "overall": 0.3}]) is None
