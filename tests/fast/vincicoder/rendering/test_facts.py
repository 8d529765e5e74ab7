"""Facts: what the schema takes and refuses, and that no facts whatever take the image along."""

from __future__ import annotations

import dataclasses
import json
import math
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import facts_language
import pytest

from vincicoder.registry import adopt, exported
from vincicoder.rendering import RenderPool
from vincicoder.rendering.facts import (
    MAX_BYTES,
    MAX_MARKS,
    MAX_POINTS,
    MAX_SPANS,
    Facts,
    FactsError,
    Mark,
    Span,
    within_limits,
)
from vincicoder.status import Status

SPAN = {"text": "Sales 图", "box": [-1, 2.5, 30, 1e6], "colour": [0, 128, 255]}
MARK = {"points": [[-1, 2.5], [30, 1e6]], "filled": False, "width": 1.5}
FACTS = Facts(
    (Span("Sales 图", (-1, 2.5, 30, 1e6), (0, 128, 255)), Span("", (0, 0, 0, 0))),
    (Mark(((-1, 2.5), (30, 1e6)), False, 1.5), Mark(((0, 0), (9, 0), (9, 9)), True)),
)


def facts(**changes: object) -> str:
    return json.dumps({"spans": [{**SPAN, **changes}], "marks": []})


def marks(*found: object, **changes: object) -> str:
    return json.dumps({"spans": [], "marks": found or [{**MARK, **changes}]})


def nested(depth: int) -> str:
    return '{"spans": ' + "[" * depth + "]" * depth + ', "marks": []}'


WRONG = {
    "nothing": ("", "not JSON"),
    "no JSON": ("spans", "not JSON"),
    "half a JSON": (facts()[:-1], "not JSON"),
    "a list": ("[]", "the facts"),
    "null": ("null", "the facts"),
    "no spans": ("{}", "the facts"),
    "no marks": ('{"spans": []}', "the facts"),
    "another key": ('{"spans": [], "marks": [], "calls": []}', "the facts"),
    "spans that are no list": ('{"spans": {"text": "a"}, "marks": []}', "not a list"),
    "a span that is no object": ('{"spans": ["a"], "marks": []}', "span 1"),
    "the second span": (json.dumps({"spans": [SPAN, {}], "marks": []}), "span 2"),
    "a missing key": (json.dumps({"spans": [{"text": "a", "box": [0, 0, 1, 1]}], "marks": []}), "text, box, colour"),
    "marks that are no list": ('{"spans": [], "marks": 1}', "marks is not a list"),
    "the second mark": (marks(MARK, {}), "mark 2: expected an object with points, filled"),
    "a mark of one point": (marks(points=[[0, 0]]), "2 to 64 points"),
    "a mark of too many points": (marks(points=[[0, 0]] * 65), "2 to 64 points"),
    "a point of three": (marks(points=[[0, 0], [1, 1, 1]]), "2 numbers"),
    "a point far away": (marks(points=[[0, 0], [1, 1_000_001]]), "not a number from"),
    "an area that is half one": (marks(filled=1), "neither true nor false"),
    "a width below 0": (marks(width=-1), "its width has a value that is not a number from 0"),
    "a width in words": (marks(width="thick"), "not a number"),
    "too many marks": (marks(*[MARK] * 501), "501 marks"),
    "a further key": (facts(font="serif"), "nothing else"),
    "text that is a number": (facts(text=1), "not a string"),
    "text that nests": (facts(text=[["a"]]), "not a string"),
    "a box of three": (facts(box=[0, 0, 1]), "4 numbers"),
    "a box of words": (facts(box=["0", "0", "1", "1"]), "not a number"),
    "a box of truths": (facts(box=[True, 0, 1, 1]), "not a number"),
    "a box inside out": (facts(box=[1, 0, 0, 1]), "ends before"),
    "a box upside down": (facts(box=[0, 1, 1, 0]), "ends before"),
    "a box far away": (facts(box=[0, 0, 1, 1_000_001]), "not a number from"),
    "NaN": (facts(box=[0, 0, float("nan"), 1]), "NaN"),
    "infinity": (facts(box=[0, 0, float("inf"), 1]), "Infinity"),
    "infinity by overflow": (facts().replace("30", "1e999"), "not a number from"),
    "a number of 5000 digits": (facts().replace("30", "9" * 5000), "not JSON|not a number"),
    "a colour by name": (facts(colour="red"), "3 numbers"),
    "a colour out of range": (facts(colour=[0, 0, 256]), "from 0 to 255"),
    "1000 brackets": (nested(1_000), "nested too deeply|span 1"),
    "120,000 brackets": (nested(120_000), "nested too deeply"),
    "too many spans": (
        json.dumps({"spans": [{"text": "", "box": [0, 0, 0, 0], "colour": None}] * 2_001, "marks": []}),
        "2,001 spans",
    ),
    "too many bytes": (facts(text="x" * MAX_BYTES), "over the limit"),
    "too many bytes, though not characters": (json.dumps({"a": "图" * 90_000}, ensure_ascii=False), "over the limit"),
}


