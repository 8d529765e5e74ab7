"""The reward file under EasyR1's contract, reproduced by a small manager of the test's own."""

from __future__ import annotations

import functools
import importlib.util
import json
import subprocess
import sys
import textwrap
import types
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from reward_files import BROKEN, OPTIONS, PERFECT, PROSE, REWARDS, WRONG, load_by_path

from vincicoder import RewardRequest, VisualReward
from vincicoder.errors import ConfigError, TargetError

FILE = "vincicoder_easyr1.py"
RELEASE_KEYS = {"overall", "format", "accuracy", "execution"}


class CharacterTokenizer:
    """A token is a character; 0 pads, and 1 is a special token."""

    pad_token_id = 0

    def encode(self, text: str) -> list[int]:
        return [ord(each) for each in text]

    def decode(self, tokens, skip_special_tokens: bool) -> str:
        return "".join(chr(each) for each in tokens if each > 1 or not skip_special_tokens)


class Manager:
    """Passes on what EasyR1 passes on, and what VinciCoder's fork adds if ``fork`` is set."""

    def __init__(self, reward_fn, fork: bool = False):
        self.reward_fn = reward_fn
        self.fork = fork
        self.tokenizer = CharacterTokenizer()

    def compute_reward(self, data):
        return self.compute_reward_batch(data)

    def compute_reward_batch(self, data):
        inputs = []
        for index, tokens in enumerate(data.batch["responses"]):
            length = int((tokens != 0).sum())
            given = {
                "response": self.tokenizer.decode(tokens[:length], skip_special_tokens=True),
                "response_length": length,
                "ground_truth": data.non_tensor_batch["ground_truth"][index],
            }
            if self.fork:
                given["multi_modal_data"] = data.non_tensor_batch["multi_modal_data"][index]
                given["problem"] = data.non_tensor_batch["prompt_str"][index]
            inputs.append(given)
        scores = self.reward_fn(inputs)
        rewards = np.zeros(data.batch["responses"].shape, np.float32)
        metrics = defaultdict(list)
        for index, score in enumerate(scores):
            rewards[index, inputs[index]["response_length"] - 1] = score["overall"]
            for key, value in score.items():
                metrics[key].append(value)
        return rewards, metrics


def batch(responses: list[str], prompts: list[str] | None = None, **columns):
    """What EasyR1 hands to its manager: padded tokens, and object arrays for all other columns."""
    tokenizer = CharacterTokenizer()
    length = max(map(len, responses))
    tokens = np.array([tokenizer.encode(text.ljust(length, "\0")) for text in responses])
    tensors = {"responses": tokens}
    if prompts:
        width = max(map(len, prompts))
        tensors["prompts"] = np.array([tokenizer.encode(text.rjust(width, "\0")) for text in prompts])
    arrays = {}
    for name, values in columns.items():
        arrays[name] = np.empty(len(values), dtype=object)
        arrays[name][:] = values
    return types.SimpleNamespace(batch=tensors, non_tensor_batch=arrays)


@pytest.fixture(scope="module")
def easyr1():
    return load_by_path(FILE, **OPTIONS)[1]


@pytest.fixture(scope="module")
def expected(picture):
    """The same responses, scored without any host."""
    requests = [
        RewardRequest(response=each, target=picture, language="svg") for each in (PERFECT, WRONG, PROSE, BROKEN)
    ]
    with VisualReward(**OPTIONS) as reward:
        return reward.score(requests)


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
        given(PERFECT, "no picture here"),
    ]
    scores = easyr1(rows)
    assert all(set(score) == set(scores[0]) >= RELEASE_KEYS for score in scores)
    assert all(type(value) is float for score in scores for value in score.values())


def test_every_form_of_target_gives_the_same_score(easyr1, expected, picture, png, base64_png, folder):
    path = str(folder / "sub" / "target.png")
    targets = [picture, png, path, base64_png, {"bytes": png, "path": None}, {"bytes": None, "path": path}]
    truths = [{"target": each, "language": "svg", "code": None} for each in targets]
    truths += [json.dumps({"target": each, "language": "svg"}) for each in (path, {"bytes": base64_png})]
    scores = easyr1([given(PERFECT, each) for each in truths])
    assert [score["overall"] for score in scores] == [expected[0].overall] * len(truths)


def test_every_form_of_image_in_the_fork_gives_the_same_score(easyr1, expected, picture, png, folder):
    path = str(folder / "sub" / "target.png")
    images = [picture, png, path, {"bytes": png, "path": "gone.png"}, {"bytes": None, "path": path}]
    data = batch(
        [PERFECT] * len(images),
        ground_truth=["<svg/>"] * len(images),
        multi_modal_data=[{"images": [each]} for each in images],
        prompt_str=["<image>Draw this picture as SVG code."] * len(images),
    )
    rewards, metrics = Manager(easyr1, fork=True).compute_reward(data)
    assert metrics["overall"] == [expected[0].overall] * len(images)
    assert np.allclose(rewards.sum(1), metrics["overall"])


