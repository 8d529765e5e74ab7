"""Predictions are read as they are meant, and what is none is named in one sentence."""

from __future__ import annotations

import json

import pytest

from vincicoder.errors import ConfigError
from vincicoder.evaluation.predictions import read_predictions
from vincicoder.evaluation.states import drift_of, table


def written(path, *rows, tail=""):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + tail)
    return path


def test_answers_without_a_number_are_numbered_by_their_order():
    found = read_predictions([{"id": "a", "response": "1"}, {"id": "b", "response": "2"}, {"id": "a", "response": "3"}])
    assert [(each.id, each.number, each.response) for each in found] == [("a", 0, "1"), ("b", 0, "2"), ("a", 1, "3")]


def test_a_mapping_holds_one_or_several_answers():
    found = read_predictions({"a": "one", "b": ["two", "three"]})
    assert [(each.id, each.number) for each in found] == [("a", 0), ("b", 0), ("b", 1)]


def test_a_status_of_another_harness_is_left_alone():
    assert [each.id for each in read_predictions([{"id": "a", "response": "1", "status": "success"}])] == ["a"]


def test_a_torn_last_line_and_noted_failures_are_left_out(tmp_path):
    rows = [{"id": "a", "response": "1"}, {"id": "b", "response": "", "status": "infrastructure"}]
    path = written(tmp_path / "predictions.jsonl", *rows, tail='{"id": "c", "resp')
    assert [each.id for each in read_predictions(path)] == ["a"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            [{"id": "a", "text": "1"}],
            "no 'response' in row 1; each needs 'id' and 'response', and this one has: id, text",
        ),
        ([{"response": "1"}], "no 'id' in row 1"),
        ([{"id": "a", "response": 3}], "'response' in row 1 that is int"),
        ([{"id": "a", "response": "1", "number": -1}], "'number' in row 1 that is -1"),
        ([{"id": "a", "response": "1", "number": 0}] * 2, "sample 'a' twice under number 0, in rows 1 and 2"),
        ([[1, 2]], "row 1 is list"),
        ([], "are empty"),
    ],
)
def test_what_is_no_prediction_is_named(tmp_path, rows, told):
    with pytest.raises(ConfigError, match=r"predictions\.jsonl") as error:
        read_predictions(written(tmp_path / "predictions.jsonl", *rows))
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_of_something_else_is_named(tmp_path):
    with pytest.raises(ConfigError, match="line 1 is none"):
        read_predictions(written(tmp_path / "x.jsonl", tail="no json\n"))
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_predictions(tmp_path / "missing.jsonl")


def test_states_are_compared_by_length_and_by_log_probabilities():
    first = read_predictions(
        [{"id": "a", "response": "12345678", "logprobs": [-1.0, -2.0]}, {"id": "b", "response": "1234"}]
    )
    second = read_predictions(
        [{"id": "a", "response": "12345678", "logprobs": [-1.5, -2.5]}, {"id": "b", "response": "12345678"}]
    )
    found = drift_of(first, second)
    assert (found["pairs"], found["length_mean"], found["length_longer"]) == (2, 2.0, 0.5)
    assert (found["scored"], found["kl"], found["kl_response"]) == (1, 0.5, 1.0)
    assert "divergence over 1 responses: 0.50000 per token" in table(found)
    assert "kl" not in drift_of(first, read_predictions({"a": "x"}))
    with pytest.raises(ConfigError, match="no sample in common"):
        drift_of(first, read_predictions({"z": "x"}))
    with pytest.raises(ConfigError, match="do not belong to the same tokens"):
        drift_of(first[:1], read_predictions([{"id": "a", "response": "12345678", "logprobs": [-1.0]}]))
    with pytest.raises(ConfigError, match="'logprobs' in row 1 that are no list of numbers"):
        read_predictions([{"id": "a", "response": "x", "logprobs": "none"}])
