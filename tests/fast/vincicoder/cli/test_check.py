"""The check before a job: it passes what will run, and each mistake is told with its fix."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from repository import EXAMPLES

from vincicoder.cli import job, main
from vincicoder.data import Record
from vincicoder.data.layouts import LAYOUTS
from vincicoder.images import open_target
from vincicoder.trainers import request_from
from vincicoder.trainers.preview import NEEDED, preview

SVG = EXAMPLES / "samples" / "svg"
LAYOUT = {"easyr1": "rl", "verl": "verl", "swift": "swift", "trl": "swift"}


def record(name: str = "rocket") -> Record:
    code = (SVG / name / "reference.svg").read_text("utf-8").strip()
    return Record(name, "svg", "generate", "svg", "Write this as SVG.", code, str(SVG / name / "target.png"))


def rows_for(trainer: str, record: Record) -> dict[str, Any]:
    row = LAYOUTS.get(LAYOUT[trainer]).write(record)
    if trainer == "trl":
        row["prompt"] = row.pop("messages")[:1]
    return row


def written(directory: Path, *rows: dict[str, Any]) -> str:
    path = directory / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(path)


def checked(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, dict[str, Any]]]:
    words = list(arguments)
    for place, word in enumerate(words):
        if "=" in word and not word.startswith("--"):
            words[place] = f"--option={word}"
    code = main(["check", "--json", *words])
    return code, {each["name"]: each for each in json.loads(capsys.readouterr().out)["checks"]}


@pytest.mark.parametrize("trainer", NEEDED)
def test_the_preview_of_a_row_has_its_target_language_and_reference(trainer):
    row = rows_for(trainer, record())
    assert any(set(needed) <= set(row) for needed in NEEDED[trainer])
    request = request_from("", preview(trainer, row))
    assert open_target(request.target).size == Image.open(SVG / "rocket" / "target.png").size
    assert (request.language, request.reference) == ("svg", record().code)


def test_a_job_that_will_run_is_ready(tmp_path, capsys):
    path = written(tmp_path, *(rows_for("easyr1", record(name)) for name in ("rocket", "wall-clock")))
    code, checks = checked("--trainer", "easyr1", "--data", path, "encoder=embedded", "workers=1", capsys=capsys)
    assert code == 0, checks
    assert checks["gold-answers"]["state"] == checks["svg"]["state"] == "ok"
    assert checks["options"]["detail"].endswith("weights: paper 1")
    assert "python" not in checks, "only the renderers of the data's languages"


@pytest.mark.parametrize(
    ("trainer", "changes", "arguments", "name", "said"),
    [
        ("trl", {}, ["encodr=embedded"], "options", "did you mean 'encoder'?"),
        ("verl", {}, ["+reward.reward_kwargs.encoder=embedded", "workers=0"], "options", "workers is 0"),
        ("easyr1", {}, ["encoder=embedded", "components.txt=1"], "options", "Did you mean 'text'?"),
        ("easyr1", {"images": None}, ["encoder=embedded"], "data", "row 0: it has no target image"),
        ("verl", {"extra_info": {}, "images": ["no.png"]}, ["encoder=embedded"], "data", "row 0: "),
        ("trl", {"prompt": "Draw it.", "language": None}, ["encoder=embedded"], "data", "says the language"),
        ("trl", {"language": "swg"}, ["encoder=embedded"], "data", "Did you mean 'svg'?"),
        ("easyr1", {}, ["encoder=embedded", "--columns=problem=question"], "data", "no column question but"),
        (
            "trl",
            {},
            ["encoder=embedded", "--columns=images=target"],
            "data",
            "ours comes first, as in --columns target=images",
        ),
        ("swift", {}, ["encoder=embedded", "workers=100000"], "memory", "set the option workers="),
        ("trl", {}, ["encoder=embedded", "--gpus", "64"], "gpus", "with 64 GPUs each were asked for"),
        ("trl", {}, ["encoder=embeded", "workers=1"], "encoder", "Did you mean 'embedded'?"),
        ("trl", {"solution": "<svg/>"}, ["encoder=embedded", "workers=1"], "gold-answers", "scores"),
    ],
)
def test_a_mistake_fails_with_its_fix_in_seconds(
    trainer, changes, arguments, name, said, tmp_path, capsys, monkeypatch
):
    for variable in ("VINCICODER_REWARD_CONFIG", "VINCICODER_REWARD_ENCODER"):
        monkeypatch.delenv(variable, raising=False)
    path = written(tmp_path, {**rows_for(trainer, record()), **changes})
    started = time.process_time()
    code, checks = checked("--trainer", trainer, "--data", path, *arguments, capsys=capsys)
    assert code == 1
    assert checks[name]["state"] == "missing"
    assert said in f"{checks[name]['detail']} {checks[name]['fix']}"
    assert [each for each in checks.values() if each["state"] == "missing"] == [checks[name]]
    assert time.process_time() - started < 20


def test_a_few_bad_rows_are_a_warning(tmp_path, capsys):
    good, bad = rows_for("easyr1", record()), {**rows_for("easyr1", record()), "images": ["nowhere.png"]}
    path = written(tmp_path, good, good, bad)
    code, checks = checked("--trainer", "easyr1", "--data", path, "--gold", "0", "encoder=embedded", capsys=capsys)
    assert (code, checks["data"]["state"]) == (0, "warning")
    assert "1 of 3 rows cannot be scored. rows.jsonl, row 2: " in checks["data"]["detail"]


def test_files_that_are_not_there_are_named(tmp_path, capsys):
    missing = str(tmp_path / "nowhere")
    code, checks = checked("--trainer", "verl", "--data", missing, "encoder=embedded", capsys=capsys)
    assert code == 1 and missing in checks["data"]["detail"]


def test_what_is_no_pair_is_a_wrong_option(capsys):
    assert main(["check", "--trainer", "trl", "--option=encoder"]) == 2
    assert "expected" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["check", "--trainer", "trl", "--columns=question"])
    assert "'question' is not OURS=THEIRS" in capsys.readouterr().err


def test_a_common_node_has_room_for_both_reward_actors(monkeypatch):
    monkeypatch.setattr(job, "_ray_nodes", lambda: [{"CPU": 11, "GPU": 8}])
    assert not any(each.failed for each in job.machines("easyr1", nodes=1, gpus=8, reward_cpus=1))
    *_, cpus = job.machines("easyr1", nodes=1, gpus=8, reward_cpus=2)
    assert cpus.failed and cpus.fix == "lower REWARD_CPUS"
    [gpus] = job.machines("verl", nodes=2, gpus=8, reward_cpus=1)
    assert gpus.failed and "the GPUs here are: 8" in gpus.detail


def test_a_node_that_renders_otherwise_is_found_by_its_fingerprint(tmp_path, capsys):
    path = written(tmp_path, rows_for("trl", record()))
    arguments = ("--trainer", "trl", "--data", path, "--gold", "0", "--nodes", "2", "encoder=embedded", "workers=1")
    code, checks = checked(*arguments, capsys=capsys)
    assert code == 0
    [_, here] = checks["same-renders"]["detail"].split("--fingerprint ")
    here = here.split()[0]
    assert checked(*arguments, "--fingerprint", here, capsys=capsys)[0] == 0
    code, checks = checked(*arguments, "--fingerprint", "0123456789abcdef", capsys=capsys)
    assert code == 1
    assert checks["same-renders"]["detail"] == f"all is {here} on this node, 0123456789abcdef on the other"
    assert "vincicoder install" in checks["same-renders"]["fix"]


def test_nodes_that_differ_are_named_with_their_languages():
    alike, other = {"svg": "1", "html": "2", "all": "3"}, {"svg": "9", "html": "2", "all": "4"}
    assert job.compared_renders({"a": alike, "b": dict(alike)}).state == "ok"
    found = job.compared_renders({"a": alike, "b": other, "c": {**other, "svg": ""}})
    assert found.failed and found.detail == "svg is 1 on a, 9 on b, no image on c"
    silent = job.compared_renders({"a": alike, "b": {"": "No module named 'vincicoder'"}})
    assert silent.failed and silent.detail == "no fingerprint of b: No module named 'vincicoder'"


def test_a_node_without_fonts_is_told_what_to_install(tmp_path, capsys, monkeypatch):
    listed = tmp_path / "fc-list"
    listed.write_text("#!/bin/sh\necho 'Comic Sans MS'\n")
    listed.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    path = written(tmp_path, rows_for("trl", record()))
    code, checks = checked("--trainer", "trl", "--data", path, "encoder=embedded", capsys=capsys)
    assert code == 1 and checks["latin-font"]["state"] == "missing"
    assert "fonts-" in checks["latin-font"]["fix"]
    assert not checks["cjk-font"]["required"], "a job whose data has no Chinese text may start"


@pytest.mark.parametrize("encoder", ["facebook/dinov2-giant", "/nowhere/dinov2"])
def test_an_encoder_that_is_not_on_this_machine_is_told_without_asking_a_hub(encoder, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "no-cache"))
    with socket.create_server(("127.0.0.1", 0)) as hub:
        hub.setblocking(False)
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{hub.getsockname()[1]}")
        path = written(tmp_path, rows_for("trl", record()))
        code, checks = checked("--trainer", "trl", "--data", path, f"encoder={encoder}", "workers=1", capsys=capsys)
        with pytest.raises(BlockingIOError):
            hub.accept()
    assert code == 1 and checks["encoder"]["state"] == "missing"
    assert re.search(r"hf download facebook/dinov2|pip install", checks["encoder"]["fix"])


def test_a_browser_that_cannot_be_run_fails_only_where_pages_are_asked_for(tmp_path, capsys):
    page = Record("page", "web", "generate", "html", "Write this as HTML.", "<p>a</p>", record().target)
    for each, expected in ((page, 1), (record(), 0)):
        path = written(tmp_path, rows_for("trl", each))
        arguments = ("encoder=embedded", "browser=/bin/false", "workers=1", "--gold", "0")
        code, checks = checked("--trainer", "trl", "--data", path, *arguments, capsys=capsys)
        assert code == expected
        assert [name for name, found in checks.items() if found["required"] and found["state"] == "missing"] == (
            ["html"] if expected else []
        )


def test_nodes_without_a_ray_cluster_are_told_how_to_start_one(monkeypatch):
    monkeypatch.setattr(job, "_ray_nodes", lambda: None)
    [found] = job.machines("verl", nodes=2, gpus=8, reward_cpus=1)
    assert found.failed and found.detail == "NNODES=2, but no Ray cluster answers"
    assert "ray start --head" in found.fix


def test_a_node_too_few_or_with_too_few_gpus_is_counted(monkeypatch):
    monkeypatch.setattr(job, "_ray_nodes", lambda: [{"CPU": 64, "GPU": 8}, {"CPU": 64, "GPU": 4}])
    [found] = job.machines("verl", nodes=2, gpus=8, reward_cpus=1)
    assert found.failed and found.detail.endswith("the GPUs here are: 8, 4")
    assert "GPUS_PER_NODE" in found.fix
