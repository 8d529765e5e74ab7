"""Components by the contract: what they are given, where they run, whose fault it is when they fail."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import facts_language
import measured
import pytest
from PIL import Image

from vincicoder import registry
from vincicoder.errors import ConfigError
from vincicoder.rendering.facts import Facts, Span
from vincicoder.reward import RewardRequest, RewardResult, VisualReward
from vincicoder.reward.components import COMPONENTS, load_component
from vincicoder.status import Status

RED = (
    "<svg xmlns='http://www.w3.org/2000/svg' width='512' height='512'><rect width='320' height='320' fill='red'/></svg>"
)
TITLED = RED.replace("<rect", "<title>a</title><rect")


@pytest.fixture(scope="module", autouse=True)
def components() -> Iterator[None]:
    before = registry.exported()
    measured.adopt()
    yield
    registry.adopt(before)


@pytest.fixture(scope="module")
def target() -> Image.Image:
    image = Image.new("RGB", (512, 512), "white")
    image.paste("red", (0, 0, 320, 320))
    return image


def fenced(code: str) -> str:
    return f"```svg\n{code}\n```"


def scored(target: Image.Image, *responses: str, components: dict[str, object], **fields: object) -> list[RewardResult]:
    requests = [RewardRequest(response, target, language="svg", **fields) for response in responses]  # type: ignore[arg-type]
    with VisualReward("embedded", workers=2, components=components) as reward:
        return reward.score(requests)


def test_a_component_of_each_stage_measures_and_counts_by_its_weight(target: Image.Image) -> None:
    weights = {"overlap": 1.0, "gain": 0.5, "asked": 0.25}
    [result] = scored(target, fenced(RED), components=weights)
    assert result.status is Status.OK
    assert result.scores["overlap"] == pytest.approx(1, abs=0.01)
    assert 0 < result.scores["gain"] <= 1
    assert result.scores["asked"] == 1
    parts = {**weights, "paper": 1.0}
    mean = sum(weight * result.scores[name] for name, weight in parts.items()) / sum(parts.values())
    assert result.visual == pytest.approx(mean)
    assert result.overall == pytest.approx(0.9 * mean + 0.1)


def test_a_component_is_given_what_it_names(target: Image.Image) -> None:
    answer, reference = (RED.replace("</svg>", f"<text y='400'>{text}</text></svg>") for text in ("answer", "known"))
    asked = {"prompt": "Draw it.", "metadata": {"uid": "7"}}
    [result] = scored(target, fenced(answer), components={"given": 1}, reference=reference, **asked)
    assert result.scores["given"] == 1


@pytest.mark.parametrize(
    ("component", "colour"),
    [("overlap", facts_language.NOT_ASKED_FOR), ("from_facts", facts_language.ASKED_FOR)],
)
def test_renderers_gather_facts_only_where_a_component_asks_for_them(
    target: Image.Image, component: str, colour: tuple[int, int, int]
) -> None:
    before = registry.exported()
    entry = {"name": "facts", "value": "facts_language:LANGUAGE", "origin": "tests"}
    directory = str(Path(facts_language.__file__).parent)
    registry.adopt({**before, "vincicoder.languages": [{**entry, "directory": directory}]})
    request = RewardRequest(f"```facts\n{facts_language.WANTED}\n```", target, language="facts")
    try:
        with VisualReward("embedded", workers=1, components={component: 1}, keep_renders="all") as reward:
            [result] = reward.score([request])
    finally:
        registry.adopt(before)
    assert result.render is not None, result
    assert result.render.getpixel((30, 10)) == colour


def test_a_reference_is_given_without_its_fence(target: Image.Image) -> None:
    [result] = scored(target, fenced(TITLED), components={"titled": 1}, reference=f"It is:\n{fenced(TITLED)}")
    assert result.scores["titled"] == 1


def test_what_is_prepared_per_target_is_prepared_once_for_its_group(target: Image.Image) -> None:
    results = scored(target, *[fenced(RED + " " * n) for n in range(6)], components={"prepared": 1})
    assert {result.scores["prepared"] for result in results} == {0.1}


def test_a_component_that_only_logs_changes_no_reward(target: Image.Image) -> None:
    [plain] = scored(target, fenced(RED), components={})
    [logged] = scored(target, fenced(RED), components={"overlap": {"log": True}})
    assert logged.scores["overlap"] > 0
    assert (logged.overall, logged.visual) == (plain.overall, plain.visual)
    assert "overlap" not in plain.scores


def test_whether_a_component_applies_is_decided_by_the_data_and_never_by_the_response(target: Image.Image) -> None:
    responses = [
        fenced(RED),
        fenced(TITLED),
        "nothing",
        fenced("<svg"),
        fenced("<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ]
    with_title = scored(target, *responses, components={"titled": 1}, reference=TITLED)
    assert [result.scores["titled"] for result in with_title] == [0, 1, 0, 0, 0]
    without = scored(target, *responses, components={"titled": 1}, reference=RED)
    assert [result.scores["titled"] for result in without] == [None] * 5
    assert without[0].visual == without[0].scores["paper"]


@pytest.fixture
def facts_renderer() -> Iterator[None]:
    """The language `facts`, whose code is what its renderer knows of the image."""
    before = registry.exported()
    entry = {"name": "facts", "value": "facts_language:UNRELIABLE", "origin": "tests"}
    directory = str(Path(facts_language.__file__).parent)
    registry.adopt({**before, "vincicoder.languages": [{**entry, "directory": directory}]})
    yield
    registry.adopt(before)


def spans(count: int) -> str:
    return Facts((Span("a", (0, 0, 9, 9)),) * count).to_json()


@pytest.mark.parametrize(
    ("reference", "scores"),
    [
        (spans(2), [1, 0, 0, 0, 0]),
        (spans(0), [None] * 5),
        ("a renderer that knows nothing", [None] * 5),
        (None, [None] * 5),
    ],
)
@pytest.mark.usefixtures("facts_renderer")
def test_whether_a_component_applies_may_depend_on_what_is_known_of_the_references_render(
    reference: str | None, scores: list[float | None]
) -> None:
    answers = [spans(2), spans(1), "a renderer that knows nothing", ""]
    responses = [f"```facts\n{answer}\n```" for answer in answers] + ["no code"]
    page = Image.new("RGB", (40, 30), "white")
    requests = [RewardRequest(response, page, language="facts", reference=reference) for response in responses]
    with VisualReward("embedded", workers=1, components={"worded": 1}) as reward:
        results = reward.score(requests)
    assert [result.scores["worded"] for result in results] == scores


@pytest.mark.usefixtures("facts_renderer")
def test_a_reference_that_the_machine_fails_to_render_is_its_fault_wherever_that_render_is_asked_for() -> None:
    page = Image.new("RGB", (40, 30), "white")
    responses = [f"```facts\n{spans(1)}\n```", "no code"]
    requests = [
        RewardRequest(each, page, language="facts", reference=facts_language.UNRENDERABLE) for each in responses
    ]
    with VisualReward("embedded", workers=1, components={"worded": 1}) as reward:
        rendered, unaligned = reward.score(requests)
    assert (rendered.status, unaligned.status) == (Status.INFRASTRUCTURE, Status.NO_CODE)
    assert "the reference could not be rendered: no space is left" in rendered.message
    with VisualReward("embedded", workers=1, components={"prepared": 1, "titled": 1}) as reward:
        results = reward.score(requests)
    assert [result.status for result in results] == [Status.OK, Status.NO_CODE]


@pytest.mark.parametrize("name", ["raises", "dies", "excessive"])
def test_a_component_that_fails_is_a_machine_fault_and_names_itself(target: Image.Image, name: str) -> None:
    failed, unaligned = scored(target, fenced(RED), "no code", components={name: 1})
    assert failed.status is Status.INFRASTRUCTURE
    assert name in failed.message
    assert failed.visual == 0
    assert unaligned.status is Status.NO_CODE


def test_every_result_has_the_same_scores(target: Image.Image) -> None:
    components = {"overlap": 1, "asked": 1}
    results = scored(target, fenced(RED), "no code", fenced("<svg"), fenced(""), components=components)
    assert {tuple(sorted(result.scores)) for result in results} == {
        ("alignment", "asked", "coarse", "execution", "fine", "overlap", "paper")
    }
    assert all(result.scores["overlap"] == result.scores["paper"] == 0 for result in results[1:])


def test_calls_to_endpoints_share_one_limit(target: Image.Image) -> None:
    measured.asked.most = 0
    with VisualReward("embedded", workers=2, components={"asked": {"weight": 1, "seconds": 0.2}},
                      endpoint_concurrency=3) as reward:  # fmt: skip
        results = reward.score([RewardRequest(fenced(RED + " " * n), target, language="svg") for n in range(12)])
    assert all(result.status is Status.OK for result in results)
    assert 1 <= measured.asked.most <= 3


@pytest.mark.parametrize(
    ("components", "message"),
    [
        ({"papr": 1}, "Did you mean 'paper'"),
        ({"greedy": 1}, "everything"),
        ({"overlap": {"weight": 1, "size": 3}}, "size"),
        ({"asked": {"weight": 1, "second": 3}}, "seconds"),
        ({"overlap": -1}, "overlap"),
        ({"overlap": "much"}, "overlap"),
        ({"overlap": {}}, "neither counts nor is logged"),
        ({"asked": {"second": 3}}, "neither counts nor is logged"),
        ({"asked": {"weight": 1, "seconds": "soon"}}, "seconds is 'soon'"),
        ({"tokens": 1}, "patch tokens"),
    ],
)
def test_a_component_that_cannot_work_is_refused_before_anything_runs(
    components: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        VisualReward("embedded", workers=1, components=components)


NEEDED = {"judge": {"url": "http://localhost:8000/v1", "model": "judge"}}
"""What a component must be told."""
PACKAGES = {"ocr": ("rapidocr", "onnxruntime")}
"""What a component needs of an extra that not every developer has."""


@pytest.mark.parametrize("name", [name for name in COMPONENTS if name not in measured.NAMES])
def test_every_built_in_component_loads_and_names_only_what_is_on_offer(name: str) -> None:
    if missing := [each for each in PACKAGES.get(name, ()) if find_spec(each) is None]:
        with pytest.raises(ConfigError, match=f"{missing[0]}.*{name}"):
            load_component(name, {})
        return
    component = load_component(name, NEEDED.get(name, {}))
    assert component.name == name
    assert component.stage in ("inline", "pixels", "endpoint")
    assert component.needs
