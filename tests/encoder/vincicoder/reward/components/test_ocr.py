"""The component `ocr`: text is read from pixels, in target and render alike, and compared as `text` compares spans."""

from __future__ import annotations

import sys
import time

import pytest
from needed import needs
from PIL import Image, ImageDraw, ImageFont

from vincicoder.errors import ConfigError
from vincicoder.registry import install_command
from vincicoder.rendering.facts import Span
from vincicoder.reward import RewardRequest, VisualReward
from vincicoder.reward.components import load_component
from vincicoder.reward.components.ocr import Ocr
from vincicoder.reward.components.text import texts_of
from vincicoder.status import Status

needs("rapidocr")
needs("onnxruntime")

SIZE = (420, 200)


def page(*lines: str, left: int = 20) -> Image.Image:
    image = Image.new("RGB", SIZE, "white")
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((left, 20 + 70 * number), line, "black", ImageFont.load_default(30))
    return image


@pytest.fixture(scope="module")
def ocr() -> Ocr:
    return Ocr()


TARGET = page("Sales by region", "42 units")


def test_the_same_picture_scores_one_and_wrong_text_little(ocr: Ocr) -> None:
    prepared = ocr.prepare(TARGET)
    assert prepared.texts == ["Sales by region", "42 units"]
    assert ocr.applies(prepared)
    assert ocr(TARGET, prepared) == pytest.approx(1)
    slightly, wrong = ocr(page("Sales by region", "43 units"), prepared), ocr(page("Pqx zzkw", "9 ft"), prepared)
    assert 1 > slightly > 0.8 > 0.3 > wrong


def test_missing_and_displaced_text_cost_and_an_empty_page_scores_zero(ocr: Ocr) -> None:
    prepared = ocr.prepare(TARGET)
    assert 0.5 < ocr(page("Sales by region"), prepared) < 0.9
    assert ocr(page("Sales by region", "42 units", left=170), prepared) < 0.95
    assert ocr(Image.new("RGB", SIZE, "white"), prepared) == 0


@pytest.mark.parametrize("size", [(1, 1), (5, 400), (12, 12), (13, 2000)])
def test_a_target_without_text_has_nothing_to_compare_whatever_its_shape(ocr: Ocr, size: tuple[int, int]) -> None:
    before = time.process_time()
    assert not ocr.applies(ocr.prepare(Image.new("RGB", size, "white")))
    assert time.process_time() - before < 10


@pytest.mark.parametrize(("texts", "there"), [([], False), (["O", "1"], False), (["Q", "42 %"], True)])
def test_single_letters_which_shapes_are_taken_for_are_no_text_to_look_for(
    ocr: Ocr, texts: list[str], there: bool
) -> None:
    spans = [Span(text, (0, 0, 10, 10)) for text in texts]
    assert ocr.applies(texts_of(spans, SIZE, [1.0] * len(spans))) is there


def test_it_applies_by_the_target_alone_and_needs_no_reference() -> None:
    svg = "```svg\n<svg xmlns='http://www.w3.org/2000/svg' width='420' height='200'>{}</svg>\n```"
    shape, text = "<rect width='90' height='90'/>", "<text x='20' y='60' font-size='36'>Sales by region</text>"
    with VisualReward("embedded", workers=1, components={"ocr": 1}) as reward:
        with_text = reward.score([RewardRequest(svg.format(each), TARGET, language="svg") for each in (shape, text)])
        without = reward.score([RewardRequest(svg.format(text), page(), language="svg")])
    assert [result.status for result in with_text] == [Status.OK] * 2
    assert with_text[0].scores["ocr"] == 0
    assert with_text[1].scores["ocr"] > 0.4
    assert without[0].scores["ocr"] is None


@pytest.mark.parametrize("package", ["rapidocr", "onnxruntime"])
def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError) as error:
        load_component("ocr", {})
    assert package in str(error.value)
    assert install_command("ocr") in str(error.value)
