"""The reward function that TRL and ms-swift call."""

from __future__ import annotations

import base64
import io
import json
import pickle
import threading
from collections import defaultdict
from functools import partial

import pytest
from PIL import Image

from vincicoder import CompletionReward, RewardRequest, VisualReward, trainers
from vincicoder.errors import ConfigError
from vincicoder.rendering import Render, RenderPool
from vincicoder.status import Status
from vincicoder.trainers.completions import REWARDS

OPTIONS = {"encoder": "embedded", "workers": 1}
ASKED = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Draw this picture as SVG."}]}]


def svg(fill: str, radius: int = 20) -> str:
    shape = f'<rect width="64" height="64" fill="white"/><circle cx="30" cy="30" r="{radius}" fill="{fill}"/>'
    return f'```svg\n<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">{shape}</svg>\n```'


@pytest.fixture(scope="module")
def target() -> Image.Image:
    with RenderPool(workers=1) as pool:
        target_image = pool.render(svg("red").split("\n")[1], "svg").image
    assert target_image is not None
    return target_image


@pytest.fixture(scope="module")
def png(target: Image.Image) -> bytes:
    buffer = io.BytesIO()
    target.save(buffer, "PNG")
    return buffer.getvalue()


RESPONSES = [svg("red"), svg("blue"), "no code at all", svg("red", radius=9)]


@pytest.fixture(scope="module")
def expected(png: bytes) -> list[float]:
    with VisualReward(**OPTIONS) as reward:
        scored = reward.score([RewardRequest(response, png, language="svg") for response in RESPONSES])
    scores = [each.overall for each in scored]
    assert scores[0] > 0.999 > max(scores[1], scores[3]) > min(scores[1], scores[3]) > 0.1 > scores[2] == 0
    return scores


@pytest.mark.parametrize("form", ["TRL text", "TRL messages", "ms-swift", "JSON in solution"])
def test_every_shape_that_trainers_pass_gives_the_rewards_numbers(form, png, target, expected):
    count = len(RESPONSES)
    messages = [[{"role": "assistant", "content": response}] for response in RESPONSES]
    text = base64.b64encode(png).decode()
    call = {
        "TRL text": {"completions": RESPONSES, "prompts": ["As SVG, please."] * count, "image": [target] * count},
        "TRL messages": {"completions": messages, "prompts": [ASKED] * count, "images": [[target]] * count},
        "ms-swift": {
            "completions": RESPONSES,
            "messages": [[*ASKED, *message] for message in messages],
            "images": [[{"bytes": png, "path": None}]] * count,
            "trainer_state": None,
            "solution": [svg("red")] * count,
        },
        "JSON in solution": {
            "completions": RESPONSES,
            "solution": [json.dumps({"target": text, "language": "svg"})] * count,
        },
    }[form]
    assert CompletionReward(**OPTIONS)(**call) == pytest.approx(expected, abs=1e-6)


def test_relative_paths_start_from_the_directory(tmp_path, png, expected):
    (tmp_path / "a.png").write_bytes(png)
    reward = CompletionReward(image_dir=str(tmp_path), **OPTIONS)
    columns = {"target": ["a.png"] * 4, "language": ["svg"] * 4}
    assert reward(completions=RESPONSES, **columns) == pytest.approx(expected, abs=1e-6)


def test_rewards_of_one_batch_share_one_scoring_pass_even_at_once(png):
    trainers.drain_sums()
    rewards = [pickle.loads(pickle.dumps(CompletionReward(name, **OPTIONS))) for name in REWARDS]
    assert [each.__name__ for each in rewards] == [
        "vincicoder", "vincicoder_visual", "vincicoder_alignment", "vincicoder_execution"
    ]  # fmt: skip
    completions = [svg("green"), "nothing"]
    columns = {"images": [[{"bytes": png}], [{"bytes": png}]], "language": ["svg", "svg"]}
    results: dict[str, list[float | None]] = {}

    def call(reward: CompletionReward) -> None:
        results[reward.reward] = reward(completions=completions, **columns)

    threads = [threading.Thread(target=call, args=[reward]) for reward in rewards]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results["alignment"] == results["execution"] == [1.0, 0.0]
    assert results["overall"][0] == pytest.approx(0.9 * results["visual"][0] + 0.1)
    sums = trainers.drain_sums()
    assert sums["count"] == 2
    assert sums["visual"] == pytest.approx(sum(results["visual"]))
    assert not trainers.drain_sums()


def test_the_same_texts_with_other_targets_are_scored_anew(png):
    reward = CompletionReward(**OPTIONS)
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "blue").save(buffer, "PNG")
    completions = [svg("red")]
    near, far = (reward(completions=completions, image=[each], language=["svg"]) for each in (png, buffer.getvalue()))
    assert near[0] > far[0]


def test_log_metric_gets_every_mean_once_per_batch(png):
    logged: list[tuple[str, float]] = []
    for name in REWARDS:
        CompletionReward(name, **OPTIONS)(
            completions=[svg("black"), "no"],
            image=[png, png],
            language=["svg", "svg"],
            log_metric=lambda *each: logged.append(each),
        )
    means = dict(logged)
    assert len(logged) == len(means)
    assert means["vincicoder/execution"] == 0.5
    assert set(means) >= {"vincicoder/overall", "vincicoder/timeout", "vincicoder/infrastructure"}


def _extend(table: dict[str, list[str]], column: str, values: list[str]) -> None:
    table[column].extend(values)