def test_facts_are_the_same_after_the_way_through_json() -> None:
    assert Facts.from_json(FACTS.to_json()) == FACTS
    assert Facts.from_json('{"spans": [], "marks": []}') == Facts()


def test_they_travel_to_other_processes_as_text() -> None:
    received = Facts.from_json(FACTS.to_json())
    assert pickle.loads(pickle.dumps(FACTS)) == pickle.loads(pickle.dumps(received)) == FACTS
    assert dataclasses.replace(received, spans=()).to_json() == Facts((), FACTS.marks).to_json()


def test_the_limits_themselves_are_allowed() -> None:
    spans = (Span("", (0, 0, 0, 0)),) * MAX_SPANS
    most = Facts(spans, (Mark(((0, 0),) * MAX_POINTS, True),) * 100)
    assert Facts.from_json(most.to_json()) == most
    assert len(Facts.from_json(marks(*[MARK] * MAX_MARKS)).marks) == MAX_MARKS
    longest = MAX_BYTES - len(facts(text="").encode())
    assert len(Facts.from_json(facts(text="x" * longest)).spans[0].text) == longest


def test_numbers_may_be_numpys() -> None:
    numpy = pytest.importorskip("numpy")
    box = tuple(numpy.array([1.5, 2, 3, 4], dtype=numpy.float32))
    sent = Facts((Span("a", box, tuple(numpy.array([1, 2, 3], dtype=numpy.uint8))),)).to_json()
    assert Facts.from_json(sent) == Facts((Span("a", (1.5, 2, 3, 4), (1, 2, 3)),))


def test_half_a_surrogate_pair_cannot_break_whoever_prints_it() -> None:
    whole = '{"spans": [{"text": "\ud800", "box": [0, 0, 0, 0], "colour": null}], "marks": []}'
    for sent in (facts(text="a\ud800"), whole):
        [span] = Facts.from_json(sent).spans
        assert span.text.encode("utf-8").decode() == span.text


@pytest.mark.parametrize("name", WRONG)
def test_the_schema_is_strict(name: str) -> None:
    text, reason = WRONG[name]
    with pytest.raises(FactsError, match=reason):
        Facts.from_json(text)


# The way from a confined child to the caller


@pytest.fixture(scope="module")
def sender() -> Iterator[RenderPool]:
    """A pool whose language `facts` sends its code as the facts of a blank image."""
    before = exported()
    entry = {"name": "facts", "value": "facts_language:LANGUAGE", "origin": "tests"}
    directory = str(Path(facts_language.__file__).parent)
    languages = [*before.get("vincicoder.languages", ()), {**entry, "directory": directory}]
    adopt({**before, "vincicoder.languages": languages})
    try:
        with RenderPool(workers=2) as pool:
            yield pool
    finally:
        adopt(before)


def test_valid_facts_reach_the_caller(sender: RenderPool) -> None:
    render = sender.render(FACTS.to_json(), "facts")
    assert render.status is Status.OK, render
    assert (render.facts, render.note) == (FACTS, "")


def test_without_facts_there_is_no_note(sender: RenderPool) -> None:
    render = sender.render("", "facts")
    assert render.ok, render
    assert (render.facts, render.note) == (None, "")


@pytest.mark.parametrize("name", [name for name in WRONG if name != "nothing"])
def test_wrong_facts_are_dropped_with_a_note_and_the_image_stands(sender: RenderPool, name: str) -> None:
    text, reason = WRONG[name]
    render = sender.render(text, "facts")
    assert render.status is Status.OK, render
    assert render.image is not None
    assert render.image.size == (40, 30)
    assert render.facts is None
    assert "facts were dropped" in render.note
    assert re.search(reason, render.note)
    assert len(render.note) <= 500
    assert not render.message


