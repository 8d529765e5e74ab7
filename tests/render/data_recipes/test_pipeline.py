"""A run streams into shards that are whole or absent, and goes on after any stop with the same bytes."""

from __future__ import annotations

import dataclasses
import importlib
import random
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest
from recipe_helpers import (
    SETTINGS,
    Numbered,
    content,
    every_third,
    killed_at_work,
    png_of,
    start,
)
from repository import ROOT, SUPPORT

from data_recipes import export
from data_recipes.engine.images import ImageStore
from data_recipes.engine.options import describe
from data_recipes.engine.pipeline import run
from data_recipes.engine.shards import CHUNK, drops_of, rows_of, shards_of
from data_recipes.sources import SOURCES, find_source, generated_domains
from vincicoder.data import DataError, Record


def test_rows_go_through_the_steps_into_shards_and_drops_are_counted(tmp_path):
    totals = run(Numbered(700, 300), [every_third], tmp_path / "out", SETTINGS)
    assert (totals.taken, totals.kept, totals.drops.counts) == (700, 466, {"too simple": 234})
    records = [Record.from_dict(row) for row in rows_of(shards_of(tmp_path / "out"))]
    assert [record.checks["number"] for record in records] == [n for n in range(700) if n % 3]
    assert len(shards_of(tmp_path / "out")) == 2 * -(-300 // CHUNK) + 1
    assert drops_of(tmp_path / "out")[0] == 700
    assert drops_of(tmp_path / "out")[1].to_dict() == totals.drops.to_dict()


def test_a_second_run_changes_nothing_and_reports_the_same(tmp_path):
    first = run(Numbered(), [every_third], tmp_path / "out", SETTINGS)
    before = content(tmp_path / "out")

    def forbidden(records, drops):
        raise AssertionError("finished shards are not made again")

    second = run(Numbered(), [forbidden], tmp_path / "out", SETTINGS)
    assert content(tmp_path / "out") == before
    assert (second.taken, second.kept, second.drops.counts) == (first.taken, first.kept, first.drops.counts)


def test_any_missing_shard_is_made_again_with_the_same_bytes(tmp_path):
    run(Numbered(), [every_third], tmp_path / "out", SETTINGS)
    before = content(tmp_path / "out")
    for path in shards_of(tmp_path / "out"):
        path.unlink()
        (tmp_path / "out" / "half.parquet.partial").write_bytes(b"PAR1")
        run(Numbered(), [every_third], tmp_path / "out", SETTINGS)
        assert content(tmp_path / "out") == before


SCRIPT = f"""
import sys, time
from pathlib import Path
sys.path[:0] = [{str(ROOT)!r}, {str(SUPPORT)!r}]
from data_recipes.engine.pipeline import run
from recipe_helpers import Numbered, every_third

def slow(records, drops):
    time.sleep(0.03)
    return records

run(Numbered(int(sys.argv[2]), 500), [every_third, slow], Path(sys.argv[1]), {{"seed": 0}})
"""


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_kills_at_random_moments_leave_the_bytes_of_an_undisturbed_run(tmp_path, kills):
    records = 1500 * kills
    run(Numbered(records, 500), [every_third], tmp_path / "whole", SETTINGS)
    again, rng = ["-c", SCRIPT, str(tmp_path / "killed"), str(records)], random.Random(3)
    killed = sum(killed_at_work(again, tmp_path / "killed", rng) for _ in range(kills))
    assert killed >= kills * 0.75, "the runs were too quick to be killed"
    assert start(again).wait() == 0
    assert content(tmp_path / "killed") == content(tmp_path / "whole")


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_an_export_that_is_killed_goes_on_with_the_same_bytes(tmp_path, kills):
    def mixed(records, drops):
        domains = ("svg", "chart", "web")
        return [dataclasses.replace(each, domain=domains[each.checks["number"] % 3]) for each in records]

    run(Numbered(1200, 300), [mixed], tmp_path / "in", SETTINGS)
    command = ["-m", "data_recipes.export", str(tmp_path / "in"), "--layout", "sft", "--pictures", "--rows", "15"]
    assert start([*command, "--out", str(tmp_path / "whole")]).wait() == 0
    again, rng = [*command, "--out", str(tmp_path / "killed")], random.Random(4)
    killed = sum(killed_at_work(again, tmp_path / "killed", rng, 0.01) for _ in range(kills))
    assert killed >= kills * 0.75, "the runs were too quick to be killed"
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "killed").glob("*.parquet")}
    assert start(again).wait() == 0
    assert all(path.stat().st_mtime_ns == then for path, then in before.items()), "finished files are not made again"
    assert content(tmp_path / "killed") == content(tmp_path / "whole")
    assert len(shards_of(tmp_path / "whole")) == 3 * -(-400 // 15)


@pytest.mark.slow
def test_a_real_chain_that_is_killed_goes_on_with_the_same_bytes(tmp_path):
    rng = random.Random(5)
    for name, command in (
        ("icons", ["-m", "data_recipes.collect", "icons", "--count", "1200"]),
        ("refined", ["-m", "data_recipes.refine", str(tmp_path / "whole-icons"), "--share", "0.6"]),
    ):
        whole, killed = tmp_path / f"whole-{name}", tmp_path / f"killed-{name}"
        assert start([*command, "--out", str(whole)]).wait() == 0
        again = [*command, "--out", str(killed)]
        stopped = []
        for signum in (signal.SIGINT, *[signal.SIGKILL] * 3):
            # Python that was started in the background of a shell has no Ctrl-C to pass on.
            process = start(again, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
            time.sleep(rng.uniform(1.5, 3))
            process.send_signal(signum)
            stopped.append(process.wait())
        assert stopped[:3] == [130, -9, -9], "Ctrl-C ends a run in order"
        assert start(again).wait() == 0
        assert content(killed) == content(whole)
        assert len(shards_of(whole)) == 10


def test_a_directory_of_other_settings_or_another_run_is_left_alone(tmp_path):
    run(Numbered(10), [], tmp_path / "out", SETTINGS)
    with pytest.raises(DataError, match="seed was 0 and is 1"):
        run(Numbered(10), [], tmp_path / "out", {"seed": 1})
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "mine.parquet").write_bytes(b"x")
    with pytest.raises(DataError, match=r"there is no \.foreign\.run\.json beside it"):
        run(Numbered(10), [], tmp_path / "foreign", SETTINGS)

    def again(records, drops):
        with pytest.raises(DataError, match="another run is writing"):
            run(Numbered(10), [], tmp_path / "busy", SETTINGS)
        return records

    run(Numbered(10), [again], tmp_path / "busy", SETTINGS)


def test_only_one_chunk_is_in_memory_at_a_time(tmp_path):
    sizes = []

    def note(records, drops):
        sizes.append(len(records))
        return records

    run(Numbered(1000, 1000), [note], tmp_path / "out", SETTINGS)
    assert max(sizes) == CHUNK
    assert sum(sizes) == 1000


def test_equal_images_are_stored_once_and_found_by_their_name(tmp_path):
    store = ImageStore(tmp_path / "pictures")
    first, again, other = store.put(png_of(3)), store.put(png_of(3)), store.put(png_of(4))
    assert first == again != other
    assert first.endswith(".png")
    assert (tmp_path / first).read_bytes() == png_of(3)
    assert len([path for path in (tmp_path / "pictures").rglob("*") if path.is_file()]) == 2


@pytest.mark.parametrize("name", list(SOURCES))
def test_a_source_is_described_alike_in_every_process(name, tmp_path):
    told = describe(find_source(name, str(tmp_path), count=7, seed=3))
    assert " at 0x" not in told
    assert str(tmp_path) not in told, "a set may be moved"
    if name in generated_domains():
        assert f'"write": "data_recipes.sources.{name}.write"' in told


def test_a_full_disk_is_one_sentence_and_leaves_nothing_behind(tmp_path):
    run(Numbered(700, 300), [], tmp_path / "in", SETTINGS)
    command = ["-m", "data_recipes.export", str(tmp_path / "in"), "--layout", "rl", "--out", str(tmp_path / "out")]

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    process = start(command, stderr=subprocess.PIPE, text=True, preexec_fn=little_room)
    _, said = process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in said
    assert "img2svg-00000.parquet cannot be written (File too large); once that is fixed" in said
    assert not content(tmp_path / "out")
    assert start(command).wait() == 0


def test_a_directory_that_cannot_be_written_to_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    for directory in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(DataError, match=f"the directory {directory} cannot be written to: "):
            run(Numbered(10), [], directory, SETTINGS)
    with pytest.raises(DataError, match=r"/proc/\.\d+\.run\.json cannot be written"):
        run(Numbered(10), [], Path("/proc/self"), SETTINGS)


def test_an_output_within_what_is_read_is_refused(tmp_path):
    run(Numbered(10), [], tmp_path / "in", SETTINGS)
    for command in (["refine", str(tmp_path / "in")], ["collect", "records", "--from", str(tmp_path / "in")]):
        for out in (tmp_path / "in", tmp_path / "in" / "out"):
            with pytest.raises(DataError, match=r"lies in .*/in, all of which is read"):
                importlib.import_module(f"data_recipes.{command[0]}").main([*command[1:], "--out", str(out)])
    assert list(content(tmp_path / "in")) == ["00000-00000.parquet"], "trainers load whatever is in it"


def test_a_source_without_rows_comes_to_nothing(tmp_path):
    totals = run(Numbered(0), [every_third], tmp_path / "out", SETTINGS)
    assert (totals.taken, totals.kept) == (0, 0)


def test_a_damaged_shard_or_a_missing_column_is_named(tmp_path, write_parquet):
    run(Numbered(10), [], tmp_path / "in", SETTINGS)
    [shard] = shards_of(tmp_path / "in")
    shard.write_bytes(shard.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"00000-00000\.parquet is damaged"):
        list(rows_of([shard]))
    with pytest.raises(DataError, match=r"00000-00000\.parquet was not written by a recipe"):
        run(Numbered(10), [], tmp_path / "in", SETTINGS)
    directory = write_parquet([{"code": "x", "target": b"y"}])
    with pytest.raises(DataError, match=r"part-0\.parquet has no column domain, task; run it through collect"):
        export.main([str(directory), "--layout", "rl", "--out", str(tmp_path / "out")])


def test_a_number_that_makes_no_sense_is_refused(capsys):
    for arguments in (
        ["collect", "icons", "--count", "0"],
        ["refine", "x", "--share", "2"],
        ["export", "x", "--rows", "-1"],
    ):
        with pytest.raises(SystemExit):
            importlib.import_module(f"data_recipes.{arguments[0]}").main([*arguments[1:], "--out", "x"])
        assert f"{arguments[-1]!r} is not a" in capsys.readouterr().err
