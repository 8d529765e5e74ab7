"""The figures of constructed scores are what one gets by hand."""

from __future__ import annotations

import pytest

from vincicoder.fidelity.figures import by_kind, compared, counts, figures, misjudgements, summed, tally


def row(role, overall, kind="", strength=0, reference="a", status="ok", render_key=None):
    return {
        "reference": reference, "role": role, "kind": kind, "strength": strength, "overall": overall,
        "status": status, "render_key": render_key,
    }  # fmt: skip


def damaged(kind, *scores, reference="a"):
    return [row("damaged", score, kind, strength, reference) for strength, score in enumerate(scores, start=1)]


def value(rows, name):
    return figures(rows, draws=20)[name].value


def test_pairs_are_ordered_strengths_of_one_kind():
    # 0.9 > 0.897 by less than the margin, 0.9 > 0.7 and 0.897 > 0.7; then 0.5 < 0.6, 0.5 > 0.4 and 0.6 > 0.4.
    rows = damaged("text", 0.9, 0.897, 0.7) + damaged("style", 0.5, 0.6, 0.4)
    assert value(rows, "pairs") == pytest.approx(5 / 6)
    assert value(rows, "pairs_by_margin") == pytest.approx(4 / 6)
    assert value(rows, "ladders") == pytest.approx(1 / 2)


def test_equal_scores_are_not_ranked_right():
    assert value(damaged("text", 0.9, 0.9), "pairs") == 0


def test_balance_compares_gross_damage_with_slight_damage_of_other_kinds():
    # Gross text 0.7 is above the slight style 0.6 and below the slight data 0.8; gross style and data are below all.
    rows = damaged("text", 0.9, 0.8, 0.7) + damaged("style", 0.6, 0.5, 0.4) + damaged("data", 0.8, 0.5, 0.3)
    assert value(rows, "balance") == pytest.approx(5 / 6)
    assert value(rows, "balance_text") == pytest.approx(1 / 2)
    assert value(rows, "balance_data") == 1


def test_hacks_are_compared_with_every_mediocre_answer():
    rows = [row("mediocre", 0.8, "mediocre-0"), row("mediocre", 0.6, "mediocre-1")]
    rows += [row("hack", 0.7, "imshow"), row("hack", 0.1, "blank", status="blank")]
    assert value(rows, "hacks") == pytest.approx(3 / 4)
    assert value(rows, "hacks_without_raster") == 1
    assert counts(rows)["hack_pairs"] == 4


def test_a_stuffed_answer_is_compared_with_the_one_that_was_stuffed():
    rows = [row("mediocre", 0.8, "mediocre-0"), row("mediocre", 0.6, "mediocre-1"), row("hack", 0.7, "stuffed")]
    assert value(rows, "hacks") == 1


def test_means_and_losses():
    rows = [row("perfect", 0.98), row("again", 0.97), row("shifted", 0.95), row("hack", 0.6, "unrelated")]
    rows += damaged("text", 0.9) + damaged("data", 0.8) + [row("mediocre", 0.7, "mediocre-0")]
    found = {name: value(rows, name) for name in ("perfect", "unrelated", "mediocre", "slight", "again", "shifted")}
    expected = {"perfect": 0.98, "unrelated": 0.6, "mediocre": 0.7, "slight": 0.85, "again": 0.01, "shifted": 0.03}
    assert found == pytest.approx(expected)


def test_spread_is_the_standard_deviation_of_a_group():
    rows = [each for kind in "abcd" for each in damaged(kind, 0.9, 0.5 if kind in "ab" else 0.7, 0.1)]
    assert value(rows, "spread_middling") == pytest.approx(0.1)
    assert value(rows, "spread_weak") == pytest.approx(0)


def test_two_strengths_that_are_one_image_are_no_pair():
    rows = [row("damaged", 0.8, "text", strength, render_key=key) for strength, key in ((1, "b"), (2, "b"), (3, "c"))]
    rows[2]["overall"] = 0.7
    assert counts(rows)["pairs"] == 2
    assert counts(rows)["same_image"] == 1
    assert figures(rows, 10)["pairs"].value == figures(rows, 10)["ladders"].value == 1.0