def test_target_of_the_answer_goes_before_the_prompts_picture(easyr1, base64_png, picture):
    other = {"images": [Image.new("RGB", picture.size, "green")]}
    truth = {"target": base64_png, "language": "svg"}
    assert easyr1([given(PERFECT, truth, multi_modal_data=other)])[0]["overall"] > 0.95


def test_relative_paths_start_from_image_dir(folder, expected):
    _, compute_score = load_by_path(FILE, **OPTIONS, image_dir=str(folder))
    truth = {"target": "sub/target.png", "language": "svg"}
    images = {"images": ["sub/target.png"]}
    rows = [given(PERFECT, truth), given(PERFECT, "<svg/>", multi_modal_data=images, language="svg")]
    assert [score["overall"] for score in compute_score(rows)] == [expected[0].overall] * 2


def test_stock_manager_finds_picture_and_prompt_in_the_batch(easyr1, expected, png):
    data = batch(
        [PERFECT, PROSE],
        prompts=["user\nWrite SVG code for it.\nassistant\n", "user\nPlease write SVG.\n"],
        ground_truth=["<svg/>", "<svg/>"],
        multi_modal_data=[{"images": [{"bytes": png, "path": None}]}] * 2,
        uid=["a", "b"],
    )
    _, metrics = Manager(easyr1).compute_reward(data)
    assert metrics["overall"] == [expected[0].overall, 0.0]


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


# A user's function around ours, under the stock manager.


def plain(compute_score):
    return lambda reward_inputs: compute_score(reward_inputs)


def changed(compute_score):
    """Take the thinking out of every response, which makes new texts of them."""
    return lambda reward_inputs: compute_score([{**each, "response": each["response"] + " "} for each in reward_inputs])


def decorated(compute_score):
    def timed(function):
        @functools.wraps(function)
        def wrapper(*arguments, **options):
            return function(*arguments, **options)

        return wrapper

    return functools.partial(timed(timed(lambda reward_inputs, scale: compute_score(reward_inputs))), scale=1)


def recursive(compute_score):
    def descend(reward_inputs, depth=40):
        return descend(reward_inputs, depth - 1) if depth else compute_score(reward_inputs)

    return descend


def one_at_a_time(compute_score):
    return lambda reward_inputs: [compute_score([each])[0] for each in reward_inputs]


def backwards(compute_score):
    return lambda reward_inputs: compute_score(reward_inputs[::-1])[::-1]


def in_threads(compute_score):
    def call(reward_inputs):
        with ThreadPoolExecutor(2) as threads:
            return [score for [score] in threads.map(compute_score, [[each] for each in reward_inputs])]

    return call


def stock_batch(png: bytes):
    blue = Image.new("RGB", (64, 64), "blue")
    return batch(
        [PERFECT, PROSE, PERFECT],
        prompts=["Write SVG code for it."] * 3,
        ground_truth=["<svg/>"] * 3,
        multi_modal_data=[{"images": [{"bytes": png, "path": None}]}] * 2 + [{"images": [blue]}],
        uid=["a", "a", "b"],
    )


@pytest.mark.parametrize("wrap", [plain, changed, decorated, recursive, one_at_a_time, backwards, in_threads])
def test_the_image_is_found_through_a_function_around_ours(easyr1, expected, png, wrap, caplog):
    _, metrics = Manager(wrap(easyr1)).compute_reward(stock_batch(png))
    perfect, prose, other = metrics["overall"]
    assert (perfect, prose) == (expected[0].overall, 0.0)
    assert 0.1 < other < perfect, "the third sample has an image of its own"
    assert metrics["bad_target"] == [0, 0, 0]
    assert caplog.text == ""


def test_the_image_is_found_by_the_sequential_manager_too(easyr1, expected, png):
    class Sequential(Manager):
        def compute_reward(self, data):
            metrics = []
            for i, tokens in enumerate(data.batch["responses"]):
                length = int((tokens != 0).sum())
                response = self.tokenizer.decode(tokens[:length], skip_special_tokens=True)
                truth = data.non_tensor_batch["ground_truth"][i]
                metrics.append(self.reward_fn({"response": response, "ground_truth": truth})["overall"])
            return metrics

    manager = Sequential(lambda given: easyr1([given])[0])
    assert manager.compute_reward(stock_batch(png))[:2] == [expected[0].overall, 0.0]


def test_where_the_image_cannot_be_found_it_is_said_each_time_that_changes(png, caplog):
    _, compute_score = load_by_path(FILE, **OPTIONS)
    stock = Manager(compute_score)
    stock.compute_reward(stock_batch(png))
    assert caplog.text == ""
    for _ in range(2):
        lost = Manager(lambda reward_inputs: compute_score([dict(each, response="new") for each in reward_inputs[:2]]))
        lost.compute_reward(stock_batch(png))
        assert caplog.text.count("2 samples have no image") == 1
        assert "data.image_key" in caplog.text
    stock.compute_reward(stock_batch(png))
    assert caplog.text.count("have their image again") == 1
    metrics = lost.compute_reward(stock_batch(png))[1]
    assert metrics["bad_target"] == [1, 1]
    assert caplog.text.count("2 samples have no image") == 2


def test_works_in_a_fresh_interpreter_from_another_folder_when_only_cloned(tmp_path, png):
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
