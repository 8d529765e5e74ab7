from __future__ import annotations

import dataclasses
import io

import pytest
from PIL import Image

from vincicoder import trainers
from vincicoder.errors import ConfigError, ScoringUnavailable, TargetError
from vincicoder.reward import RewardRequest, RewardResult
from vincicoder.status import Status
from vincicoder.trainers.metrics import TIMES


def png(colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(buffer, "PNG")
    return buffer.getvalue()


# What a trainer logs.


def test_every_status_that_is_not_about_alignment_has_one_flag():
    told_by_alignment = {Status.OK, Status.NO_CODE, Status.WRONG_LANGUAGE}
    counted = [status for group in trainers.FLAGS.values() for status in group]
    assert sorted([*counted, *told_by_alignment]) == sorted(Status)


def test_metrics_are_floats_with_the_release_names_and_the_same_keys_for_every_status():
    every = [trainers.metrics_of(result(status)) for status in Status]
    assert all(list(metrics) == list(every[0]) for metrics in every)
    assert all(type(value) is float for metrics in every for value in metrics.values())
    good = trainers.metrics_of(result(visual=0.5))
    assert (good["accuracy"], good["format"], good["execution"]) == (0.5, 1.0, 1.0)
    assert trainers.metrics_of(result(Status.RASTER))["guarded"] == 1
    timed = dataclasses.replace(result(), seconds={"render": 0.5, "embed": 0.25, "total": 2.0})
    times = {stage: trainers.metrics_of(timed)[name] for name, stage in TIMES.items()}
    assert times == {"render": 0.5, "wait": 1.25, "total": 2.0}


def test_every_component_is_a_metric_and_one_that_does_not_apply_says_so():
    components = ("paper", "text")
    scored = dataclasses.replace(result(), scores={**result().scores, "paper": 0.25, "text": None})
    failed = RewardResult.failed(row(scored), Status.TIMEOUT, "")
    first, second = (trainers.metrics_of(each, components) for each in (scored, failed))
    assert (first["paper"], first["text"], first["na/paper"], first["na/text"]) == (0.25, 0, 0, 1)
    assert (second["paper"], second["text"], second["na/paper"], second["na/text"]) == (0, 0, 0, 0)
    assert list(first) == list(second)


def test_means_of_scores_leave_out_what_could_not_be_judged_and_shares_do_not():
    from vincicoder.trainers.metrics import sums_of

    bad = result(Status.BAD_TARGET)
    samples = [trainers.metrics_of(each) for each in (result(visual=0.5), result(visual=1.0), bad, FAULT)]
    sums = sums_of(samples[:2]) + sums_of(samples[2:])
    assert (sums["count"], sums["judged"]) == (4, 2)
    means = trainers.means(sums)
    assert means["visual"] == pytest.approx(0.75)
    assert means["bad_target"] == means["infrastructure"] == 0.25
    assert "count" not in means


# Faults of the machine and of the data, which cannot be had to order: the results are scripted.


def result(status: Status = Status.OK, visual: float = 0.0) -> RewardResult:
    return RewardResult(
        overall=0.9 * visual + 0.1,
        visual=visual,
        scores={"coarse": visual, "fine": visual, "alignment": 1.0, "execution": float(visual > 0), "paper": visual},
        status=status,
        message=f"it says {status}",
        language="svg",
        code="",
        render=None,
        grid=None,
        tiles=(),
        encoder="embedded",
        preset="paper",
        seconds={},
    )


class Scripted:
    """Answers each request with the result that stands in place of its response, the last first."""

    def stream(self, requests):
        return reversed([(index, each.response) for index, each in enumerate(requests)])

    def close(self):
        pass


def scripted(one_by_one: bool = False) -> trainers.TrainerReward:
    return trainers.TrainerReward(Scripted, "Give it as 'target'.", one_by_one)


def row(answer: RewardResult, target: str = "red", prompt: str | None = None) -> RewardRequest:
    return RewardRequest(response=answer, target=png(target), prompt=prompt)


FAULT = result(Status.INFRASTRUCTURE)


def test_scores_come_in_order():
    scores = scripted().score([row(result(visual=visual / 10)) for visual in range(5)])
    assert [score["visual"] for score in scores] == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_a_sample_says_how_many_were_under_way_when_it_came():
    reward = scripted()
    waiting = reward.judge([row(result(visual=0.5))] * 2)
    next(waiting)  # one of them is under way still
    assert [score["queue"] for score in reward.score([row(result(visual=0.5))] * 3)] == [4, 4, 4]
    waiting.close()
    assert reward.score([row(result(visual=0.5))])[0]["queue"] == 1


def test_a_fault_of_the_machine_gets_its_groups_mean_and_is_counted():
    rows = [row(result(visual=0.2)), row(FAULT), row(result(visual=0.6)), row(result(visual=1.0), target="blue")]
    scores = scripted().score(rows)
    assert scores[1]["overall"] == pytest.approx((scores[0]["overall"] + scores[2]["overall"]) / 2)
    assert scores[1]["visual"] == scores[1]["accuracy"] == pytest.approx(0.4)
    assert [score["infrastructure"] for score in scores] == [0, 1, 0, 0]
    assert all(list(score) == list(scores[0]) for score in scores)


def test_groups_are_told_apart_by_prompt_too():
    rows = [row(result(visual=0.2), prompt="a"), row(FAULT, prompt="b"), row(result(visual=0.8), prompt="b")]
    assert scripted().score(rows)[1]["visual"] == pytest.approx(0.8)


def test_a_fault_without_a_group_gets_the_mean_of_the_latest_and_says_so_once(caplog):
    reward = scripted()
    known = reward.score([row(result(visual=0.2)), row(result(visual=0.4))])
    scores = [reward.score([row(FAULT, target=target)])[0] for target in ("blue", "green")]
    assert [score["visual"] for score in scores] == pytest.approx([0.3, 0.3])
    assert [score["stand_in_unknown"] for score in known + scores] == [0, 0, 1, 1]
    assert caplog.text.count("gets the mean of the latest samples") == 1
    assert "it says infrastructure" in caplog.text


def test_siblings_are_those_with_the_same_uid_where_there_is_one():
    def member(uid: str, answer: RewardResult) -> RewardRequest:
        return dataclasses.replace(row(answer), metadata={"uid": uid})

    rows = [member("a", result(visual=0.2)), member("b", FAULT), member("b", result(visual=0.8))]
    assert scripted().score(rows)[1]["visual"] == pytest.approx(0.8)


def test_the_same_prompt_in_another_batch_is_another_group():
    reward = scripted()
    reward.score([row(result(visual=1.0))])
    assert reward.score([row(FAULT), row(result(visual=0.5))])[0]["visual"] == pytest.approx(0.5)


@pytest.mark.parametrize("status", [Status.BAD_TARGET, Status.BAD_REQUEST])
def test_a_row_that_cannot_be_used_does_not_count_among_its_siblings(status):
    scores = scripted().score([row(result(visual=0.5)), row(FAULT), row(result(status))])
    assert scores[1]["visual"] == pytest.approx(0.5)
    assert scores[2]["overall"] == 0
    assert scores[2][status.value] == 1


def without_language(answer: RewardResult) -> RewardRequest:
    return dataclasses.replace(row(answer), language=trainers.NO_LANGUAGE)


def test_a_row_without_a_language_is_a_bad_request_and_harms_no_other():
    good, bad = scripted().score([row(result(visual=0.5)), without_language(result(visual=0.9))])
    assert (good["visual"], good["bad_request"]) == (0.5, 0)
    assert (bad["overall"], bad["bad_request"], bad["bad_target"]) == (0, 1, 0)


def test_data_that_never_says_its_language_is_an_error_at_the_first_batch():
    with pytest.raises(ConfigError, match=r"which language.*Give a column 'language'"):
        scripted().score([without_language(result(visual=0.9))] * 2)
    with pytest.raises(ConfigError, match="it says bad_request"):
        scripted().score([row(result(Status.BAD_REQUEST))] * 2)


# Faults of the machine, one by one, scored in several processes: what is known is scripted too.


class Board(trainers.Groups):
    shared = True


def one_by_one(board: Board, size: int | None) -> trainers.TrainerReward:
    return trainers.TrainerReward(Scripted, "", True, board=lambda: board, group_size=size)


@pytest.mark.parametrize("size", [3, None])
def test_a_stand_in_waits_for_siblings_of_other_processes(size):
    board = Board()
    first, second = one_by_one(board, size), one_by_one(board, size)
    [(_, stand_in)] = first.judge([row(FAULT)])
    assert not stand_in.done()
    second.score([row(result(visual=0.2))])
    second.score([row(result(visual=0.4))])
    second.score([row(result(visual=1.0), target="blue")])
    assert stand_in.result(timeout=30)["visual"] == pytest.approx(0.3)
    assert stand_in.result()["stand_in_unknown"] == 0


def test_a_stand_in_waits_no_longer_than_it_may(monkeypatch):
    monkeypatch.setattr("vincicoder.trainers.groups.SIBLING_SECONDS", 0.5)
    board = Board()
    reward = one_by_one(board, 8)
    reward.score([row(result(visual=0.6), target="blue")])
    [(_, alone)] = reward.judge([row(FAULT)])
    assert alone.result(timeout=30)["stand_in_unknown"] == 1
    [score] = reward.score([row(result(visual=0.2), target="green")])
    [(_, few)] = reward.judge([row(FAULT, target="green")])
    assert few.result(timeout=30)["visual"] == pytest.approx(score["visual"])
    assert few.result()["stand_in_unknown"] == 0


def test_a_machine_that_never_worked_is_an_error():
    with pytest.raises(ScoringUnavailable, match=r"2 of the latest 2.*it says infrastructure.*vincicoder doctor"):
        scripted().score([row(FAULT), row(FAULT)])


def test_too_many_faults_are_an_error():
    good = [row(result(visual=0.5))] * 40
    assert len(scripted().score(good + [row(FAULT)] * 8)) == 48
    with pytest.raises(ScoringUnavailable):
        scripted().score(good + [row(FAULT)] * 9)


def test_an_unreadable_target_scores_nothing_and_is_counted():
    scores = scripted().score([row(result(visual=0.5)), row(result(Status.BAD_TARGET)), RewardRequest("", b"")])
    assert [score["bad_target"] for score in scores] == [0, 1, 1]
    assert [score["overall"] for score in scores[1:]] == [0, 0]


def test_no_target_at_all_is_an_error_only_until_there_was_one():
    bad = row(result(Status.BAD_TARGET))
    with pytest.raises(TargetError, match=r"it says bad_target.*Give it as 'target'"):
        scripted().score([bad] * 3)
    reward = scripted()
    reward.score([row(result(visual=0.5))])
    assert reward.score([bad])[0]["bad_target"] == 1


def test_answers_without_a_image_do_not_prove_that_targets_can_be_read():
    rows = [row(result(Status.SYNTAX_ERROR))] + [row(result(Status.BAD_TARGET))] * 15
    reward = scripted()
    assert reward.score(rows)[1]["bad_target"] == 1
    with pytest.raises(TargetError):
        reward.score(rows)


def test_one_row_without_a_target_says_little_where_they_come_one_by_one():
    reward = scripted(one_by_one=True)
    for _ in range(15):
        reward.score([RewardRequest("", trainers.NO_TARGET)])
    with pytest.raises(TargetError, match="it has none"):
        reward.score([RewardRequest("", trainers.NO_TARGET)])


def test_results_are_not_held_back_by_a_fault():
    stream = scripted().stream([row(FAULT), row(result(visual=0.5))])
    assert next(stream)[0] == 1


# One reward per process.


def test_equal_options_share_a_reward_whatever_their_order_and_kind():
    first = trainers.shared_reward({"encoder": "embedded", "guards": ["blank"]}, "")
    assert trainers.shared_reward({"guards": ("blank",), "encoder": "embedded"}, "") is first
    assert trainers.shared_reward({"encoder": "embedded", "guards": []}, "") is not first
    assert trainers.shared_reward({"encoder": "embedded", "guards": ("blank",)}, "", one_by_one=True) is not first


def test_unknown_option_is_an_error_that_lists_the_known_ones():
    with pytest.raises(ConfigError, match=r"no option 'zzz'; the options are: .*encoder.*mine"):
        trainers.shared_reward({"zzz": 1}, "", own=("mine",))
    with pytest.raises(ConfigError, match=r"no option 'mime'; did you mean 'mine'"):
        trainers.shared_reward({"mime": 1}, "", own=("mine",))


@pytest.mark.parametrize(
    ("name", "value"),
    [("guards", "none"), ("alignment_weight", "a lot"), ("alignment_weight", 2), ("workers", "many"), ("preset", "p")],
)
def test_a_bad_value_is_an_error_before_anything_is_scored(name, value):
    with pytest.raises(ConfigError, match=f"{name} is"):
        trainers.shared_reward({"encoder": "embedded", name: value}, "")


def test_a_number_may_be_text_as_yaml_reads_1e_1():
    reward = trainers.shared_reward({"encoder": "embedded", "workers": 1, "alignment_weight": "1e-1"}, "")
    raster = '```svg\n<svg><image href="data:image/png;base64,' + "A" * 4000 + '"/></svg>\n```'
    [score] = reward.score([RewardRequest(raster, png(), language="svg")])
    assert score["overall"] == pytest.approx(0.1)


# Responses that the limit of tokens cut off.


def long(answer: RewardResult, tokens: int, target: str = "red") -> RewardRequest:
    return dataclasses.replace(row(answer, target), metadata={trainers.LENGTH: tokens})


def overall_of(truncation: trainers.Truncation, *requests: RewardRequest) -> list[float]:
    reward = trainers.TrainerReward(Scripted, "Give it as 'target'.", truncation=truncation)
    return [score["overall"] for score in reward.score(requests)]


def test_a_masked_response_gets_the_mean_of_those_that_are_not_and_so_no_advantage():
    good, fair, cut = result(visual=1.0), result(visual=0.5), result(Status.TRUNCATED)
    rows = [long(good, 10), long(fair, 99), long(cut, 100), long(cut, 100), long(FAULT, 10), long(good, 100, "blue")]
    mean = pytest.approx((1.0 + 0.55) / 2)
    mask = trainers.Truncation("mask", max_response=100)
    assert overall_of(mask, *rows) == [1.0, pytest.approx(0.55), mean, mean, mean, 0.0]
    [_, _, score, *_] = trainers.TrainerReward(Scripted, "", truncation=mask).score(rows)
    assert score["truncated"] == 1, "the log still says what became of it"


def test_the_soft_rule_takes_up_to_one_from_a_long_response_and_zero_takes_nothing():
    rows = [long(result(visual=1.0), tokens) for tokens in (80, 90, 100)]
    assert overall_of(trainers.Truncation("soft", 100), *rows) == [1.0, 0.5, 0.0]
    assert overall_of(trainers.Truncation("soft", 100, soft_tokens=100), *rows) == pytest.approx([0.2, 0.1, 0.0])
    assert overall_of(trainers.Truncation("zero", 100), *rows) == [1.0] * 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("hide", 100), "truncated is 'hide'; expected one of: zero, mask, soft"),
        (("mask",), "truncated is 'mask', but max_response is missing"),
        (("soft", 0), "max_response is 0; expected a number of tokens"),
        (("soft", 10, 20), "soft_tokens is 20; expected at most max_response, 10"),
    ],
)
def test_a_rule_for_truncated_responses_that_cannot_work_is_an_error(options, said):
    with pytest.raises(ConfigError, match=said):
        trainers.Truncation(*options)


def test_a_trainer_that_does_not_say_how_long_a_response_is_cannot_mask_it():
    with pytest.raises(ConfigError, match="this trainer does not say how long a response is"):
        overall_of(trainers.Truncation("mask", 100), row(result()))