def test_damage_that_does_not_render_or_does_not_show_is_left_out():
    rows = [row("perfect", 1.0, render_key="same")]
    rows += [row("damaged", 1.0, "text", 1, render_key="same"), row("damaged", 0.9, "text", 2, render_key="other")]
    rows += [row("damaged", 0.0, "text", 3, status="syntax_error")]
    assert counts(rows) == {"references": 1, "answers": 4, "left_out": 2, "pairs": 0, "same_image": 0, "hack_pairs": 0}


def test_how_slight_damage_of_each_kind_is_noticed():
    rows = [row("perfect", 1.0), *damaged("text", 0.999, 0.99), *damaged("style", 0.9, 0.95)]
    found = by_kind(rows)
    nothing = dict.fromkeys(("noticed_1", "noticed_2", "noticed_3", "least"))  # no noise was measured
    assert found["text"] == {"n": 1, "pairs": 1.0, "drop": pytest.approx(0.001), "unseen": 1.0, **nothing}
    assert found["style"] == {"n": 1, "pairs": 0.0, "drop": pytest.approx(0.1), "unseen": 0.0, **nothing}


def test_damage_is_noticed_where_it_costs_more_than_the_noise():
    rows = [row("perfect", 1.0), row("shifted", 0.95)]  # so the noise is 0.05
    rows += damaged("text", 0.96, 0.94, 0.5) + damaged("style", 0.9, 0.99, 0.8) + damaged("data", 0.99, 0.98, 0.97)
    found = by_kind(rows)
    assert [found["text"][f"noticed_{strength}"] for strength in (1, 2, 3)] == [0, 1, 1]
    assert [found[kind]["least"] for kind in ("text", "style", "data")] == [2, 3, None]


def test_groups_below_the_noise_are_counted():
    alike = [row("perfect", 1.0), row("shifted", 0.9)]  # so the noise is 0.1
    alike += [each for kind in "abcdefg" for each in damaged(kind, 0.95)]
    apart = [{**each, "reference": "b", "overall": each["overall"] - number / 2} for number, each in enumerate(alike)]
    apart[1] = row("shifted", 0.9, reference="b")
    assert value(alike, "below_noise") == value(alike, "below_noise_strong") == 1
    assert value(alike + apart, "below_noise") == value(alike + apart, "below_noise_strong") == 0.5
    assert value(alike, "noise") == pytest.approx(0.1)


def test_a_mediocre_answer_that_is_shifted_is_noise_and_no_loss_of_the_reference():
    rows = [row("perfect", 1.0), row("shifted", 0.99), row("mediocre", 0.5, "mediocre-0", 2)]
    rows.append(row("shifted", 0.57, "mediocre-0", 2))
    assert value(rows, "shifted") == pytest.approx(0.01)
    assert value(rows, "noise") == pytest.approx(0.05)  # the root mean square of 0.01 and 0.07


def test_references_are_drawn_and_not_answers():
    # One reference with all pairs right, one with none: draws of two give 0, 1/2 or 1.
    rows = damaged("text", 0.9, 0.5) + damaged("text", 0.5, 0.9, reference="b")
    found = figures(rows)["pairs"]
    assert (found.value, found.low, found.high) == (0.5, 0.0, 1.0)


def test_two_rewards_are_compared_on_the_same_references():
    first = damaged("text", 0.5, 0.9) + damaged("text", 0.5, 0.9, reference="b")
    second = damaged("text", 0.9, 0.5) + damaged("text", 0.9, 0.5, reference="b")
    found = compared(first, second)["pairs"]
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_the_worst_misjudgements_come_first_and_once_for_each_worse_answer():
    rows = [row("mediocre", 0.5, "mediocre-0"), row("mediocre", 0.4, "mediocre-1"), row("hack", 0.95, "imshow")]
    rows += damaged("text", 0.8, 0.9)
    found = misjudgements(rows)
    assert [(each.worse["kind"], round(each.gap, 2)) for each in found] == [("imshow", 0.55), ("text", 0.1)]
    assert found[0].why == "mediocre-1 above imshow"


def test_sums_over_references_are_sums_of_both_parts():
    tallies = [{"tally": tally(damaged("text", 0.9, 0.5, 0.1))}, {"tally": tally(damaged("text", 0.1, 0.5))}]
    assert summed(tallies)["pairs"] == pytest.approx(3 / 4)
    assert summed(tallies)["hacks"] is None