def test_the_table_of_completions_gets_each_column_once_and_paths_of_targets(png, tmp_path):
    Image.open(io.BytesIO(png)).save(tmp_path / "target.png")
    path = str(tmp_path / "target.png")
    call = {"completions": [svg("teal"), "no", "```svg\n<svg"], "language": ["svg", "svg", "svg"]}
    for image, columns in ((png, {"vincicoder/outcome"}), (path, {"vincicoder/outcome", "target"})):
        logged: defaultdict[str, list[str]] = defaultdict(list)
        table = partial(_extend, logged)
        for name in REWARDS:
            CompletionReward(name, **OPTIONS)(image=[image] * 3, log_extra=table, **call)
        assert set(logged) == columns
        assert logged["vincicoder/outcome"] == ["ok", "not_aligned", "truncated"]
    assert logged["target"] == [path] * 3


def test_the_log_says_how_far_apart_groups_are_and_which_lie_below_the_noise(png, expected):
    logged: dict[str, float] = {}
    alike = [svg("red")] * 2
    call = {
        "completions": [svg("red"), svg("blue"), *alike, svg("red")],
        "prompts": ["one", "one", "two", "two", "alone"],
        "image": [png] * 5,
        "language": ["svg"] * 5,
    }
    CompletionReward(noise=0.01, **OPTIONS)(**call, log_metric=logged.__setitem__)
    apart = abs(expected[0] - expected[1])
    assert logged["vincicoder/group/range"] == pytest.approx(apart / 2)
    assert logged["vincicoder/group/std"] == pytest.approx(apart / 4)
    assert logged["vincicoder/group/below_noise"] == 0.5


def test_a_group_below_the_least_spread_is_level_for_every_reward(png, expected):
    call = {"completions": [svg("red"), svg("blue")] * 2, "image": [png] * 4, "language": ["svg"] * 4}
    prompts = ["one", "one", "two", "two"]
    apart = abs(expected[0] - expected[1]) / 2
    for name in ("overall", "visual"):
        free = CompletionReward(name, **OPTIONS)(prompts=prompts, **call)
        level = CompletionReward(name, least_spread=apart + 0.01, group_size=2, **OPTIONS)(prompts=prompts, **call)
        assert level == pytest.approx([sum(free[:2]) / 2] * 4)
        assert CompletionReward(name, least_spread=apart - 0.01, **OPTIONS)(prompts=prompts, **call) == free
        assert CompletionReward(name, least_spread=1.0, group_size=4, **OPTIONS)(prompts=prompts, **call) == free


def test_a_fault_of_the_machine_is_none_or_the_groups_mean(png, expected, monkeypatch):
    """The fault cannot be caused on demand, so the pool is told that one code cannot be rendered here."""
    drawn = RenderPool._render

    def render(self, wanted):
        return Render(Status.INFRASTRUCTURE, message="lost") if "cx='1'" in wanted.code else drawn(self, wanted)

    monkeypatch.setattr(RenderPool, "_render", render)
    lost = '```svg\n<svg xmlns="http://www.w3.org/2000/svg"><circle cx=\'1\' r="3"/></svg>\n```'
    call = {"completions": [svg("red"), lost, svg("blue")], "image": [png] * 3, "language": ["svg"] * 3}
    assert CompletionReward(**OPTIONS)(**call) == pytest.approx([expected[0], None, expected[1]])
    mean = (expected[0] + expected[1]) / 2
    assert CompletionReward(faults="mean", **OPTIONS)(**call) == pytest.approx([expected[0], mean, expected[1]])


def test_a_row_that_cannot_be_used_is_none_and_left_out_of_the_means(png, expected):
    logged: dict[str, float] = {}
    call = {
        "completions": [svg("red"), svg("red"), svg("red"), svg("blue")],
        "image": [png, "gone.png", png, png],
        "language": ["svg", "svg", "cobol", "svg"],
        "log_metric": logged.__setitem__,
    }
    scores = CompletionReward(**OPTIONS)(**call)
    assert scores == pytest.approx([expected[0], None, None, expected[1]])
    assert logged["vincicoder/overall"] == pytest.approx((expected[0] + expected[1]) / 2)
    assert logged["vincicoder/bad_target"] == logged["vincicoder/bad_request"] == 0.25
    assert CompletionReward(faults="mean", **OPTIONS)(**call)[1:3] == [0, 0]


def test_data_that_never_says_its_language_is_an_error_at_the_first_batch(png):
    reward = CompletionReward(alignment_weight=0.15, **OPTIONS)
    with pytest.raises(ConfigError, match="Give a column 'language'"):
        reward(completions=[svg("red")] * 2, prompts=["Draw this."] * 2, image=[png] * 2)
    solution = {"solution": [svg("red")] * 2}
    assert reward(completions=[svg("red")] * 2, prompts=["Draw this."] * 2, image=[png] * 2, **solution)[0] > 0.9


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"reward": "beauty"}, "reward is 'beauty'; expected one of: overall, visual"),
        ({"noise": "loud"}, "noise is 'loud'; expected a number from 0 to 1"),
        ({"faults": "zero"}, "faults is 'zero'; expected one of: none, mean"),
        ({"encodr": "embedded"}, "no option 'encodr'; did you mean 'encoder'"),
        ({"imag_dir": "/data"}, "no option 'imag_dir'; did you mean 'image_dir'"),
        ({"cpu_seconds": "long"}, "cpu_seconds is 'long'"),
    ],
)
def test_a_wrong_option_is_an_error_before_anything_is_scored(options, said):
    with pytest.raises(ConfigError, match=said):
        CompletionReward(**options)
