"""A user's function around ours, under EasyR1's stock manager: the image is found through it."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor

import pytest
from easyr1_manager import FILE, Manager, batch
from PIL import Image
from reward_files import OPTIONS, PERFECT, PROSE, load_by_path


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
