"""Settings of results: what a later run may differ in, and what it is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vincicoder.errors import ConfigError
from vincicoder.options import from_flat
from vincicoder.rendering.config import RenderingConfig
from vincicoder.reporting import ResultsFile, Settings
from vincicoder.reporting.settings import settings_beside


def rendering(**options: object) -> Settings:
    return Settings.of(from_flat(RenderingConfig, options))


def written(path: Path, settings: Settings, *keys: str) -> None:
    results = ResultsFile(path, settings)
    for key in keys:
        results.write(key, {"status": "ok", "encoder": "embedded"})
    results.close()


@pytest.mark.parametrize("option", ["browser", "python"])
def test_a_mended_option_of_the_machine_keeps_results_and_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, option: str
) -> None:
    path = tmp_path / "out.jsonl"
    written(path, rendering(), "a")
    assert not caplog.messages
    results = ResultsFile(path, rendering(**{option: "/opt/mended"}))
    assert results.take("a") is not None
    results.close()
    [message] = caplog.messages
    assert message.endswith(f"{option}: none there, /opt/mended now")


def test_options_that_change_nothing_are_not_mentioned(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    written(tmp_path / "out.jsonl", rendering(workers=2), "a")
    results = ResultsFile(tmp_path / "out.jsonl", rendering(workers=7, nice=9))
    assert (results.untaken, caplog.messages) == (1, [])
    results.close()


def test_an_option_that_changes_scores_is_refused_by_name(tmp_path: Path) -> None:
    written(tmp_path / "out.jsonl", rendering(pixels=4_000_000), "a")
    with pytest.raises(ConfigError, match=r"other settings \(pixels: 4000000 there, 1000000 now\); give another"):
        ResultsFile(tmp_path / "out.jsonl", rendering(pixels=1_000_000))
    written(tmp_path / "out.jsonl", rendering(pixels=4_000_000))  # nothing was left open


def test_an_option_that_came_later_refuses_nothing_at_its_default(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    written(path, Settings({"encoder": "embedded"}), "a")
    later = {"encoder": "embedded", "young": 1}
    results = ResultsFile(path, Settings(later, defaults={"young": 1}))
    assert results.take("a") is not None
    results.close()
    with pytest.raises(ConfigError, match="young: 1 there, 2 now"):
        ResultsFile(path, Settings({**later, "young": 2}, defaults={"young": 1}))


def test_settings_of_every_run_that_added_results_are_remembered(tmp_path: Path) -> None:
    path, third = tmp_path / "out.jsonl", rendering(browser="/c", pixels=1)
    written(path, rendering(browser="/a"), "a")
    written(path, rendering(browser="/b"), "b")
    kept = json.loads(settings_beside(path).read_text())
    assert [each["browser"] for each in kept.values()] == ["/a", "/b"]
    with pytest.raises(ConfigError, match="pixels"):
        ResultsFile(path, third)


def test_results_whose_settings_are_lost_go_on_only_under_the_same(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    written(path, rendering(), "a")
    settings_beside(path).unlink()
    with pytest.raises(ConfigError, match=r"other settings \(encoder embedded ...\)"):
        ResultsFile(path, rendering(browser="/b"))
    written(path, rendering())
    assert settings_beside(path).is_file()


def test_a_result_that_is_written_anew_supersedes_the_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    written(path, rendering(), "a", "b")
    results = ResultsFile(path, rendering())
    results.write("a", {**(results.take("a") or {}), "overall": 0.5})
    assert len(path.read_text().splitlines()) == 3  # both are there until it is closed, so a crash loses nothing
    results.close()
    lines = {line["key"]: line for line in map(json.loads, path.read_text().splitlines())}
    assert (len(lines), lines["a"]["overall"], "overall" in lines["b"]) == (2, 0.5, False)


def test_a_crash_between_two_results_of_one_key_leaves_the_later(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    written(path, rendering(), "a")
    line = json.loads(path.read_text())
    path.write_text(path.read_text() + json.dumps({**line, "overall": 0.5}) + "\n")
    results = ResultsFile(path, rendering())
    assert (results.take("a") or {})["overall"] == 0.5
    results.close()
    assert len(path.read_text().splitlines()) == 1
