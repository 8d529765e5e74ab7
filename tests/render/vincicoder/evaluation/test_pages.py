"""Design2Code in the real browser: gold against gold, text that is missing, moved and of another colour."""

from __future__ import annotations

import pytest

from vincicoder.evaluation.benchmarks.design2code import complete
from vincicoder.evaluation.metrics import design2code

PAGE = """<!DOCTYPE html>
<html><head><style>body { background: #eef; } h1 { color: #123456; }</style></head>
<body><h1>A headline of some length</h1><p>First paragraph, with <a href="#">a link</a> inside.</p>
<div style="color: red; border: 1px solid black">A box of red text</div></body></html>"""


@pytest.fixture(scope="module")
def run(pool):
    return pool.render


@pytest.fixture(scope="module")
def gold(run):
    return design2code.prepare(PAGE, run)


def measured(page, run, gold):
    code = complete(page)
    return design2code.measure(code, run, run(code, "html").image, gold)


def test_every_text_is_found_where_it_is(gold):
    assert [block.text for block in gold] == [
        "a headline of some length",
        "first paragraph, with inside.",
        "a link",
        "a box of red text",
    ]
    assert all(0 <= edge <= 1 for block in gold for edge in block.box)
    assert [block.box[1] for block in gold] == sorted(block.box[1] for block in gold)


def test_gold_against_gold_gives_the_maximum(run, gold):
    assert measured(PAGE, run, gold) == pytest.approx(dict.fromkeys(design2code.GIVES, 1.0), abs=1e-9)


def test_each_fault_shows_in_its_own_score(run, gold):
    missing = measured(PAGE.replace("A box of red text", ""), run, gold)
    assert missing["block"] < 1 and missing["text"] == 1
    recoloured = measured(PAGE.replace("#123456", "#00ff00"), run, gold)
    assert recoloured["colour"] < 1 and recoloured["block"] == pytest.approx(1)
    moved = measured(PAGE.replace("<body>", "<body style='padding-left: 400px'>"), run, gold)
    assert moved["position"] < 0.9 and moved["colour"] > 0.99
    reworded = measured(PAGE.replace("A headline of", "One headline with"), run, gold)
    assert reworded["text"] < 1


def test_an_empty_page_scores_0(run, gold):
    assert measured("<html><body></body></html>", run, gold) == dict.fromkeys(design2code.GIVES, 0.0)
