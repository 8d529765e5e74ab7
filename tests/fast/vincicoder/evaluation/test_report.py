"""The report says of every value where it is from, and of one's own how sure it is."""

from __future__ import annotations

import json
import re

import pytest
from report_rows import HOSTILE
from tiny_benchmarks import scored

from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.contamination import Audit
from vincicoder.evaluation.evaluation import Evaluation
from vincicoder.evaluation.published import disagree, published
from vincicoder.evaluation.report import EvaluationReport

FIRST = {f"s{number:02}": number / 40 for number in range(30)}
SECOND = {name: value + 0.1 for name, value in FIRST.items()}


def page_data(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)[1])


def row(data, model, note=""):
    [found] = [each for each in data["rows"] if each["model"] == model and each["note"].startswith(note)]
    return found


def test_every_published_value_has_a_source_and_a_benchmark_that_may_come():
    for cell in published().cells:
        assert cell.source in published().sources
        assert 0 <= cell.value <= 100
    for name in BENCHMARKS:
        columns = {cell.column for cell in published().cells if cell.benchmark == name}
        assert columns <= set(BENCHMARKS.get(name).columns), name


def test_sources_that_disagree_are_all_kept():
    found = published().find("Qwen3-VL-8B", "chemdraw", "tanimoto")
    assert [(each.source, each.value) for each in found] == [("paper", 41.2), ("prismacoder", 54.8)]
    assert disagree(found)
    assert not disagree(published().find("VinciCoder-7B", "chartmimic", "execution"))


def test_a_models_row_stands_beside_the_papers(tmp_path):
    report = EvaluationReport([scored("mine", FIRST)], "Title")
    data = page_data(report.write(tmp_path))
    told = row(data, "GPT-5")["cells"]["image2latex.ems"]["values"][0]
    assert (told["value"], told["source"]) == (57.4, "a")
    mine = row(data, "mine")["cells"]["image2latex.ems"]["values"][0]
    assert mine["value"] == pytest.approx(100 * sum(FIRST.values()) / 30)
    assert mine["low"] < mine["value"] < mine["high"]
    assert data["comparisons"] == []
    text = (tmp_path / "report.md").read_text()
    [gpt] = [line for line in text.splitlines() if line.startswith("| GPT-5 |")]
    assert "| 78.7 a | 57.4 a |" in gpt
    assert "77.3? b" in text
    assert "probably render success" in text


def test_two_models_are_compared_in_pairs(tmp_path):
    data = EvaluationReport([scored("one", FIRST), scored("two", SECOND)]).data
    found = {each["column"]: each for each in data["comparisons"]}["image2latex.ems"]
    assert (found["value"], found["samples"], found["clear"]) == (pytest.approx(10), 30, True)
    swapped = EvaluationReport([scored("one", FIRST), scored("two", SECOND)], compare=("two", "one")).data
    assert [each["value"] for each in swapped["comparisons"]][-1] == pytest.approx(-10)


def test_clean_samples_have_a_row_of_their_own():
    audit = Audit(100, 0, 5, {"image2latex": 30}, {"image2latex": {"s29": ["row 1"]}}, {"image2latex": {"s28": []}})
    data = EvaluationReport([scored("mine", FIRST)], audit=audit).data
    clean = row(data, "mine", "clean samples only: Image2Latex-plot 28")["cells"]["image2latex.ems"]["values"][0]
    assert clean["value"] == pytest.approx(100 * sum(list(FIRST.values())[:28]) / 28)
    assert data["models"][0]["held"] == 2


def test_the_gallery_shows_best_worst_and_most_changed(tmp_path):
    after = {**SECOND, "s03": 0.0, "s20": None}
    gallery = page_data(EvaluationReport([scored("one", FIRST), scored("two", after)]).write(tmp_path))["gallery"]
    found = {kind: [card["id"] for card in cards] for kind, cards in gallery["image2latex"].items() if kind != "mark"}
    assert found["best"][:2] == ["s29", "s28"]
    assert found["worst"][:2] == ["s00", "s01"]
    assert found["changed"][0] == "s20"
    card = gallery["image2latex"]["changed"][0]
    assert [each["status"] for each in card["models"]] == ["ok", "runtime_error"]


def test_the_gallery_compares_no_other_models_than_the_report(tmp_path):
    elsewhere = Evaluation(
        "unisvg", "two", [{**each, "values": {"execution": 1.0}} for each in scored("two", FIRST).rows]
    )
    report = EvaluationReport([scored("one", FIRST), scored("three", SECOND), elsewhere], compare=("one", "two"))
    assert page_data(report.write(tmp_path))["gallery"]["image2latex"]["changed"] == []


def test_what_a_model_wrote_cannot_leave_its_place(tmp_path):
    page = EvaluationReport([scored(HOSTILE, FIRST, code=HOSTILE, message=HOSTILE)], HOSTILE).write(tmp_path)
    assert "window.pwned" not in page.read_text().split('id="data">')[0].split("<style>")[1].split("</title>")[-1]
    assert page_data(page)["models"][0]["model"] == HOSTILE
    assert "<script>window" not in (tmp_path / "report.md").read_text().split("\n", 1)[1]


def test_scores_of_the_same_model_twice_or_of_nobody_are_refused():
    with pytest.raises(ConfigError, match="both hold scores of 'mine' on image2latex"):
        EvaluationReport([scored("mine", FIRST), scored("mine", SECOND)])
    with pytest.raises(ConfigError, match="no scores of a model 'other'; there are of: mine"):
        EvaluationReport([scored("mine", FIRST)], compare=("mine", "other"))


def test_a_file_of_something_else_is_named(tmp_path):
    path = tmp_path / "scores.jsonl"
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        Evaluation.read(path)
    path.write_text('{"id": "a"}\n')
    with pytest.raises(ConfigError, match="lack benchmark, model, number, status, values in line 1"):
        Evaluation.read(path)
    path.write_text('{"benchmark": "unisvg", "model": "m", "id": "a", "number": 0, "status": "odd", "values": null}\n')
    with pytest.raises(ConfigError, match="have an unknown status in line 1: 'odd'"):
        Evaluation.read(path)
    path.write_text("")
    with pytest.raises(ConfigError, match="one model on one benchmark; they are of: none"):
        Evaluation.read(path)


def test_several_answers_have_the_chance_that_one_of_some_renders():
    rows = [
        {**row, "number": number, "status": "ok" if number < passed else "no_code"}
        for row, passed in zip(scored("m", {"a": 0.5, "b": 0.5}).rows, (1, 4), strict=True)
        for number in range(4)
    ]
    found = Evaluation("image2latex", "m", rows).pass_at
    assert found == {1: pytest.approx(62.5), 2: pytest.approx(75.0), 4: pytest.approx(100.0)}
    assert scored("m", {"a": 0.5}).pass_at == {}


def test_a_column_that_was_left_out_says_so_in_the_models_row(tmp_path):
    rows = [{**row, "values": {"execution": 1.0}} for row in scored("mine", FIRST).rows]
    page = EvaluationReport([Evaluation("image2latex", "mine", rows, {"ems": "needs scipy"})]).write(tmp_path)
    [mine] = [line for line in (tmp_path / "report.md").read_text().splitlines() if line.startswith("| mine |")]
    assert "| **100.0** (100.0–100.0) | left out |" in mine
    assert "left out here, ems: needs scipy" in (tmp_path / "report.md").read_text()
    assert page_data(page)["benchmarks"][3]["left_out"] == {"ems": "needs scipy"}
