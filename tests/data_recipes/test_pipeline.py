"""A run streams into shards that are whole or absent, and goes on after any stop with the same bytes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from recipe_helpers import Numbered, every_third, png_of

from data_recipes.pictures import PictureStore
from data_recipes.pipeline import CHUNK, run
from data_recipes.shards import drops_of, rows_of, shards_of
from vincicoder.data import BadRow, DataError, Record

SETTINGS = {"seed": 0}


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


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


SCRIPT = """
import sys, time
from pathlib import Path
sys.path[:0] = [{root!r}, {here!r}]
from data_recipes.pipeline import run
from recipe_helpers import Numbered, every_third

def slow(records, drops):
    time.sleep(0.03)
    return records

run(Numbered(3000, 500), [every_third, slow], Path(sys.argv[1]), {{"seed": 0}})
"""


def test_ten_kills_at_random_moments_leave_the_bytes_of_an_undisturbed_run(tmp_path):
    root = str(Path(__file__).parents[2])
    script = tmp_path / "run.py"
    script.write_text(textwrap.dedent(SCRIPT.format(root=root, here=str(Path(__file__).parent))))
    run(Numbered(3000, 500), [every_third], tmp_path / "whole", SETTINGS)
    rng, killed = random.Random(3), 0
    for _ in range(10):
        before = len(list((tmp_path / "killed").glob("*.parquet"))) if (tmp_path / "killed").exists() else 0
        process = subprocess.Popen(
            [sys.executable, str(script), str(tmp_path / "killed")], stderr=subprocess.DEVNULL, cwd=root
        )
        deadline, more = time.monotonic() + 30, rng.randint(0, 2)
        while process.poll() is None and time.monotonic() < deadline:
            if len(list((tmp_path / "killed").glob("*.parquet"))) > before + more:
                time.sleep(rng.uniform(0, 0.06))
                break
            time.sleep(0.002)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
    assert killed >= 8, "the runs were too quick to be killed"
    subprocess.run([sys.executable, str(script), str(tmp_path / "killed")], check=True, cwd=root, capture_output=True)
    assert content(tmp_path / "killed") == content(tmp_path / "whole")


def test_a_folder_of_other_settings_or_another_run_is_left_alone(tmp_path):
    run(Numbered(10), [], tmp_path / "out", SETTINGS)
    with pytest.raises(DataError, match="seed was 0 and is 1"):
        run(Numbered(10), [], tmp_path / "out", {"seed": 1})
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "mine.parquet").write_bytes(b"x")
    with pytest.raises(DataError, match="no recipe wrote"):
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


def test_equal_pictures_are_stored_once_and_found_by_their_name(tmp_path):
    store = PictureStore(tmp_path / "pictures")
    first, again, other = store.put(png_of(3)), store.put(png_of(3)), store.put(png_of(4))
    assert first == again != other
    assert first.endswith(".png")
    assert store.get(first) == png_of(3)
    assert len([path for path in (tmp_path / "pictures").rglob("*") if path.is_file()]) == 2
    with pytest.raises(BadRow, match="is not in"):
        store.get("ab/none.png")


@pytest.mark.slow
def test_a_ray_data_pipeline_makes_the_same_bytes(tmp_path):
    ray = pytest.importorskip("ray")
    from data_recipes import collect

    arguments = ["icons", "--count", "300", "--workers", "1", "--out"]
    try:
        collect.main([*arguments, str(tmp_path / "here")])
        collect.main([*arguments, str(tmp_path / "ray"), "--ray", "local"])
    finally:
        ray.shutdown()
    assert len(shards_of(tmp_path / "ray")) == 3
    assert content(tmp_path / "ray") == content(tmp_path / "here")
