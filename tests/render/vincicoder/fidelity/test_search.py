"""A search finds what a reward pays for, says so where it finds nothing, and goes on from where it stopped."""

from __future__ import annotations

import pytest

from vincicoder.fidelity import Fidelity, Judges
from vincicoder.fidelity.references import snippets
from vincicoder.fidelity.search import search, told

_REFERENCE = next(each for each in snippets() if each.name == "layers")
_BUDGET = 30


@pytest.fixture(scope="module")
def judges():
    return Judges.of("embedded", None, {"workers": 1})


def measured(judges, *mediocre):
    """Return a measurement in which mediocre answers earn these rewards."""
    rows = [
        {"reference": "layers", "role": "mediocre", "kind": f"mediocre-{number}", "status": "ok", "overall": reward}
        for number, reward in enumerate(mediocre)
    ]
    return Fidelity("embedded", judges.names, (rows,), None)


def test_a_search_stops_at_the_first_program_that_earns_more_than_the_median_of_mediocre_answers(judges):
    [found] = search(measured(judges, 0.0, 0.3, 1.0), [_REFERENCE], judges, 1000)
    assert found.found
    assert (found.bar, found.preset, found.language) == (0.3, "paper", "svg")
    assert found.best > 0.3
    assert found.evaluations <= 24
    assert found.row["overall"] == pytest.approx(found.best)
    assert found.row["code"].startswith("<svg")


def test_a_search_that_finds_nothing_says_so_and_the_next_run_takes_over_its_scores(judges, tmp_path):
    calls = []
    attempts = [
        search(
            measured(judges, 1.0), [_REFERENCE], judges, _BUDGET, output=tmp_path / "scores.jsonl",
            progress=calls.append,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert calls == [True, False]
    kept = (tmp_path / "scores.search.jsonl").read_bytes()
    assert len(kept.splitlines()) == _BUDGET
    [[found], [again]] = attempts
    assert (found.found, found.evaluations) == (False, _BUDGET)
    assert (found.best, found.origin, found.row["code"]) == (again.best, again.origin, again.row["code"])
    assert told([found], draws=20)["paper"]["none_found"]["value"] == 1


def test_children_earn_more_than_the_hacks_that_they_come_from(tmp_path):
    judges = Judges.of("embedded", None, {"workers": 1, "preset": "robust"})
    output = tmp_path / "scores.jsonl"
    bests = [search(measured(judges, 1.0), [_REFERENCE], judges, n, output=output)[0].best for n in (24, 60)]
    assert bests[0] < bests[1] < 1


def test_references_that_nothing_can_be_searched_for_are_left_out(judges):
    assert search(measured(judges), [_REFERENCE], judges, _BUDGET) == []
