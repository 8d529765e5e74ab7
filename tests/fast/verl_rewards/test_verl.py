"""The reward file under verl's contract: one sample per call, many calls at once, several event loops."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading

import pytest
from reward_files import BROKEN, OPTIONS, PERFECT, PROSE, WRONG, load_by_path

from vincicoder import RewardRequest, VisualReward
from vincicoder.errors import ConfigError, TargetError

FILE = "vincicoder_verl.py"


@pytest.fixture(scope="module")
def loaded():
    return load_by_path(FILE, **OPTIONS)


@pytest.fixture
def compute_score(loaded):
    return loaded[1]


@pytest.fixture
def batches(monkeypatch):
    """The size of every batch that reaches the reward."""
    sizes: list[int] = []
    stream = VisualReward.stream

    def counting(self, requests, *args, **options):
        sizes.append(len(requests))
        return stream(self, requests, *args, **options)

    monkeypatch.setattr(VisualReward, "stream", counting)
    return sizes


async def score_all(compute_score, responses, target):
    extra = {"target": target, "language": "svg"}
    calls = [compute_score("vincicoder/svg", each, "", {**extra, "index": i}) for i, each in enumerate(responses)]
    return await asyncio.gather(*calls)


def test_is_a_coroutine_function_as_verl_checks(loaded):
    assert inspect.iscoroutinefunction(loaded[0].compute_score)


def test_same_numbers_as_the_reward_itself(compute_score, png):
    responses = [PERFECT, WRONG, PROSE, BROKEN]
    scores = asyncio.run(score_all(compute_score, responses, png))
    with VisualReward(**OPTIONS) as reward:
        results = reward.score([RewardRequest(response=each, target=png, language="svg") for each in responses])
    assert [score["score"] for score in scores] == [result.overall for result in results]
    assert [score["accuracy"] for score in scores] == [result.visual for result in results]
    assert all(set(score) == set(scores[0]) for score in scores)
    assert all(type(value) is float for score in scores for value in score.values())


def test_concurrent_calls_share_a_batch(compute_score, batches, png):
    scores = asyncio.run(score_all(compute_score, [PERFECT, WRONG] * 10, png))
    assert [score["overall"] > 0.95 for score in scores] == [True, False] * 10
    assert sum(batches) == 20
    assert len(batches) <= 4


def test_a_batch_is_not_larger_than_asked(batches, png):
    _, compute_score = load_by_path(FILE, **OPTIONS, batch_size=3)
    asyncio.run(score_all(compute_score, [PERFECT] * 10, png))
    assert sum(batches) == 10
    assert max(batches) == 3


def test_target_and_language_from_ground_truth(compute_score, base64_png, directory):
    path = str(directory / "sub" / "target.png")
    truths = [json.dumps({"target": path, "language": "svg"}), {"target": base64_png, "language": "svg"}]
    for truth in truths:
        assert asyncio.run(compute_score("svg", PERFECT, truth, None))["score"] > 0.95
    for truth in (path, base64_png):
        extra = {"language": "svg", "num_turns": None, "rollout_reward_scores": {}}
        assert asyncio.run(compute_score("svg", PERFECT, truth, extra))["score"] > 0.95


def test_extra_info_goes_before_ground_truth(compute_score, png):
    truth = {"target": "gone.png", "language": "python"}
    extra = {"target": {"bytes": png, "path": None}, "language": "svg"}
    assert asyncio.run(compute_score("svg", PERFECT, truth, extra))["score"] > 0.95


def test_several_event_loops_at_once(compute_score, png):
    answers: dict[int, list] = {}

    def work(number: int) -> None:
        answers[number] = asyncio.run(score_all(compute_score, [PERFECT, PROSE], png))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert [[score["alignment"] for score in answers[number]] for number in range(4)] == [[1.0, 0.0]] * 4


def test_a_cancelled_caller_harms_no_other(compute_score, png):
    async def run():
        extra = {"target": png, "language": "svg"}
        calls = [asyncio.create_task(compute_score("svg", PERFECT, "", extra)) for _ in range(6)]
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        late = asyncio.create_task(compute_score("svg", PERFECT, "", extra))
        await asyncio.sleep(0.05)
        late.cancel()
        return await asyncio.gather(*calls, late, return_exceptions=True)

    answers = asyncio.run(run())
    assert all(isinstance(each, asyncio.CancelledError) for each in answers[0:6:2])
    assert all(each["score"] > 0.95 for each in answers[1:6:2])
    assert asyncio.run(score_all(compute_score, [PERFECT], png))[0]["score"] > 0.95


def test_an_exception_reaches_every_caller_and_the_next_call_works(compute_score, monkeypatch, png):
    def broken(self, requests, *args, **options):
        raise RuntimeError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(VisualReward, "stream", broken)

        async def run():
            extra = {"target": png, "language": "svg"}
            calls = [compute_score("svg", PERFECT, "", extra) for _ in range(3)]
            return await asyncio.gather(*calls, return_exceptions=True)

        assert [str(each) for each in asyncio.run(run())] == ["the disk is gone"] * 3
    assert asyncio.run(score_all(compute_score, [PERFECT], png))[0]["score"] > 0.95


def test_a_slow_sample_does_not_hold_up_its_batch(png):
    _, compute_score = load_by_path(FILE, **OPTIONS, cpu_seconds=2)
    bomb = "```python\nwhile True: pass\n```"

    async def run():
        slow = asyncio.create_task(compute_score("x", bomb, "", {"target": png, "language": "python"}))
        quick = asyncio.create_task(compute_score("x", PROSE, "", {"target": png, "language": "svg"}))
        done, _ = await asyncio.wait({slow, quick}, return_when=asyncio.FIRST_COMPLETED)
        return done == {quick}, await slow

    quick_first, slow = asyncio.run(run())
    assert quick_first
    assert slow["timeout"] == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"encodr": "embedded"}, "encodr.*did you mean 'encoder'"),
        ({"batch_sise": 3}, "batch_sise.*did you mean 'batch_size'"),
        ({"batch_size": 0}, "batch_size is 0; expected a number of at least 1"),
        ({"window_ms": "soon"}, "window_ms is 'soon'; expected a number"),
        ({"cpu_seconds": "long"}, "cpu_seconds is 'long'"),
    ],
)
def test_a_wrong_option_is_named_at_the_first_call(options, said):
    _, compute_score = load_by_path(FILE, **options)
    with pytest.raises(ConfigError, match=said):
        asyncio.run(compute_score("svg", PERFECT, "", {}))


def test_a_row_with_an_unknown_language_is_its_own_fault(compute_score, png):
    async def run():
        extra = [{"target": png, "language": language} for language in ("svg", "cobol")]
        return await asyncio.gather(*(compute_score("x", PERFECT, "", each) for each in extra))

    good, bad = asyncio.run(run())
    assert good["score"] > 0.95
    assert (bad["score"], bad["bad_request"], good["bad_request"]) == (0, 1, 0)


def test_language_comes_from_the_references_fence_where_nothing_else_says_it(compute_score, png):
    score = asyncio.run(compute_score("x", PERFECT, f"It is:\n{WRONG}", {"target": png}))
    assert score["score"] > 0.95


def test_first_rows_without_any_target_say_how_to_provide_one():
    _, compute_score = load_by_path(FILE, **OPTIONS, alignment_weight=0.3)

    async def run():
        calls = [compute_score("svg", PERFECT, "<svg/>", {"language": "svg"}) for _ in range(16)]
        return await asyncio.gather(*calls, return_exceptions=True)

    few = asyncio.run(compute_score("svg", PERFECT, "<svg/>", {"language": "svg"}))
    assert few["bad_target"] == 1
    errors = [each for each in asyncio.run(run()) if isinstance(each, Exception)]
    assert errors
    assert all(isinstance(each, TargetError) and "extra_info['target']" in str(each) for each in errors)
