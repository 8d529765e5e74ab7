"""Refinement shows the model what it has drawn, and never gives back worse than the first answer."""

from __future__ import annotations

import itertools
import json
import subprocess

import pytest
from chat_server import chatting
from command_line import COMMAND
from PIL import Image, ImageDraw

from vincicoder.cli import main
from vincicoder.endpoint import Endpoint
from vincicoder.errors import ConfigError, EndpointError, MachineFault
from vincicoder.evaluation.benchmark import Sample
from vincicoder.evaluation.predictions import read_predictions
from vincicoder.evaluation.refinement import EndpointJudge, refine
from vincicoder.evaluation.refining import refine_samples, summary
from vincicoder.reward import VisualReward


def svg(width: int) -> str:
    head = "<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64' viewBox='0 0 64 64'>"
    return f"```svg\n{head}<rect width='{width}' height='40' fill='red'/></svg>\n```"


@pytest.fixture(scope="module")
def scorer():
    with VisualReward(encoder="embedded", workers=1) as reward:
        yield reward


@pytest.fixture
def target(tmp_path):
    image = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(image).rectangle((0, 0, 39, 39), fill="red")
    image.save(tmp_path / "target.png")
    return tmp_path / "target.png"


def answering(*answers):
    """Return a model that gives one answer after the other, and the conversations that it has seen."""
    seen = []

    def ask(messages, seed):
        seen.append((messages, seed))
        return next(waiting)

    waiting = itertools.chain(answers, itertools.repeat(answers[-1]))
    return ask, seen


def test_the_best_is_kept_and_later_rounds_that_are_worse_are_counted(scorer, target):
    model, seen = answering(svg(20), svg(38), svg(5), "no code")
    found = refine(model, target, 3, scorer=scorer, language="svg")
    assert found.best.response == svg(38)
    assert found.best.round == 1
    assert found.scores[0] < found.scores[1] == found.scores[2] == found.scores[3]
    assert found.gains[0] > 0
    assert found.gains[1:] == [0.0, 0.0]
    assert (found.worse, found.requests, len(found.candidates)) == (2, 4, 4)
    assert [seed for _, seed in seen] == [0, 1, 2, 3]


def test_the_model_sees_target_render_and_code(scorer, target):
    model, seen = answering(svg(20), svg(30))
    refine(model, target, 1, scorer=scorer, language="svg")
    first, second = (messages[0]["content"] for messages, _ in seen)
    assert [part["type"] for part in first] == ["image_url", "text"]
    assert [part["type"] for part in second] == ["image_url", "image_url", "text"]
    assert first[0] == second[0]
    assert svg(20).strip("`").split("\n")[1] in second[2]["text"]


def test_code_that_fails_comes_back_with_its_message(scorer, target):
    model, seen = answering("```svg\n<svg><rect\n```", svg(30))
    found = refine(model, target, 1, scorer=scorer, language="svg")
    content = seen[1][0][0]["content"]
    assert [part["type"] for part in content] == ["image_url", "text"]
    assert "does not render" in content[1]["text"]
    assert found.best.round == 1


def test_the_best_of_several_candidates_goes_on(scorer, target):
    model, _ = answering(svg(10), svg(38), svg(20), "nothing")
    found = refine(model, target, 0, scorer=scorer, language="svg", candidates=3)
    assert found.best.response == svg(38)
    assert len(found.scores) == 1


def test_an_answer_that_is_missing_costs_its_round_only(scorer, target):
    def failing(messages, seed):
        if seed == 1:
            raise EndpointError("gone")
        return svg(20)

    found = refine(failing, target, 2, scorer=scorer, language="svg")
    assert len(found.candidates) == 2
    assert len(found.scores) == 3
    with pytest.raises(MachineFault, match="no first answer could be had or judged: gone"):
        refine(lambda messages, seed: failing(messages, 1), target, 2, scorer=scorer, language="svg")
    with pytest.raises(ConfigError, match="rounds=-1"):
        refine(failing, target, -1, scorer=scorer)


