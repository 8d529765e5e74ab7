"""A user's own function beside the components, and weights that change over steps."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from vincicoder import CompletionReward, RewardRequest, VisualReward, trainers
from vincicoder.errors import ConfigError
from vincicoder.options import to_flat
from vincicoder.reward.combine import combine, measuring, rewarded, weights_of
from vincicoder.reward.config import RewardConfig, ScoringConfig
from vincicoder.reward.schedule import weight_at
from vincicoder.status import Status

SVG = '```svg\n<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="{}"/></svg>\n```'
TERMS = """
def short(request, result):
    return float(len(result.code) < request.metadata.get("most", 1000))

def paired(request, result):
    return {"width": result.image().width / 1024, "known": None}
paired.scores = ("width", "known")

def broken(request, result):
    return 1 / 0

def large(request, result):
    return 2

def ocr(request, result):
    return 1
"""


@pytest.fixture
def terms(tmp_path: Path) -> str:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "target.png")
    path = tmp_path / "terms.py"
    path.write_text(TERMS)
    return str(path)


def scored(terms: str, fill: str = "red", **options):
    request = RewardRequest(SVG.format(fill), Path(terms).parent / "target.png", language="svg", metadata={"most": 10})
    with VisualReward(encoder="embedded", workers=1, **options) as reward:
        [result] = reward.score([request])
    return result


def test_an_extra_joins_the_components_by_its_weight(terms):
    result = scored(terms, extra=f"{terms}:short", components={"short": 1.0})
    assert (result.scores["short"], result.status) == (0.0, Status.OK)
    assert result.visual == pytest.approx(result.scores["paper"] / 2)


def test_an_extra_may_give_several_scores_of_which_some_do_not_apply(terms):
    result = scored(terms, extra=f"{terms}:paired", components={"width": 1, "known": 3, "paper": 0})
    assert (result.scores["width"], result.scores["known"], result.visual) == (0.5, None, 0.5)


@pytest.mark.parametrize("name", ["broken", "large"])
def test_an_extra_that_fails_is_a_fault_of_the_machine_and_says_why(terms, name):
    result = scored(terms, extra=f"{terms}:{name}", components={name: 1.0})
    assert (result.status, result.visual, result.scores[name]) == (Status.INFRASTRUCTURE, 0, 0)
    assert f"terms.py:{name}" in result.message


@pytest.mark.parametrize(
    ("extra", "components", "message"),
    [
        ("short", {}, "expected 'module:function'"),
        ("no_such_module:short", {}, "cannot be loaded: ModuleNotFoundError"),
        ("{terms}:shrt", {}, "cannot be loaded: AttributeError"),
        ("{terms}:short", {}, "give it a weight, such as components={'short': 0.2}"),
        ("{terms}:short", {"short": {"weight": 1, "most": 3}}, "an extra takes 'weight' and 'log' only"),
        ("{terms}:short,{terms}:short", {"short": 1}, "twice"),
        ("{terms}:ocr", {"ocr": 1}, "choose another"),
        ("", {"short": "linear 0 1"}, r"components\['short'\] is 'linear 0 1'; expected a weight"),
    ],
)
def test_an_extra_or_a_schedule_that_cannot_work_is_refused_at_once(terms, extra, components, message):
    with pytest.raises(ConfigError, match=message):
        ScoringConfig(extra=extra.format(terms=terms), components=components)


def test_trainers_get_the_extras_number_and_services_know_nothing_of_it(terms):
    options = {"extra": [f"{terms}:short"], "components": {"short": {"log": True}}}
    reward = trainers.shared_reward({"encoder": "embedded", "workers": 1, **options}, "")
    target = str(Path(terms).parent / "target.png")
    good, bad = reward.score([RewardRequest(text, target, language="svg") for text in (SVG.format("red"), "none")])
    assert (good["short"], bad["short"]) == (1, 0)
    measured = to_flat(measuring(RewardConfig(scoring=ScoringConfig(**options))))
    assert measured["extra"] == [] and "short" not in measured["components"]


def test_a_schedule_goes_from_its_first_weight_to_its_last_and_stays():
    assert [weight_at("linear 0 0.4 200", step) for step in (0, 50, 200, 900)] == [0, 0.1, 0.4, 0.4]
    assert [weight_at("step 1 0 50", step) for step in (0, 49, 50, None)] == [1, 1, 0, 0]
    assert [round(weight_at("cosine 0 1 100", step), 3) for step in (0, 25, 50, 100)] == [0, 0.146, 0.5, 1]


def test_weights_follow_the_step_of_the_request():
    config = ScoringConfig(components={"paper": "step 1 0 10", "hog": "step 0 1 10"})
    assert weights_of(config, 0) == {"paper": 1, "hog": 0}
    scores = {"paper": 0.2, "hog": 0.8, "alignment": 1.0}
    assert [combine(scores, Status.OK, config, step).visual for step in (9, 10)] == [0.2, 0.8]
    result = scored_result(scores)
    late = RewardRequest("", b"", metadata={"global_step": 12})
    assert rewarded(result, config, late).visual == 0.8


def test_a_trainer_that_says_no_step_refuses_schedules():
    options = {"encoder": "embedded", "components": {"hog": "linear 0 1 10"}}
    with pytest.raises(ConfigError, match="does not tell a reward its step"):
        trainers.sample_scorer("", **options)
    assert CompletionReward(**options).__name__ == "vincicoder"


def scored_result(scores):
    from vincicoder.reward import RewardResult

    return RewardResult(
        overall=0, visual=0, scores=scores, status=Status.OK, message="", language="svg", code="", render=None,
        grid=None, tiles=(), encoder="", preset="", seconds={},
    )  # fmt: skip
