"""Results added up: means are over what was judged, and the table says how much that is."""

from __future__ import annotations

from typing import Any

import pytest

from vincicoder.reporting import Summary, is_judged
from vincicoder.status import Fault, Status


def result(status: str = "ok", overall: float = 0.0, **more: Any) -> dict[str, Any]:
    return {"status": status, "overall": overall, "visual": overall, "execution": float(status == "ok"), **more}


def summary_of(*results: dict[str, Any], **labels: str) -> Summary:
    summary = Summary()
    for each in results:
        summary.add(each, labels)
    return summary


@pytest.mark.parametrize("status", list(Status))
def test_the_fault_of_a_status_decides_whether_it_is_judged(status: Status) -> None:
    assert is_judged(status.value) == (status.fault in (Fault.NONE, Fault.RESPONSE))


def test_rows_that_could_not_be_judged_count_in_no_mean() -> None:
    good = [result(overall=0.95)] * 9 + [result("no_code", 0.27)]
    unjudged = [result("bad_target"), result("bad_request"), result("infrastructure"), result("bad_target")]
    data = summary_of(*good, *unjudged, kind="mixed").to_dict()
    for group in (data, data["by_kind"]["mixed"]):
        assert (group["n"], group["judged"], group["rendered"]) == (14, 10, 9)
        assert group["overall"] == pytest.approx(0.882)
        assert group["visual"] == pytest.approx(0.882)
        assert sum(group["statuses"].values()) == 14
    assert (data["broken"], summary_of(*good, *unjudged).failures) == (1, 4)


def test_a_mean_over_nothing_is_none_and_shown_as_a_dash() -> None:
    summary = summary_of(result("bad_target"), domain="chart")
    summary.add(result(overall=0.1), {"domain": "svg"})
    data = summary.to_dict()
    assert list(data["by_domain"]) == ["svg", "chart"]
    assert (data["by_domain"]["chart"]["overall"], data["by_domain"]["chart"]["visual"]) == (None, None)
    [line] = [line for line in summary.table().splitlines() if line.startswith("chart")]
    assert line.split() == ["chart", "1", "0", "-", "-", "bad_target", "1"]


def test_the_table_says_how_many_were_judged_broken_or_judged_in_their_own_language() -> None:
    own = result(overall=0.5, language_from="response")
    table = summary_of(own, own, result("bad_request"), result("timeout", language_from="request")).table()
    assert "judged 3 of 4, rendered 2 of 4" in table
    assert "broken lines: 1" in table
    assert "language taken from the response in 2 of 4" in table
    plain = summary_of(result(overall=0.5, language_from="request")).table()
    assert "broken" not in plain
    assert "language" not in plain


def test_each_component_has_a_mean_over_the_judged_results_that_it_applies_to() -> None:
    rows = [
        result(overall=0.5, preset="paper", scores={"coarse": 0.8, "paper": 0.5, "text": 0.4, "ink": None}),
        result(overall=0.7, preset="paper", scores={"coarse": 0.6, "paper": 0.7, "text": None, "ink": None}),
        result("timeout", preset="paper", scores={"coarse": 0.0, "paper": 0.0, "text": 0.0, "ink": None}),
        result("infrastructure", preset="paper", scores={"coarse": 0.0, "paper": 0.0, "text": 0.0, "ink": None}),
    ]
    summary = summary_of(*rows, kind="mixed")
    data = summary.to_dict()
    for group in (data, data["by_kind"]["mixed"]):
        assert group["scores"] == pytest.approx({"coarse": 1.4 / 3, "paper": 0.4, "text": 0.2, "ink": None})
    assert data["components"] == ["text", "ink"], "the other columns do not show these"
    head, line, *_ = summary.table().splitlines()
    assert head.split()[3:7] == ["overall", "visual", "text", "ink"]
    assert line.split()[3:7] == ["0.400", "0.400", "0.200", "-"]
    assert head.index("text") + len("text") == line.index("0.200") + len("0.200")


def test_results_without_components_get_no_column_for_them() -> None:
    data = summary_of(result(preset="paper", scores={"coarse": 0.8, "paper": 0.5})).to_dict()
    assert data["components"] == []


def test_every_mean_of_a_group_has_the_same_keys() -> None:
    data = summary_of(result(), kind="a", domain="b").to_dict()
    assert data["by_kind"]["a"].keys() == data["by_domain"]["b"].keys()
    assert data["by_kind"]["a"].keys() < data.keys()
