"""What the beginnings of code earn: the last is the reward, a stroke that does harm counts against itself."""

from __future__ import annotations

import json
import math

import pytest
from PIL import Image, ImageDraw

import vincicoder
from vincicoder import RewardRequest, VisualReward
from vincicoder.errors import ConfigError, TargetError
from vincicoder.reward.codec import pack, result_fields, result_from_fields, unpack
from vincicoder.reward.combine import measuring, rewarded
from vincicoder.reward.config import RewardConfig, ScoringConfig
from vincicoder.status import Status

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
SQUARE, CIRCLE = (
    '<rect x="8" y="8" width="40" height="40" fill="blue"/>',
    '<circle cx="28" cy="28" r="12" fill="gold"/>',
)
HARM = '<rect y="24" width="64" height="40" fill="red"/>'
GOOD, BAD = f"{HEAD}{SQUARE}{CIRCLE}</svg>", f"{HEAD}{SQUARE}{HARM}{CIRCLE}</svg>"


def response(code: str) -> str:
    return f"Here it is.\n```svg\n{code}\n```"


@pytest.fixture(scope="module")
def target() -> Image.Image:
    image = Image.new("RGB", (512, 512), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((64, 64, 383, 383), "blue")
    draw.ellipse((128, 128, 319, 319), "gold")
    return image


@pytest.fixture(scope="module")
def plain():
    with VisualReward("embedded", workers=1, cpu_seconds=60, wall_seconds=180) as reward:
        yield reward


@pytest.fixture(scope="module")
def asked():
    with VisualReward("embedded", workers=1, cpu_seconds=60, wall_seconds=180, prefixes=20) as reward:
        yield reward


def scored(reward, target, *codes):
    return reward.score([RewardRequest(response(code), target, language="svg") for code in codes])


def test_the_last_prefix_earns_the_plain_reward_to_the_bit(plain, asked, target):
    for one, other, code in zip(
        scored(plain, target, GOOD, BAD), scored(asked, target, GOOD, BAD), (GOOD, BAD), strict=True
    ):
        assert one.prefixes == ()
        assert (one.overall, one.scores) == (other.overall, other.scores)
        last = other.prefixes[-1]
        assert (last.end, last.overall, last.scores) == (len(code), one.overall, one.scores)


@pytest.mark.parametrize("options", [{"preset": "robust"}, {"components": {"hog": 0.5, "length": {"log": True}}}])
def test_so_it_does_with_other_components(target, options):
    rewards = []
    for prefixes in (0, 20):
        with VisualReward("embedded", workers=1, prefixes=prefixes, **options) as reward:
            rewards += scored(reward, target, BAD)
    assert rewards[0].overall == rewards[1].overall == rewards[1].prefixes[-1].overall


def test_prefixes_end_behind_elements_and_score_as_documents_of_their_own(plain, asked, target):
    [result] = scored(asked, target, GOOD)
    ends = [GOOD.index(SQUARE), GOOD.index(CIRCLE), GOOD.index("</svg>"), len(GOOD)]
    assert [each.end for each in result.prefixes] == ends
    alone = scored(plain, target, *(GOOD[: each.end] + "</svg>" for each in result.prefixes[1:3]))
    assert [each.overall for each in alone] == [each.overall for each in result.prefixes[1:3]]
    assert result.prefixes[2].overall == result.overall


def test_a_stroke_that_makes_the_image_worse_has_negative_credit(asked, target):
    [result] = scored(asked, target, BAD)
    empty, square, harm, *_ = (each.overall for each in result.prefixes)
    assert square > empty and harm < square
    assert min(each.overall for each in result.prefixes) >= 0


def test_bad_responses_get_a_status_and_no_prefixes_in_batches_of_any_size(asked, target):
    bad = ["<svg", f"{HEAD}</svg>", f'{HEAD}<image href="data:image/png;base64,{"A" * 9000}"/></svg>', "no"]
    codes = [code for _ in range(10) for code in (GOOD, BAD, *bad)]
    results = scored(asked, target, *codes)
    assert {each.status for each in results[2:6]} == {Status.SYNTAX_ERROR, Status.BLANK, Status.RASTER}
    for result in results:
        assert bool(result.prefixes) == (result.status is Status.OK)
    assert [each.prefixes for each in results[:2]] * 10 == [each.prefixes for each in results if each.prefixes]


def test_a_language_without_prefixes_has_the_whole_alone(asked, target):
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 2])"
    [result] = asked.score([RewardRequest(f"```python\n{code}\n```", target, language="python")])
    assert [(each.end, each.overall) for each in result.prefixes] == [(len(code), result.overall)]


def test_prefixes_travel_and_are_weighed_where_they_arrive(target):
    measures = {"components": {"hog": {"log": True}}, "prefixes": 5}
    with VisualReward("embedded", workers=1, **measures) as service:
        [measured] = scored(service, target, BAD)
    weighing = ScoringConfig(components={"hog": 0.5}, prefixes=5)
    assert measuring(RewardConfig(scoring=weighing)).scoring.prefixes == 5
    header, _ = unpack(pack(result_fields(measured)))
    arrived = rewarded(result_from_fields(header, None), weighing)
    local = rewarded(measured, weighing)
    assert arrived.prefixes == local.prefixes != measured.prefixes
    assert arrived.prefixes[-1].overall == arrived.overall
    told = json.loads(json.dumps(local.to_dict()))["prefixes"]
    assert [(end, overall) for end, overall, _ in told] == [(each.end, each.overall) for each in local.prefixes]


def test_extras_count_the_same_in_each_prefix(asked, target, tmp_path):
    (tmp_path / "terms.py").write_text("def wide(request, result):\n    return result.image().width / 1024\n")
    [plain] = scored(asked, target, GOOD)
    weighing = ScoringConfig(extra=(f"{tmp_path}/terms.py:wide",), components={"wide": 1.0})
    result = rewarded(plain, weighing, RewardRequest(response(GOOD), target, language="svg"))
    assert {each.scores["wide"] for each in result.prefixes} == {0.5}
    assert result.prefixes[-1].overall == result.overall
    for one, other in zip(result.prefixes, plain.prefixes, strict=True):
        assert math.isclose(one.overall - 0.1, ((other.overall - 0.1) / 0.9 + 0.5) / 2 * 0.9)


def test_the_function_says_ends_and_rewards(asked, target):
    found = vincicoder.prefix_scores(f"\n{GOOD}\n", "SVG", target, encoder="embedded")
    [result] = scored(asked, target, GOOD)
    assert found == [(1 + each.end, each.overall) for each in result.prefixes]
    two = vincicoder.prefix_scores(GOOD, "svg", target, encoder="embedded", prefixes=2)
    assert [end for end, _ in two] == [GOOD.index(SQUARE), len(GOOD)]
    assert vincicoder.prefix_scores("<svg", "svg", target, encoder="embedded") == []


def test_the_function_refuses_what_cannot_work(target):
    with pytest.raises(ConfigError, match="html cannot be drawn; the languages whose can: latex, svg"):
        vincicoder.prefix_scores("<p>a", "html", target)
    with pytest.raises(TargetError):
        vincicoder.prefix_scores(GOOD, "svg", b"no image", encoder="embedded")
    with pytest.raises(ConfigError, match="prefixes"):
        vincicoder.prefix_scores(GOOD, "svg", target, encoder="embedded", prefixes=1000)
