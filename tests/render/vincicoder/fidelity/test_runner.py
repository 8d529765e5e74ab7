"""A whole measurement on an SVG icon: figures, two presets on the same renders, and on from where it stopped."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from vincicoder.errors import ConfigError
from vincicoder.fidelity import Fidelity, measure
from vincicoder.fidelity.answers import answers_to, moved, unrelated_code
from vincicoder.fidelity.references import snippets
from vincicoder.fidelity.tell import table

_OPTIONS = {"languages": ["svg"], "limit": 1, "workers": 1}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    output = tmp_path_factory.mktemp("fidelity") / "scores.jsonl"
    return measure(["snippets"], "embedded", output=output, **_OPTIONS), output


def test_the_figures_are_there_and_make_sense(measured):
    told = measured[0].to_dict()
    found = told["presets"]["paper"]["all"]
    assert (found["references"], told["encoder"]) == (1, "embedded")
    assert found["pairs"] > 30
    assert found["hack_pairs"] > 30
    value = {name: each["value"] for name, each in found["figures"].items()}
    assert value["perfect"] == pytest.approx(1)
    assert value["again"] == 0
    assert value["unrelated"] < value["mediocre"] < value["slight"] < value["perfect"]
    assert value["pairs"] > 0.9
    assert told["presets"]["paper"]["svg"]["figures"] == found["figures"]
    assert told["cpu_ms"] > 0
    json.dumps(told)


def test_a_second_run_takes_over_every_score(measured):
    first, output = measured
    before = output.read_bytes()
    done = []
    again = measure(["snippets"], "embedded", output=output, progress=done.append, **_OPTIONS)
    assert output.read_bytes() == before
    assert done == [False]
    assert again.to_dict() == {**first.to_dict(), "cpu_ms": None}


def test_a_run_that_stopped_goes_on(measured, tmp_path):
    first, output = measured
    lines = output.read_bytes().splitlines(keepends=True)
    half = tmp_path / "half.jsonl"
    half.write_bytes(b"".join(lines[:40]) + b'{"key": "torn')
    found = measure(["snippets"], "embedded", output=half, **_OPTIONS)
    assert half.read_bytes().startswith(b"".join(lines[:40]))
    assert len(half.read_bytes().splitlines()) == len(lines)
    assert found.to_dict()["presets"] == first.to_dict()["presets"]


def test_other_weights_take_over_the_scores_too(measured):
    _, output = measured
    before = output.read_bytes()
    found = measure(["snippets"], "embedded", output=output, alignment_weight=0.0, **_OPTIONS)
    assert output.read_bytes() == before
    perfect = [row for row in found.rows[0] if row["kind"] == "blank"]
    assert {row["overall"] for row in perfect} == {0.0}


def test_two_presets_judge_the_same_renders(tmp_path):
    output = tmp_path / "scores.jsonl"
    found = measure(["snippets"], "embedded", compare="robust", output=output, **_OPTIONS)
    assert found.presets == ("paper", "robust")
    assert len(output.read_bytes().splitlines()) == len(found.rows[0]) == len(found.rows[1])
    stuffed = [next(row for row in rows if row["kind"] == "stuffed") for rows in found.rows]
    assert stuffed[0]["render_key"] == stuffed[1]["render_key"]
    assert stuffed[0]["overall"] > stuffed[1]["overall"]
    assert "hacks" in found.to_dict()["differences"]


def test_an_unknown_preset_is_refused():
    with pytest.raises(ConfigError, match="preset is 'nothing'; expected one of"):
        measure(["snippets"], "embedded", compare="nothing", **_OPTIONS)


def test_a_reference_that_cannot_be_used_is_told_and_left_out(tmp_path):
    path, told = tmp_path / "records.jsonl", []
    Image.new("RGB", (32, 32), "red").save(tmp_path / "good.png")
    code = '<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"><rect width="20" height="20"/></svg>'
    rows = [{"id": "bad", "target": "missing.png", "code": code}, {"id": "good", "target": "good.png", "code": code}]
    path.write_text("\n".join(map(json.dumps, rows)))
    found = measure([path], "embedded", complain=told.append, workers=1)
    assert {row["reference"] for row in found.rows[0]} == {"good"}
    assert "missing.png" in told[0]


def test_every_answer_has_a_name_of_its_own():
    for each in snippets():
        ids = [answer.request.id for answer in answers_to(each, Image.new("RGB", (64, 48)), "code")]
        assert len(set(ids)) == len(ids)


def test_the_target_moves_by_one_pixel():
    image = Image.new("RGB", (4, 3), "white")
    image.putpixel((1, 1), (255, 0, 0))
    assert moved(image).getpixel((2, 2)) == (255, 0, 0)
    assert moved(image).getpixel((1, 1)) == (255, 255, 255)
    assert image.getpixel((1, 1)) == (255, 0, 0)


def test_the_unrelated_code_is_of_another_reference_in_the_language():
    known = list(snippets())
    for each in known:
        other = unrelated_code(each, known)
        assert other in [rival.code for rival in known if rival.language == each.language and rival.name != each.name]


def test_a_preset_beside_itself_with_other_weights_has_two_names(measured):
    _, output = measured
    found = measure(["snippets"], "embedded", compare="paper", output=output, **_OPTIONS)
    assert found.presets == ("paper, changed", "paper")
    assert {each["value"] for each in found.to_dict()["differences"].values()} == {0.0}


def test_domains_of_one_language_are_told_apart():
    def row(domain, language):
        return {
            "reference": domain, "language": language, "domain": domain, "role": "perfect", "kind": "", "strength": 0,
            "overall": 1.0, "status": "ok", "render_key": None,
        }  # fmt: skip

    rows = [row("chart", "python"), row("chemistry", "python"), row("svg", "svg")]
    told = Fidelity("embedded", ("paper",), (rows,), None).to_dict()
    groups = {name: group["references"] for name, group in told["presets"]["paper"].items()}
    assert groups == {"all": 3, "python": 2, "python/chart": 1, "python/chemistry": 1, "svg": 1}
    assert "python/chemistry" in table(told)
    assert "over 3 references say little" in table(told)


def test_withheld_references_leave_the_components_that_need_them_out(tmp_path):
    options = {"languages": ["svg"], "limit": 1, "workers": 1, "preset": "robust"}
    output = tmp_path / "scores.jsonl"
    found = measure(["snippets"], "embedded", without_references=True, output=output, **options)
    for row in found.rows[0]:
        assert row["scores"]["length"] is None
        assert row["scores"]["text"] is None
    with pytest.raises(ConfigError, match=r"scores\.jsonl"):
        measure(["snippets"], "embedded", output=output, **options)
