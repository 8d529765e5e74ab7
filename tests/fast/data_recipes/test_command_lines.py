"""The recipes' command lines: their help, and runs that go on with more rows."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
from argparse import Namespace

import pytest
from chat_server import chatting
from recipe_helpers import record_of

from data_recipes import attempts
from data_recipes.engine.drops import Drops
from data_recipes.engine.options import describe, run_recipe
from data_recipes.engine.shards import CHUNK, shards_of
from data_recipes.sources._generated import Generated
from data_recipes.sources.samples import Samples
from vincicoder.cli.data import RECIPES
from vincicoder.data import DataError
from vincicoder.endpoint import Endpoint


@pytest.mark.parametrize("name", RECIPES)
def test_the_help_of_a_recipe_says_every_default(name, monkeypatch):
    def caught(parser, *_):
        raise Parsed(parser)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", caught)
    with pytest.raises(Parsed) as found:
        RECIPES.get(name).main([])
    options = [each for each in found.value.parser._actions if each.option_strings and each.nargs != 0]
    silent = [
        each.option_strings[-1] for each in options if not each.required and "(default: " not in (each.help or "")
    ]
    assert silent == []
    wrong = [
        f"{each.option_strings[-1]}: {each.help}"
        for each in options
        if isinstance(each.default, (int, float)) and float(each.help.rpartition("(default: ")[2][:-1]) != each.default
    ]
    assert wrong == []


class Parsed(Exception):
    def __init__(self, parser):
        super().__init__()
        self.parser = parser


def test_the_help_of_a_recipe_needs_nothing_installed():
    code = """
import contextlib, sys
sys.modules["pyarrow"] = sys.modules["ruff"] = None
from vincicoder.cli import main
for name in sys.argv[1:]:
    with contextlib.suppress(SystemExit):
        main(["data", name, "--help"])
main(["data", name, "x"])
"""
    done = subprocess.run([sys.executable, "-c", code, *RECIPES], capture_output=True, text=True)
    assert [name for name in RECIPES if f"usage: vincicoder data {name} " not in done.stdout] == []
    assert "need pyarrow" in done.stderr


def generated(directory, count, seed=0):
    source = Generated("tests", "svg", lambda rng: f"<svg>{rng.random()}</svg>", count, seed)
    return run_recipe(Namespace(out=directory, seed=seed, ray=None, recipe="collect tests"), source, [])


def contents(directory):
    return {path.name: path.read_bytes() for path in shards_of(directory)}


def test_a_count_can_grow_and_gives_the_bytes_of_a_run_that_wanted_as_many(tmp_path, capsys):
    for count in (CHUNK - 28, CHUNK, CHUNK + 1, 2 * CHUNK + 5):
        assert generated(tmp_path / "grown", count) == 0
        assert json.loads(capsys.readouterr().out)["kept"] == count
    generated(tmp_path / "whole", 2 * CHUNK + 5)
    assert contents(tmp_path / "grown") == contents(tmp_path / "whole")


def test_shards_that_are_full_are_not_made_again(tmp_path):
    generated(tmp_path / "out", CHUNK + 1)
    full, begun = shards_of(tmp_path / "out")
    before = full.stat().st_mtime_ns, begun.stat().st_mtime_ns
    generated(tmp_path / "out", CHUNK + 2)
    assert full.stat().st_mtime_ns == before[0]
    assert begun.stat().st_mtime_ns > before[1]


def test_a_count_cannot_shrink_nor_grow_with_another_seed(tmp_path):
    generated(tmp_path / "out", 20)
    kept = contents(tmp_path / "out")
    for count, seed in ((19, 0), (30, 1)):
        with pytest.raises(DataError, match="begun with other settings"):
            generated(tmp_path / "out", count, seed)
    assert contents(tmp_path / "out") == kept


def test_an_endpoint_is_asked_about_as_many_records_at_a_time_as_the_option_says(tmp_path):
    together = threading.Barrier(16, timeout=60)

    def answer(body):
        together.wait()  # nobody is answered until sixteen have asked
        return "no code"

    with chatting(answer) as server:
        step = attempts.Attempt(Endpoint(server.url, "tiny", concurrency=16), samples=1, workers=1)
        drops = Drops()
        assert step([record_of(number) for number in range(16)], drops) == []
        step.close()
    assert sum(drops.counts.values()) == 16
    assert len(server.requests) == 16


def test_the_option_is_the_endpoints_and_another_goes_on_with_the_same_run(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(attempts, "run_recipe", lambda options, source, steps, **_: seen.append(steps[0]) or 0)
    command = [str(tmp_path), "--url", "http://localhost:1/v1", "--model", "m", "--out", str(tmp_path / "out")]
    attempts.main(command)
    attempts.main([*command, "--concurrency", "64"])
    assert [step._endpoint.concurrency for step in seen] == [16, 64]
    assert describe(seen[0]) == describe(seen[1])


def test_the_sample_set_is_found_from_any_directory_of_a_clone(tmp_path, monkeypatch):
    monkeypatch.setattr("data_recipes.sources.samples.__file__", str(tmp_path / "site/data_recipes/sources/samples.py"))
    samples = tmp_path / "clone" / "examples" / "samples"
    samples.mkdir(parents=True)
    (samples / "index.jsonl").write_text('{"group": "one"}\n')
    inside = tmp_path / "clone" / "docs"
    inside.mkdir()
    for directory in (tmp_path / "clone", inside):
        monkeypatch.chdir(directory)
        assert [unit.rows for unit in Samples().units()] == [1]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="run this in a clone of the repository, or give --from"):
        Samples().units()
