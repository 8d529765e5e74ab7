"""The pipeline on Ray Data: the same bytes, counts and sentences as on one machine."""

from __future__ import annotations

import pytest
from needed import needs
from recipe_helpers import SETTINGS, Numbered, content, every_third, every_third_for_a_reason_of_its_chunk
from repository import SUPPORT

from data_recipes.engine.pipeline import run
from data_recipes.engine.shards import shards_of
from vincicoder.data import DataError

ray = needs("ray")


@pytest.fixture(autouse=True)
def disconnected():
    """Before and after a test this process is connected to no Ray: the pipeline starts its own."""
    from started_ray import end_shared_cluster

    end_shared_cluster()
    yield
    ray.shutdown()


@pytest.mark.slow
def test_a_ray_data_pipeline_makes_the_same_bytes(tmp_path):
    from data_recipes import collect

    arguments = ["icons", "--count", "300", "--workers", "1", "--out"]
    collect.main([*arguments, str(tmp_path / "here")])
    collect.main([*arguments, str(tmp_path / "ray"), "--ray", "local"])
    assert len(shards_of(tmp_path / "ray")) == 3
    assert content(tmp_path / "ray") == content(tmp_path / "here")


@pytest.mark.slow
def test_a_ray_data_pipeline_counts_the_same_and_stops_with_the_same_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))  # for the actors to find the step
    steps = [every_third_for_a_reason_of_its_chunk]
    there = run(Numbered(600, 300), steps, tmp_path / "ray", SETTINGS, ray="local")
    here = run(Numbered(600, 300), steps, tmp_path / "here", SETTINGS)
    with pytest.raises(DataError, match=r"^row 650 is where it ends$"):
        run(Numbered(700, 300), steps, tmp_path / "ends", SETTINGS, ray="local")
    assert there.drops.to_dict()["counts"] == here.drops.to_dict()["counts"]
    assert there[:2] == here[:2]
    assert content(tmp_path / "ray") == content(tmp_path / "here")


def test_a_source_without_rows_comes_to_nothing(tmp_path):
    totals = run(Numbered(0), [every_third], tmp_path / "out", SETTINGS, ray="local")
    assert (totals.taken, totals.kept) == (0, 0)
