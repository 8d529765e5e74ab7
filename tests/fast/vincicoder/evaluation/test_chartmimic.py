"""ChartMimic's scores on constructed logs, what an image bears out of a log, and the samples of its layout."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from chat_server import chatting
from PIL import Image, ImageDraw

from vincicoder.endpoint import Endpoint
from vincicoder.errors import ConfigError, FaultyAnswer, TargetError
from vincicoder.evaluation.benchmarks.chartmimic import BENCHMARK, complete
from vincicoder.evaluation.metrics import BadReference, chartmimic, chartmimic_judge
from vincicoder.evaluation.metrics.chartmimic import METRIC, Log, Text, borne_out, compared
from vincicoder.evaluation.metrics.chartmimic_judge import score_of
from vincicoder.rendering import Render
from vincicoder.status import Status

WHOLE = (0.1, 0.1, 0.9, 0.9)


def log(texts=(), cells=(), calls=None, colours=()):
    placed = tuple(Text(each, 0.1 * index, 0.5, 0.05, 0.03, False) for index, each in enumerate(texts, 1))
    return Log(placed, tuple((cell, WHOLE) for cell in cells), calls or {}, tuple(colours))


GOLD = log(
    ["Sales", "a", "a"], [(1, 2, 0, 0, 0, 0), (1, 2, 0, 0, 1, 1)], {"plot": 2, "bar": 1}, ["f--#FF0000", "g--viridis"]
)


def test_a_log_against_itself_gives_the_maximum():
    assert compared(GOLD, GOLD) == dict.fromkeys(("text", "layout", "type", "colour", "low"), 1.0)


def test_the_log_of_a_run_that_did_not_end_gives_0():
    assert compared(Log(), GOLD) == dict.fromkeys(("text", "layout", "type", "colour", "low"), 0.0)
    assert METRIC.failed == dict.fromkeys(chartmimic.GIVES, 0.0)


@pytest.mark.parametrize(
    ("part", "made", "expected"),
    [
        ("text", log(["a", "Sales", "Other"]), 2 / 3),  # two of three in both
        ("text", log(["a", "a", "a", "a"]), 2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3)),  # each string as often as it is
        ("layout", log(cells=[(1, 2, 0, 0, 0, 0)]), 2 / 3),
        ("type", log(calls={"plot": 5}), 2 * (2 / 5) * (2 / 3) / (2 / 5 + 2 / 3)),
        ("colour", log(colours=["f--#FF0000"]), 2 / 3),
        ("colour", log(colours=["f--#FF0000", "g--magma"]), 1 / 2),  # colour maps are the same or not
        ("colour", log(colours=["h--#FF0000", "g--#00FF00"]), 0.0),  # of another function; a colour is no colour map
        ("colour", log(colours=["f--#000000"]), 2 * (s := 0.4980) * 1 / 3),
    ],
)
def test_f1_of_a_part(part, made, expected):
    assert compared(made, GOLD)[part] == pytest.approx(expected, abs=2e-3)


def test_colours_are_matched_as_well_as_possible():
    first, second = log(colours=["f--#FF0000", "f--#0000FF"]), log(colours=["f--#0000FE", "f--#FE0000"])
    assert compared(first, second)["colour"] > 0.99


def test_of_many_colours_alike_ones_are_dropped():
    greys = [f"f--#{level:02X}{level:02X}{level:02X}" for level in range(0, 256, 16)]
    kept = chartmimic._thinned(greys)
    assert 1 < len(kept) < 8
    assert kept[0] == greys[0]
    assert chartmimic._thinned(greys[:10]) == tuple(greys[:10])


def test_graphs_count_every_axes_alone():
    assert compared(log(cells=[None]), log(cells=[(2, 2, 0, 0, 1, 1)]), graph=True)["layout"] == 1.0


def drawn():
    image = Image.new("RGB", (200, 100), "white")
    ImageDraw.Draw(image).rectangle((60, 30, 140, 70), "#FF0000")
    ImageDraw.Draw(image).line((22, 48, 28, 50), "black")
    return np.asarray(image)


def test_what_is_drawn_is_borne_out():
    shown = borne_out(log(["Sales"], [(1, 1, 0, 0, 0, 0)], {"bar": 1}, ["f--#FF0000", "f--viridis"]), drawn())
    assert (len(shown.texts), len(shown.cells), shown.calls) == (1, 1, {"bar": 1})
    assert shown.colours == ("f--#FF0000", "f--viridis")


def test_a_colour_that_is_drawn_half_transparent_is_borne_out():
    assert borne_out(log(cells=[None], colours=["f--#FF0000"]), 255 - (255 - drawn()) // 2).colours == ("f--#FF0000",)


def test_what_is_only_claimed_is_not_borne_out():
    sales = log(["Sales"], [(1, 1, 0, 0, 0, 0)], {"bar": 1}, ["f--#00FF00"])
    claimed = replace(sales, texts=(*sales.texts, Text("no ink", 0.85, 0.9, 0.05, 0.03, False)))
    assert [each.text for each in borne_out(claimed, drawn()).texts] == ["Sales"]
    assert borne_out(claimed, drawn()).colours == ()
    assert borne_out(claimed, np.full((100, 200, 3), 255, np.uint8)) == Log((), (), {}, ())


def test_strings_claimed_at_one_place_count_once():
    place = Text("a", 0.1, 0.5, 0.05, 0.03, False)
    assert len(borne_out(Log((place, place)), drawn()).texts) == 1


def test_a_claim_that_is_not_borne_out_costs_precision():
    claimed = log(["Sales", "b", "c", "d"])
    shown = Log(claimed.texts[:1])
    assert compared(shown, log(["Sales"]), claimed=claimed)["text"] == pytest.approx(2 * 0.25 / 1.25)


@pytest.mark.parametrize(
    "report",
    [
        None,
        [],
        {},
        {"text": [["a", 1, 2, 3, 4]], "layout": [], "type": {}, "colour": []},
        {"text": [[1, 1, 2, 3, 4, True]], "layout": [], "type": {}, "colour": []},
        {"text": [["a", float("nan"), 2, 3, 4, True]], "layout": [], "type": {}, "colour": []},
        {"text": [], "layout": [[None, "x"]], "type": {}, "colour": []},
        {"text": [], "layout": [], "type": {"bar": "many"}, "colour": []},
        {"text": [], "layout": [], "type": [], "colour": []},
    ],
)
def test_a_report_that_breaks_the_form_is_an_empty_log(report):
    assert chartmimic._read(report) == Log()


def test_colours_of_another_form_are_passed_over():
    report = {"text": [], "layout": [], "type": {}, "colour": ["f--#12", "f", "f--#GG0000", "f--#00FF00", "g--jet"]}
    assert chartmimic._read(report).colours == ("f--#00FF00", "g--jet")


def test_code_ends_where_it_first_shows_or_saves():
    code = "plt.plot([1])\nplt.savefig('a.png')\nplt.title('later')\nplt.show()"
    assert complete(code) == 'plt.plot([1])\nplt.savefig("chart.pdf")'
    assert complete(complete(code)) == complete(code)


def chart(directory, name, pdf=b""):
    directory.mkdir(exist_ok=True)
    (directory / f"{name}.py").write_text("import matplotlib.pyplot as plt\n")
    Image.new("RGB", (400, 300)).save(directory / f"{name}.png")
    if pdf:
        (directory / f"{name}.pdf").write_bytes(pdf)


@pytest.mark.parametrize("inner", [".", "direct_600"])
def test_samples_of_the_official_layout(inner, tmp_path):
    chart(tmp_path / inner, "bar_1", b"%PDF ... /MediaBox [ 0 0 720 360 ] ...")
    chart(tmp_path / inner, "graph_2")
    bar, graph = BENCHMARK.load(tmp_path)
    assert (bar.id, bar.language, bar.metadata) == ("bar_1", "python", {"graph": False, "kind": "bar"})
    assert "figsize=(10.0, 5.0)" in bar.prompt
    assert "figsize=(4.0, 3.0)" in graph.prompt
    assert graph.metadata["graph"]


def test_a_chart_without_its_image_is_named(tmp_path):
    chart(tmp_path, "bar_1")
    (tmp_path / "bar_1.png").unlink()
    with pytest.raises(ConfigError, match=r"bar_1\.png is missing"):
        list(BENCHMARK.load(tmp_path))


@pytest.mark.parametrize(("answer", "score"), [("Score: 85", 0.85), ("Comments: a\n\n**Score:** 7.5/100", 0.075)])
def test_a_judge_s_score(answer, score):
    assert score_of(answer) == pytest.approx(score)


def test_a_judge_sees_the_target_and_then_the_render():
    with chatting(lambda body: "Comments:\n- Layout: fine\n\nScore: 40") as server:
        judge = Endpoint(server.url, "judge")
        target, render = Image.new("RGB", (5, 4), "red"), Image.new("RGB", (3, 2), "blue")
        assert chartmimic_judge.measure(target, render, judge) == {"judged": 0.4}
    first, second, asked = server.requests[0]["messages"][0]["content"]
    contents = [each["image_url"]["url"].partition(",")[2] for each in (first, second)]
    assert [Image.open(io.BytesIO(base64.b64decode(each))).size for each in contents] == [(5, 4), (3, 2)]
    points = re.findall(r"\((\d+) points\)", asked["text"])
    assert sum(map(int, points)) == 100


@pytest.mark.parametrize("answer", ["", "Score: 101", "A score of 5", "Score: none"])
def test_a_judge_without_a_score_is_a_fault(answer):
    with pytest.raises(FaultyAnswer):
        score_of(answer)


def test_a_reference_that_fails_is_never_a_models_0():
    with pytest.raises(BadReference, match="the reference does not run to its end"):
        chartmimic.prepare("import squarify", lambda code, language: Render(Status.RUNTIME_ERROR))


def test_no_log_is_endless():
    report = {
        "text": [[str(each), 0, 0, 0, 0, False] for each in range(9_000)],
        "layout": [[None, [0, 0, 1, 1]]] * 9_000,
    }
    report |= {"type": {str(each): 1 for each in range(9_000)}, "colour": [f"f--{each}" for each in range(9_000)]}
    found = chartmimic._read(report)
    assert [len(each) for each in (found.texts, found.cells, found.calls, found.colours)] == [5_000] * 4


def test_an_image_that_is_none_is_named(tmp_path):
    (tmp_path / "a.py").write_text("")
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(TargetError, match=r"a\.png.* is not an image file of a known format"):
        list(BENCHMARK.load(tmp_path))
