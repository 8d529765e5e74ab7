from __future__ import annotations

import json

import pytest
from experiments import kept


def made(log):
    log.append(1)
    return {"settings": {"steps": 2}, "made": len(log)}


def test_what_is_finished_is_not_made_again(tmp_path):
    log, path = [], tmp_path / "runs" / "one.json"
    found = [kept(path, {"steps": 2}, lambda: made(log)) for _ in range(2)]
    assert found == [{"settings": {"steps": 2}, "made": 1}] * 2
    assert json.loads(path.read_text()) == found[0]


def test_what_was_stopped_half_way_leaves_nothing_and_is_made_again(tmp_path):
    def stopped():
        raise KeyboardInterrupt

    path = tmp_path / "one.json"
    with pytest.raises(KeyboardInterrupt):
        kept(path, {"steps": 2}, stopped)
    assert list(tmp_path.iterdir()) == []
    assert kept(path, {"steps": 2}, lambda: made([]))["made"] == 1


def test_a_result_of_other_settings_is_refused(tmp_path):
    path = tmp_path / "one.json"
    kept(path, {"steps": 2}, lambda: made([]))
    with pytest.raises(ValueError, match="give another --out"):
        kept(path, {"steps": 3}, lambda: made([]))