def test_facts_that_cannot_be_sent_are_dropped_too(sender: RenderPool) -> None:
    render = sender.render(facts_language.UNSENDABLE, "facts")
    assert render.ok, render
    assert render.facts is None
    assert "not JSON" in render.note


def test_facts_of_any_length_are_refused_at_the_price_of_a_short_text(sender: RenderPool) -> None:
    render = sender.render("x" * 20_000_000, "facts")
    assert render.ok, render
    assert f"over the limit of {MAX_BYTES:,}" in render.note


def test_facts_are_sent_only_to_those_who_ask_even_at_the_same_time(pool: RenderPool) -> None:
    code = '<svg xmlns="http://www.w3.org/2000/svg"><text y="20">Sales</text></svg>'
    futures = {facts: pool.submit(code, "svg", facts) for facts in (False, True)}
    without, asked = futures[False].result(), futures[True].result()
    assert (without.facts, without.note) == (None, "")
    assert asked.facts is not None
    assert [span.text for span in asked.facts.spans] == ["Sales"]
    assert without.image is not None
    assert asked.image is not None
    assert without.image.tobytes() == asked.image.tobytes()


# What renderers cut


def test_facts_within_limits_are_accepted_whatever_a_renderer_found() -> None:
    letters = '\u56fe\ud800\x00"\\a'  # as JSON, one byte to six for each
    found = [
        Span("", (0, 0, 9, 9)),
        Span(" \n", (0, 0, 9, 9)),
        Span("outside", (100, 0, 120, 9)),
        Span("flat", (0, 5, 9, 5)),
        Span("nowhere", (0, 0, float("nan"), 9)),
        Span("far", (0, 0, 1e300, 9)),
        *(Span(letters * number, (-1e5 / 3, 0, 99.12345, 9), (255, 255, 255)) for number in range(1, 10_000)),
    ]
    facts = within_limits(found, (100, 50))
    assert Facts.from_json(facts.to_json()) == facts
    assert len(facts.spans) > 100
    assert not {"outside", "flat", "nowhere", "far"} & {span.text for span in facts.spans}
    assert len(within_limits([Span("a", (0, 0, 9, 9))] * 10_000, (100, 50)).spans) == MAX_SPANS


def test_marks_within_limits_are_accepted_whatever_a_renderer_found() -> None:
    circle = tuple((50 + 40 * math.cos(angle / 500), 25 + 20 * math.sin(angle / 500)) for angle in range(3_142))
    found = [
        Mark((), True),
        Mark(((1, 1),), False),
        Mark(((1, 1), (float("nan"), 2)), False),
        Mark(((1, 1), (1e300, 2)), False),
        Mark(((101, 1), (140, 2)), False),
        Mark(circle, True, 3),
        Mark(((1, 1), (2, 2)), False, float("nan")),
        Mark(((1, 1), (2, 2)), False, -1),
        Mark(((1, 1), (2, 2)), False, 2.345),
        *(Mark(((n / 7, 0), (n, 9.123456)), False) for n in range(1, 99)),
        Mark(((0, 0), *((50, 49.9), (50, 49.8)) * 5_000, (99, 0)), False),
    ]
    facts = within_limits([Span("a", (0, 0, 9, 9))], (100, 50), found)
    assert Facts.from_json(facts.to_json()) == facts
    assert len(facts.marks) == 103
    assert [mark.width for mark in facts.marks[:4]] == [0, 0, 0, 2.3]
    assert all(max(abs(x - 50) / 40, abs(y - 25) / 20) < 1.01 for x, y in facts.marks[0].points)
    assert len(within_limits([], (100, 50), [Mark(((0, 0), (9, 9)), False)] * 10_000).marks) == MAX_MARKS
    # Text comes first.
    long = [Span("x" * 250_000, (0, 0, 9, 9))]
    assert len(within_limits(long, (100, 50), [Mark(((0, 0), (9, 9)), False)] * 400).marks) < 200


def test_a_mark_with_too_many_points_keeps_its_corners() -> None:
    dense = [(n, 0) for n in range(90)] + [(90, n) for n in range(90)] + [(90 - n, 90) for n in range(91)]
    [mark] = within_limits([], (100, 100), [Mark(tuple(dense), False)]).marks
    assert len(mark.points) <= MAX_POINTS
    assert {(0, 0), (90, 0), (90, 90), (0, 90)} <= set(mark.points)
