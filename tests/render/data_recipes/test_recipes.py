"""The recipes end to end, on a few rows: what comes out is what trainers read, and its gold code earns its reward."""

from __future__ import annotations

import argparse
import dataclasses
import json
import pickle
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import ClassVar

import pytest
from recipe_helpers import Numbered, content, png_of, record_of, svg_of

from data_recipes import attempts, collect, demo, export, refine, report, validate
from data_recipes.engine.drops import Drops
from data_recipes.engine.options import describe, run_recipe
from data_recipes.engine.pipeline import run
from data_recipes.engine.refinements import changed_share
from data_recipes.engine.shards import drops_of, rows_of, shards_of
from data_recipes.engine.units import Row
from data_recipes.refine import LEAST_CHANGED
from vincicoder.cli import main as command_line
from vincicoder.cli.data import RECIPES
from vincicoder.data import BadRow, DataError, Reason, Record
from vincicoder.data.files import cut, find_files
from vincicoder.data.layouts import LAYOUTS
from vincicoder.data.reading import Rejects, read_rows
from vincicoder.endpoint import Endpoint
from vincicoder.errors import EndpointError
from vincicoder.images import open_target


def records(directory):
    return [Record.from_dict(row) for row in rows_of(shards_of(directory))]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A directory of 24 verified records: SVG and molecules."""
    directory = tmp_path_factory.mktemp("drawn")
    for name in ("icons", "molecules"):
        collect.main([name, "--count", "12", "--out", str(directory / name), "--workers", "1"])
    return directory


def trainer_rows(directory, layout, tmp_path):
    pieces = cut(find_files(directory), LAYOUTS.get(layout).columns, {})
    rejects = tmp_path / "rejects"
    rows = list(read_rows([(piece,) for piece in pieces], layout, ("default",), {}, True, True, str(rejects)))
    assert not Rejects(rejects).count()
    return rows


def test_refinements_differ_from_their_target_and_say_how(drawn, tmp_path):
    for name, each in (("icons", "2"), ("molecules", "1")):
        refine.main([str(drawn / name), "--out", str(tmp_path / name), "--workers", "1", "--per-record", each])
    made = records(tmp_path / "icons") + records(tmp_path / "molecules")
    assert len({record.id for record in made}) == len(made) > 30
    for record in made:
        assert record.task == "refine"
        assert record.defective_code not in (None, record.code)
        assert record.defective_code in record.prompt
        assert record.checks["defects"]
    step = refine.Damage(workers=1)
    try:
        for record in made[::3]:
            render = step.renderers.render(record.defective_code, record.language)
            if record.checks["defect_status"] == "ok":
                assert changed_share(open_target(record.target), render.image) >= LEAST_CHANGED
            else:
                assert render.status.value == record.checks["defect_status"]
    finally:
        step.close()


def test_exports_are_read_by_the_plugins_and_gold_code_earns_its_reward(drawn, tmp_path, capsys):
    directories = [str(drawn / "icons"), str(drawn / "molecules")]
    whole = records(drawn / "icons") + records(drawn / "molecules")
    for layout in ("sft", "rl", "records"):
        export.main([*directories, "--layout", layout, "--out", str(tmp_path / layout), "--rows", "5"])
        rows = trainer_rows(tmp_path / layout, layout, tmp_path)
        assert sorted(row["solution"].strip() for row in rows) == sorted(record.code.strip() for record in whole)
        assert {bytes(row["images"][0]["bytes"]) for row in rows} == {record.target for record in whole}
    capsys.readouterr()
    assert validate.main([str(tmp_path / "rl"), "--workers", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["earned"], found["statuses"]) == (24, 24, {"ok": 24})


def test_images_can_be_kept_in_a_store(drawn, tmp_path):
    export.main([str(drawn / "icons"), "--layout", "sft", "--out", str(tmp_path / "sft"), "--pictures"])
    [row, *_] = rows_of(shards_of(tmp_path / "sft"))
    assert (tmp_path / "sft" / row["image"]).read_bytes() == records(drawn / "icons")[0].target
    assert len(trainer_rows(tmp_path / "sft", "sft", tmp_path)) == 12


def test_an_export_finds_images_beside_its_records_and_counts_rows_that_it_cannot_write(tmp_path, write_parquet):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.png").write_bytes(png_of(1))
    changes = [
        {"target": {"bytes": None, "path": "a.png"}},
        {"target": {"bytes": None, "path": "b.png"}},
        {"code": None},
    ]
    directory = write_parquet([record_of(1).to_dict() | change for change in changes])
    for layout in ("sft", "rl"):
        export.main([str(directory), "--layout", layout, "--out", str(tmp_path / layout)])
        assert drops_of(tmp_path / layout)[1].counts == {"broken image": 1, "missing value": 1}
    [row] = rows_of(shards_of(tmp_path / "sft"))
    assert row["image"] == png_of(1)


def test_gold_code_that_draws_something_else_is_told(tmp_path, capsys):
    class Wrong(Numbered):
        def read(self, unit):
            for row in super().read(unit):
                yield row._replace(found=dataclasses.replace(row.found, code=svg_of(50, "blue"), target=png_of(2)))

    run(Wrong(3), [], tmp_path / "wrong", {})
    assert validate.main([str(tmp_path / "wrong"), "--workers", "1"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["earned"] == 0
    assert len(found["worst"]) == 3
    run(Numbered(2), [], tmp_path / "empty", {})
    for path in shards_of(tmp_path / "empty"):
        path.unlink()
    with pytest.raises(DataError, match="it has: nothing"):
        validate.main([str(tmp_path / "empty")])


class Model(BaseHTTPRequestHandler):
    """An endpoint that answers with a square at another place, the right one, and prose; or with ``contents``."""

    asked: ClassVar[list[dict]] = []
    contents: ClassVar[list | None] = None

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(body)
        right = svg_of(0)
        answers = [f"```svg\n{svg_of(25)}\n```", f"```svg\n{right}\n```", "I see a square.", "```svg\n<svg\n```"]
        answers = answers if self.contents is None else self.contents
        data = json.dumps({"choices": [{"message": {"content": answer}} for answer in answers]}).encode()
        self.send_response(200 if self.path == "/v1/chat/completions" else 404)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def endpoint():
    server = HTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_models_attempts_within_the_band_become_refinements(endpoint, tmp_path):
    run(Numbered(1), [], tmp_path / "in", {})
    arguments = [str(tmp_path / "in"), "--model", "tiny", "--most", "0.99", "--workers", "1"]
    attempts.main([*arguments, "--url", f"{endpoint}/v1", "--out", str(tmp_path / "out")])
    [record] = records(tmp_path / "out")
    assert record.defective_code == svg_of(25)
    assert 0.3 <= record.checks["similarity"] <= 0.99
    assert record.checks["made_by"] == "tiny"
    image, words = Model.asked[-1]["messages"][0]["content"]
    assert image["image_url"]["url"].startswith("data:image/png;base64,")
    assert words["text"] == "Draw this as SVG."
    assert attempts.main([*arguments, "--least", "0.98", "--url", f"{endpoint}/v1", "--out", str(tmp_path / "none")])
    assert not records(tmp_path / "none")
    with pytest.raises(EndpointError, match="404"):
        attempts.main([*arguments, "--url", endpoint, "--out", str(tmp_path / "wrong")])
    attempts.main([*arguments, "--url", f"{endpoint}/v1", "--out", str(tmp_path / "wrong")])
    assert content(tmp_path / "wrong") == content(tmp_path / "out"), "a run goes on though the model moved"


def test_attempts_asks_as_many_questions_at_a_time_as_it_is_told(tmp_path):
    together = threading.Barrier(6, timeout=60)

    class Waiting(Model):
        """Answers nobody until six ask."""

        def do_POST(self):
            together.wait()
            super().do_POST()

    run(Numbered(6), [], tmp_path / "in", {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), Waiting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/v1"
    arguments = ["--url", url, "--model", "tiny", "--workers", "1", "--most", "0.99", "--concurrency", "6"]
    attempts.main([str(tmp_path / "in"), *arguments, "--out", str(tmp_path / "out")])
    server.shutdown()
    assert not together.broken
    assert records(tmp_path / "out")


def test_a_faulty_answer_of_the_model_is_counted_as_such_and_costs_its_record_only(endpoint, monkeypatch):
    step, drops = attempts.Attempt(Endpoint(f"{endpoint}/v1", "tiny"), workers=1), Drops()
    faulty = ([], [7], [["a"]], [[{"type": "text"}]], [[{"type": "text", "text": 7}]])
    try:
        for number, contents in enumerate(faulty):
            monkeypatch.setattr(Model, "contents", contents)
            assert step([record_of(number)], drops) == []
    finally:
        step.close()
    assert drops.counts == {"no code found: faulty answer of the endpoint": len(faulty)}


def test_an_attempt_can_be_sent_to_another_process_and_its_settings_hold_no_address(endpoint):
    step = pickle.loads(pickle.dumps(attempts.Attempt(Endpoint(f"{endpoint}/v1", "tiny"), samples=3)))
    assert step.sampling == {"n": 3, "seed": 0, "temperature": 0.8, "max_tokens": 4096}
    assert endpoint not in describe(step)
    assert '"model": "tiny"' in describe(step)


def test_a_run_says_what_it_left_out_and_fails_if_no_row_came_through(tmp_path, write_parquet, capsys):
    directory = write_parquet(
        [record_of(number).to_dict() | {"code": f"```svg\n{svg_of(number)}\n```"} for number in range(4)]
    )
    arguments = ["records", "--from", str(directory), "--out", str(tmp_path / "out"), "--workers", "1"]
    assert collect.main(arguments) == 1
    out, err = capsys.readouterr()
    told = {"recipe": "collect records", "taken": 4, "kept": 0, "dropped": {"lint: svg fence": 4}}
    assert json.loads(out) == told
    *_, first, second, third, last = err.splitlines()
    assert first.startswith("left out, lint: svg fence: ")
    assert first.endswith("the code is in a Markdown fence; give it without")
    assert len({first, second, third}) == 3
    assert last == "vincicoder data: no row came through; most often: lint: svg fence (4 rows)"


def test_of_many_reasons_ten_examples_are_told_each_on_a_line_of_bounded_length(tmp_path, capsys):
    class Faulty(Numbered):
        def read(self, unit):
            for number, reason in enumerate(list(Reason)[:5]):
                yield from [Row(f"r{number}", BadRow(reason, "a\nb" * 200))] * 4
            yield Row("r9", record_of(9))

    options = argparse.Namespace(recipe="test", out=tmp_path / "out", ray=None)
    assert run_recipe(options, Faulty(1), []) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("left out, ")]
    assert len(lines) == 10
    assert {len(line) for line in lines} == {160}


def test_the_report_counts_everything_and_shows_images(drawn, tmp_path):
    refine.main([str(drawn / "icons"), "--share", "0.5", "--out", str(tmp_path / "refined"), "--workers", "1"])
    directories = [str(drawn / "icons"), str(drawn / "molecules"), str(tmp_path / "refined")]
    report.main([*directories, "--out", str(tmp_path / "report"), "--from", str(drawn / "icons"), "--name", "<Mine>"])
    card = (tmp_path / "report" / "README.md").read_text()
    made = len(records(tmp_path / "refined"))
    assert f"| svg | 12 | {made} |" in card
    assert f"| not sampled | {12 - made} |" in card
    assert card.startswith("---\npretty_name: <Mine>\nlicense: apache-2.0\n")
    page = (tmp_path / "report" / "index.html").read_text()
    assert "&lt;Mine&gt;" in page
    for path in ("plots/rows.png", "plots/defects.png", "gallery/svg-generate-0.png"):
        assert path in page
        assert path in card
        assert open_target(tmp_path / "report" / path).width > 100


def test_what_later_recipes_leave_out_does_not_count_as_not_rendered():
    facts, collected = report.Facts(), Drops()
    for reason, detail in ((Reason.NOT_RENDERED, "timeout"), (Reason.BLANK, ""), (Reason.LINT, "svg root")):
        collected.add("x", BadRow(reason, "why", detail))
    facts.drops.update({"counts": {"not sampled": 50}, "examples": {}})
    facts.add_origin(12, collected)
    assert facts.success == pytest.approx(10 / 11)
    assert report.Facts().success is None


def test_every_recipe_is_a_command_with_help(capsys):
    for name in RECIPES:
        with pytest.raises(SystemExit) as end:
            command_line(["data", name, "--help"])
        assert end.value.code == 0
        assert f"vincicoder data {name}" in capsys.readouterr().out
    assert command_line(["data", "dmeo"]) == 2
    message = capsys.readouterr().err
    assert f"there is no recipe 'dmeo'; there are: {', '.join(RECIPES)}. Did you mean 'demo'?" in message


@pytest.mark.parametrize("arguments", [["export", "x", "--layout", "verll"], ["demo", "--layouts", "rl,verll"]])
def test_a_misspelt_layout_is_told_the_right_name(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        command_line(["data", *arguments, "--out", "x"])
    assert end.value.code == 2
    assert re.search(r"no layout 'verll'; there are: easyr1, .*\. Did you mean 'verl'\?", capsys.readouterr().err)


def test_the_help_of_data_lists_every_recipe_and_what_it_makes(capsys):
    with pytest.raises(SystemExit) as end:
        command_line(["data", "--help"])
    assert end.value.code == 0
    told = capsys.readouterr().out
    assert {"demo", "collect", "sample", "refine", "attempts", "rl", "export", "validate", "report", "lengths"} == set(
        RECIPES
    )
    for name in RECIPES:
        assert f"\n  {name} " in told
        assert RECIPES.get(name).summary in told


@pytest.mark.slow
def test_the_demo_builds_both_sets_and_goes_on_after_a_stop(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "sample_set", lambda: None)  # most of the time would be theirs
    demo.main(["--out", str(tmp_path / "a"), "--rows", "40", "--layouts", "verl"])
    for path in list((tmp_path / "a").rglob("*.parquet"))[::3]:
        path.unlink()
    demo.main(["--out", str(tmp_path / "a"), "--rows", "40", "--layouts", "verl"])
    demo.main(["--out", str(tmp_path / "b"), "--rows", "40", "--layouts", "verl"])
    first, second = content(tmp_path / "a"), content(tmp_path / "b")
    assert {name for name in first if first[name] != second.get(name)} <= {"README.md", "report/index.html"}
    assert set(first) == set(second)
    assert len(trainer_rows(tmp_path / "a" / "sft", "sft", tmp_path)) > 30
    assert validate.main([str(tmp_path / "a" / "rl")]) == validate.main([str(tmp_path / "a" / "rl-verl")]) == 0