@pytest.mark.parametrize(("answers", "kept"), [(("3", "2"), 1), (("3", "3"), 0), (("2", "2"), 0)])
def test_a_judge_must_choose_the_same_render_in_both_places(scorer, target, answers, kept):
    waiting = iter(answers)
    with chatting(lambda body: f"It is {next(waiting, '2')}.") as server:
        judge = EndpointJudge(Endpoint(server.url, "judge", tries=1))
        model, _ = answering(svg(38), svg(5))
        found = refine(model, target, 1, scorer=scorer, language="svg", judge=judge)
    assert found.best.round == kept


def test_a_summary_has_gains_cost_and_the_share_of_worse_rounds():
    rows = [
        {"scores": [0.5, 0.7, 0.7], "worse": 1, "requests": 3, "model_seconds": 2.0, "score_seconds": 1.0},
        {"scores": [0.3, 0.3, 0.5], "worse": 0, "requests": 3, "model_seconds": 1.0, "score_seconds": 1.0},
    ]
    told = summary(rows)
    assert told["scores"] == pytest.approx([0.4, 0.5, 0.6])
    assert told["gains"] == pytest.approx([0.1, 0.1])
    assert (told["worse"], told["requests"], told["model_seconds"]) == (0.25, 6, 3.0)


def test_samples_of_a_benchmark_are_refined_once_and_missing_ones_again(scorer, target, tmp_path):
    samples = [Sample(f"s{number}", target, f"Sample {number} as SVG.", None, "svg") for number in range(3)]
    gone = {"Sample 1 as SVG."}

    def answer(body):
        content = body["messages"][0]["content"]
        if content[-1]["text"] in gone:
            return 400
        return svg(20 if len(content) == 2 else 38)

    with chatting(answer) as server:
        endpoint = Endpoint(server.url, "m", tries=1, backoff=0.0)
        path = tmp_path / "predictions.jsonl"
        found, missing = refine_samples("b", samples, endpoint, path, rounds=1, scorer=scorer)
        assert (len(found), missing, len(server.requests)) == (2, 1, 5)
        gone.clear()
        found, missing = refine_samples("b", samples, endpoint, path, rounds=1, scorer=scorer)
        assert (len(found), missing, len(server.requests)) == (3, 0, 5 + 2)
    assert all(each["gains"][0] > 0 for each in found)
    assert {each.id: each.response for each in read_predictions(path)} == {f"s{number}": svg(38) for number in range(3)}


def test_the_command_refines_one_image(tmp_path, target):
    answers = iter([svg(20), svg(38)])
    with chatting(lambda body: next(answers)) as server:
        line = f"refine --target {target} --language svg --encoder embedded --workers 1 --rounds 1 --json"
        model = [
            "--url",
            server.url,
            "--model",
            "m",
            "-o",
            str(tmp_path / "answer.md"),
            "--render",
            str(tmp_path / "r.png"),
        ]
        done = subprocess.run([*COMMAND, *line.split(), *model], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["samples"], told["requests"], told["worse"]) == (1, 2, 0.0)
    assert (tmp_path / "answer.md").read_text() == svg(38)
    assert Image.open(tmp_path / "r.png").getpixel((10, 10)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("--target a.png --samples 3", "--samples does nothing with --target"),
        ("--benchmark unisvg --render a.png", "--render does nothing with --benchmark"),
        ("--target a.png --benchmark unisvg", "give either --target or --benchmark"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(given, told, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["refine", *given.split(), "--url", "http://127.0.0.1:9/v1", "--model", "m", "-o", "answer.md"])
    assert told in capsys.readouterr().err


def test_where_nothing_can_be_written_is_said_before_the_model_works(target, tmp_path, capsys):
    line = f"refine --target {target} --url http://127.0.0.1:9/v1 --model m --encoder embedded -o {tmp_path}/none/a.md"
    assert main(line.split()) == 2
    assert "none' is not a directory" in capsys.readouterr().err
