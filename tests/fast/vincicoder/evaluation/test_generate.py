"""Answers are asked for once, whatever happens to the process or the endpoint in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from chat_server import chatting

from vincicoder.endpoint import Endpoint
from vincicoder.errors import ConfigError, EndpointError
from vincicoder.evaluation.benchmark import Sample
from vincicoder.evaluation.choice import Samples
from vincicoder.evaluation.generate import Sampling, generate
from vincicoder.evaluation.predictions import read_predictions

PNG = b"\x89PNG\r\n\x1a\n rest"


def samples(count=6):
    return [Sample(f"s{number}", PNG, f"prompt {number}", None, "svg") for number in range(count)]


def endpoint(url, **options):
    return Endpoint(url, "a-model", **{"tries": 1, "backoff": 0.0, "concurrency": 4, **options})


def asked(body):
    return body["messages"][0]["content"][-1]["text"]


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_sample_is_asked_once_with_its_prompt_and_image(tmp_path):
    path = tmp_path / "predictions.jsonl"
    with chatting(lambda body: f"answer to {asked(body)}") as server:
        assert generate("b", samples(), endpoint(server.url), path) == 0
        assert generate("b", samples(), endpoint(server.url), path) == 0
        assert sorted(map(asked, server.requests)) == [f"prompt {number}" for number in range(6)]
    content = server.requests[0]["messages"][0]["content"]
    assert content[0]["image_url"]["url"].startswith("data:image/png;base64,")
    found = {each.id: each for each in read_predictions(path)}
    assert found["s3"].response == "answer to prompt 3"
    assert found["s3"].model == "a-model"


def test_several_answers_differ_in_their_seeds_and_more_can_be_asked_for_later(tmp_path):
    path = tmp_path / "predictions.jsonl"
    with chatting(lambda body: str(body["seed"])) as server:
        generate("b", samples(2), endpoint(server.url), path, Sampling(n=2, seed=7, temperature=1.0))
        generate("b", samples(2), endpoint(server.url), path, Sampling(n=3, seed=7, temperature=1.0))
        assert len(server.requests) == 6
    assert sorted((each.id, each.number, each.response) for each in read_predictions(path)) == [
        (f"s{sample}", number, str(7 + number)) for sample in range(2) for number in range(3)
    ]


def test_a_sample_that_is_refused_is_asked_again_by_the_next_run(tmp_path):
    path, told = tmp_path / "predictions.jsonl", []
    with chatting(lambda body: 400 if asked(body) == "prompt 2" else "fine") as server:
        assert generate("b", samples(), endpoint(server.url), path, complain=told.append) == 1
    assert len(told) == 1
    assert told[0].startswith("sample s2: ")
    with chatting(lambda body: "fine") as server:
        assert generate("b", samples(), endpoint(server.url), path) == 0
        assert list(map(asked, server.requests)) == ["prompt 2"]


def test_an_endpoint_that_answers_nothing_is_given_up_soon_and_named(tmp_path):
    with chatting(lambda body: 500) as server:
        with pytest.raises(EndpointError, match="8 questions in a row failed"):
            generate("b", samples(500), endpoint(server.url), tmp_path / "predictions.jsonl")
        assert len(server.requests) < 50


def test_answers_of_other_settings_are_not_added_to(tmp_path):
    path = tmp_path / "predictions.jsonl"
    with chatting(lambda body: "fine") as server:
        generate("b", samples(1), endpoint(server.url), path)
        with pytest.raises(ConfigError, match=r"other settings \(seed: 0 there, 1 now"):
            generate("b", samples(1), endpoint(server.url), path, Sampling(seed=1))


SCRIPT = """
import sys
from vincicoder.endpoint import Endpoint
from vincicoder.evaluation.benchmark import Sample
from vincicoder.evaluation.generate import generate
samples = [Sample(f"s{number}", b"PNG", f"prompt {number}", None, "svg") for number in range(40)]
generate("b", samples, Endpoint(sys.argv[1], "a-model", concurrency=2), sys.argv[2])
"""


def test_a_run_that_is_killed_goes_on_where_it_stopped(tmp_path):
    path = tmp_path / "predictions.jsonl"

    def slow(body):
        time.sleep(0.03)
        return f"answer to {asked(body)} " + "x" * 5000

    with chatting(slow) as server:
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, server.url, str(path)])
        deadline = time.monotonic() + 60
        while not (path.exists() and path.read_bytes().count(b"\n") >= 8) and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        done = path.read_bytes().count(b"\n")
        assert 8 <= done < 40
        with path.open("r+b") as file:  # as if the machine had gone down in the middle of a line
            file.truncate(path.stat().st_size - 100)
        time.sleep(0.1)
        before = len(server.requests)
        subprocess.run([sys.executable, "-c", SCRIPT, server.url, str(path)], check=True)
        assert len(server.requests) - before == 40 - (done - 1)
    assert sorted(row["id"] for row in lines(path)) == sorted(f"s{number}" for number in range(40))


def test_a_subset_depends_on_ids_and_seed_only():
    chosen = list(Samples(lambda: samples(30), 5, seed=1).ids)
    assert list(Samples(lambda: reversed(samples(30)), 5, seed=1).ids) == chosen
    assert list(Samples(lambda: samples(30), 5, seed=2).ids) != chosen
    assert [each.id for each in Samples(lambda: samples(30), 5, seed=1)] == sorted(
        chosen, key=lambda name: int(name[1:])
    )


def test_a_benchmark_without_samples_or_with_one_twice_is_refused():
    with pytest.raises(ConfigError, match="no sample"):
        Samples(lambda: [])
    with pytest.raises(ConfigError, match="two samples with the id 's0'"):
        Samples(lambda: samples(1) * 2)
