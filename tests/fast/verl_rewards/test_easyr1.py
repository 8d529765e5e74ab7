"""The reward file under EasyR1's contract, reproduced by a small manager of the test's own."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import textwrap
import time
import types

import numpy as np
import pair_judge
import pytest
from chat_server import chatting
from easyr1_manager import FILE, Manager, batch
from PIL import Image
from reward_files import BROKEN, OPTIONS, PERFECT, PROSE, REWARDS, WRONG, load_by_path

from vincicoder import VisualReward
from vincicoder.errors import ConfigError, TargetError

RELEASE_KEYS = {"overall", "format", "accuracy", "execution"}


def given(response: str, ground_truth, **more) -> dict:
    return {"response": response, "response_length": len(response), "ground_truth": ground_truth, **more}


def test_module_says_what_easyr1_reads():
    module, _ = load_by_path(FILE)
    assert module.REWARD_NAME == "vincicoder"
    assert module.REWARD_TYPE == "batch"


def test_same_numbers_as_the_reward_itself(easyr1, expected, base64_png):
    truth = json.dumps({"target": base64_png, "language": "svg", "code": "<svg/>"})
    scores = easyr1([given(each, truth) for each in (PERFECT, WRONG, PROSE, BROKEN)])
    for score, result in zip(scores, expected, strict=True):
        assert score["overall"] == result.overall
        assert score["accuracy"] == score["visual"] == result.visual
        assert score["format"] == score["alignment"] == result.alignment
        assert score["execution"] == result.execution
        assert (score["coarse"], score["fine"]) == (result.coarse, result.fine)
    assert scores[0]["overall"] > 0.95 > scores[1]["overall"]
    assert scores[2]["overall"] == 0
    assert scores[3]["code_error"] == 1


def test_every_sample_has_the_same_float_keys(easyr1, base64_png):
    truth = json.dumps({"target": base64_png, "language": "svg"})
    rows = [
        given(PERFECT, truth),
        given(PROSE, truth),
        given(BROKEN, truth),
        given(PERFECT, "no image here"),
    ]
    scores = easyr1(rows)
    assert all(set(score) == set(scores[0]) >= RELEASE_KEYS for score in scores)
    assert all(type(value) is float for score in scores for value in score.values())


def test_every_sample_says_how_far_apart_its_group_is_which_a_filter_can_use(easyr1, expected, base64_png):
    """EasyR1 keeps a group if the mean of ``algorithm.filter_key`` is above ``filter_low``."""
    truths = [json.dumps({"target": base64_png, "language": "svg", "prompt": each}) for each in "ab"]
    scores = easyr1([given(each, truths[0]) for each in (PERFECT, WRONG)] + [given(WRONG, truths[1])] * 2)
    apart = (expected[0].overall - expected[1].overall) / 2
    assert [score["group/std"] for score in scores] == pytest.approx([apart, apart, 0, 0])
    assert [score["group/svg/below_noise"] for score in scores] == [0, 0, 1, 1]
    assert all(type(value) is float for score in scores for value in score.values())


def test_every_form_of_target_gives_the_same_score(easyr1, expected, target_image, png, base64_png, directory):
    path = str(directory / "sub" / "target.png")
    targets = [target_image, png, path, base64_png, {"bytes": png, "path": None}, {"bytes": None, "path": path}]
    truths = [{"target": each, "language": "svg", "code": None} for each in targets]
    truths += [json.dumps({"target": each, "language": "svg"}) for each in (path, {"bytes": base64_png})]
    scores = easyr1([given(PERFECT, each) for each in truths])
    assert [score["overall"] for score in scores] == [expected[0].overall] * len(truths)


def test_every_form_of_image_in_the_fork_gives_the_same_score(easyr1, expected, target_image, png, directory):
    path = str(directory / "sub" / "target.png")
    images = [target_image, png, path, {"bytes": png, "path": "gone.png"}, {"bytes": None, "path": path}]
    data = batch(
        [PERFECT] * len(images),
        ground_truth=["<svg/>"] * len(images),
        multi_modal_data=[{"images": [each]} for each in images],
        prompt_str=["<image>Draw this picture as SVG code."] * len(images),
    )
    rewards, metrics = Manager(easyr1, fork=True).compute_reward(data)
    assert metrics["overall"] == [expected[0].overall] * len(images)
    assert np.allclose(rewards.sum(1), metrics["overall"])


def test_target_of_the_answer_goes_before_the_prompts_image(easyr1, base64_png, target_image):
    other = {"images": [Image.new("RGB", target_image.size, "green")]}
    truth = {"target": base64_png, "language": "svg"}
    assert easyr1([given(PERFECT, truth, multi_modal_data=other)])[0]["overall"] > 0.95


def test_relative_paths_start_from_image_dir(directory, expected):
    _, compute_score = load_by_path(FILE, **OPTIONS, image_dir=str(directory))
    truth = {"target": "sub/target.png", "language": "svg"}
    images = {"images": ["sub/target.png"]}
    rows = [given(PERFECT, truth), given(PERFECT, "<svg/>", multi_modal_data=images, language="svg")]
    assert [score["overall"] for score in compute_score(rows)] == [expected[0].overall] * 2


def test_stock_manager_finds_image_and_prompt_in_the_batch(easyr1, expected, png):
    data = batch(
        [PERFECT, PROSE],
        prompts=["user\nWrite SVG code for it.\nassistant\n", "user\nPlease write SVG.\n"],
        ground_truth=["<svg/>", "<svg/>"],
        multi_modal_data=[{"images": [{"bytes": png, "path": None}]}] * 2,
        uid=["a", "b"],
    )
    _, metrics = Manager(easyr1).compute_reward(data)
    assert metrics["overall"] == [expected[0].overall, 0.0]


def test_a_validation_is_shown_at_the_step_of_training(expected, base64_png, tmp_path):
    _, compute_score = load_by_path(FILE, **OPTIONS, gallery_dir=str(tmp_path / "g"), gallery_every=1)
    truth = json.dumps({"target": base64_png, "language": "svg"})
    for columns in ({"uid": ["a", "b"]}, {}, {"uid": ["c", "d"]}, {}):
        Manager(compute_score).compute_reward(batch([PERFECT, WRONG], ground_truth=[truth] * 2, **columns))
    shown = tmp_path / "g" / "steps"
    end = time.monotonic() + 60
    while len(list(shown.glob("*.json"))) < 2 and time.monotonic() < end:
        time.sleep(0.1)
    assert sorted(path.name for path in shown.glob("*.json")) == ["00000001.json", "00000002.json"]


def test_batch_is_ignored_when_told_so_or_out_of_step(png):
    def bad_targets(compute_score, **more):
        compute_score([given(PERFECT, {"target": png, "language": "svg"})])  # or else no target at all would raise
        images = [{"images": [png]}]
        data = batch([PERFECT], ground_truth=["<svg/>"], multi_modal_data=images, language=["svg"], **more)
        return Manager(compute_score).compute_reward(data)[1]["bad_target"]

    assert bad_targets(load_by_path(FILE, **OPTIONS)[1]) == [0]
    assert bad_targets(load_by_path(FILE, **OPTIONS)[1], more=[1, 2]) == [1]
    assert bad_targets(load_by_path(FILE, **OPTIONS, read_batch=False)[1]) == [1]


def test_row_without_target_is_counted_and_harms_no_other(easyr1, expected, base64_png):
    truth = {"target": base64_png, "language": "svg"}
    gone = {"target": "gone.png", "language": "svg"}
    rows = [given(PERFECT, "<svg/>"), given(PERFECT, gone), given(PERFECT, truth)]
    missing, unreadable, good = easyr1(rows)
    assert missing["bad_target"] == unreadable["bad_target"] == 1
    assert missing["overall"] == unreadable["overall"] == 0
    assert good["overall"] == expected[0].overall


def test_first_batch_without_any_target_says_how_to_provide_one():
    _, compute_score = load_by_path(FILE, **OPTIONS, alignment_weight=0.2)
    with pytest.raises(TargetError, match=r"data\.image_key.*image_dir"):
        compute_score([given(PERFECT, "<svg/>")] * 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"encodr": "embedded"}, "encodr.*did you mean 'encoder'"),
        ({"imag_dir": "/data"}, "imag_dir.*did you mean 'image_dir'"),
        ({"alignment_weight": "much"}, "alignment_weight is 'much'"),
        ({"format_weight": "much"}, "alignment_weight is 'much'"),
    ],
)
def test_a_wrong_option_is_named_at_the_first_call(options, said):
    _, compute_score = load_by_path(FILE, **options)
    with pytest.raises(ConfigError, match=said):
        compute_score([given(PERFECT, "<svg/>")])


@pytest.mark.parametrize("options", [{"workers": "many"}, {"encodr": "embedded"}])
def test_a_wrong_option_is_an_error_when_easyr1_loads_the_file(options):
    def load(config):
        spec = importlib.util.spec_from_file_location("custom_reward_fn", config.reward_function)
        spec.loader.exec_module(importlib.util.module_from_spec(spec))

    def configured(**options):
        return types.SimpleNamespace(reward_function=str(REWARDS / FILE), reward_function_kwargs=options)

    load(configured(**OPTIONS, image_dir="/data", read_batch=True, format_weight=0.1))
    with pytest.raises(ConfigError, match=next(iter(options))):
        load(configured(**options))


def test_the_releases_name_for_the_alignment_weight_is_understood(base64_png):
    _, compute_score = load_by_path(FILE, **OPTIONS, format_weight="3e-1")
    [score] = compute_score([given(WRONG, {"target": base64_png, "language": "svg"})])
    assert score["overall"] == pytest.approx(0.7 * score["accuracy"] + 0.3)


def test_a_row_with_an_unknown_language_is_its_own_fault(easyr1, expected, base64_png):
    truths = [{"target": base64_png, "language": language} for language in ("svg", "cobol")]
    good, bad = easyr1([given(PERFECT, each) for each in truths])
    assert (good["overall"], good["bad_request"]) == (expected[0].overall, 0)
    assert (bad["overall"], bad["bad_request"]) == (0, 1)


def test_reference_and_the_rest_of_the_row_reach_the_reward(easyr1, png, monkeypatch):
    seen = []
    stream = VisualReward.stream

    def watched(self, requests, *arguments):
        seen.extend(requests)
        return stream(self, requests, *arguments)

    monkeypatch.setattr(VisualReward, "stream", watched)
    data = batch(
        [PROSE] * 3,
        ground_truth=["<svg/>", f"It is:\n{WRONG}", {"code": "<svg></svg>", "language": "svg", "domain": "icon"}],
        prompts=["Write SVG."] * 3,
        multi_modal_data=[{"images": [png]}] * 3,
        uid=["a", "b", "c"],
        id=[1, 2, 3],
        data_source=["vincicoder/svg"] * 3,
    )
    Manager(easyr1).compute_reward(data)
    assert [each.reference for each in seen] == ["<svg/>", WRONG.split("```")[1][4:-1], "<svg></svg>"]
    row = {"data_source": "vincicoder/svg", "response_length": len(PROSE)}
    assert [each.metadata for each in seen] == [
        {"uid": "a", "id": 1, **row},
        {"uid": "b", "id": 2, **row},
        {"uid": "c", "id": 3, "domain": "icon", **row},
    ]


def test_works_in_a_fresh_interpreter_from_another_directory_when_only_cloned(tmp_path, png):
    (tmp_path / "target.png").write_bytes(png)
    (tmp_path / "response.md").write_text(PERFECT, encoding="utf-8")
    program = f"""
        import importlib.util, json, os, sys, pathlib
        from functools import partial
        # Forget an editable installation, so that the file has to find the package beside itself.
        sys.meta_path[:] = [each for each in sys.meta_path if "editable" not in str(each)]
        spec = importlib.util.spec_from_file_location("custom_reward_fn", {str(REWARDS / FILE)!r})
        module = importlib.util.module_from_spec(spec)
        sys.modules["custom_reward_fn"] = module
        spec.loader.exec_module(module)
        heavy = [name for name in ("torch", "playwright", "matplotlib") if name in sys.modules]
        reward_fn = partial(getattr(module, "compute_score"), encoder="embedded", workers=1)
        truth = json.dumps({{"target": "target.png", "language": "svg"}})
        response = pathlib.Path("response.md").read_text()
        [score] = reward_fn([{{"response": response, "response_length": 9, "ground_truth": truth}}])
        print(json.dumps([heavy, score]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    heavy, score = json.loads(done.stdout.splitlines()[-1])
    assert heavy == []
    assert score["overall"] > 0.95


def test_truncated_responses_are_masked_or_shortened_by_what_easyr1_says_of_their_length(easyr1, expected, base64_png):
    truth = json.dumps({"target": base64_png, "language": "svg"})
    rows = [{**given(PERFECT, truth), "response_length": length} for length in (50, 90, 100)]
    good = expected[0].overall
    [*_, half, whole] = easyr1(rows, truncated="soft", max_response=100)
    assert (half["overall"], whole["overall"]) == pytest.approx((good - 0.5, good - 1))
    masked = easyr1([*rows[:2], {**given(BROKEN, truth), "response_length": 100}], truncated="mask", max_response=100)
    assert masked[2]["overall"] == pytest.approx(good)
    with pytest.raises(ConfigError, match="max_response is missing"):
        easyr1(rows, truncated="mask")


def test_a_judge_ranks_the_groups_of_a_batch(base64_png):
    truth = json.dumps({"target": base64_png, "language": "svg"})
    rows = [given(each, truth) for each in (PERFECT, WRONG, PROSE, PERFECT)]
    with chatting(pair_judge.judge) as server:
        rank = {"url": server.url, "model": "judge", "pairs": 4, "tries": 1}
        _, score = load_by_path(FILE, **OPTIONS, rank=rank)
        scores = score(rows)
        assert len(server.requests) <= 2, "equal renders are a tie that nobody is asked about"
    plain = load_by_path(FILE, **OPTIONS)[1](rows)
    assert [each["overall"] for each in scores] == pytest.approx([3.5 / 5, 2 / 5, 0.0, 3.5 / 5])
    assert [each["rank/unranked"] for each in scores] == [each["overall"] for each in plain]
    assert scores[0]["group/std"] == plain[0]["group/std"]
    with pytest.raises(ConfigError, match="it needs url and model"):
        load_by_path(FILE, **OPTIONS, rank={"model": "judge"})[1](rows)
