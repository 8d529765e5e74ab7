"""Files of results: nothing else is written to, nobody else writes, and only what was judged is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vincicoder.errors import ConfigError
from vincicoder.reporting import ResultsFile, Settings
from vincicoder.status import Fault, Status

RUN = Settings({"encoder": "embedded"})


@pytest.mark.parametrize("content", ["my notes", "my notes\n", '{"a": 1}\n', '{"key": "a"}\n'])
def test_a_file_of_something_else_is_never_written_to(tmp_path: Path, content: str) -> None:
    precious = tmp_path / "notes.txt"
    precious.write_text(content)
    with pytest.raises(ConfigError, match="something other than results"):
        ResultsFile(precious, RUN)
    assert precious.read_text() == content


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    results = ResultsFile(tmp_path / "out.jsonl", RUN)
    with pytest.raises(ConfigError, match="another run"):
        ResultsFile(tmp_path / "out.jsonl", RUN)
    results.close()
    ResultsFile(tmp_path / "out.jsonl", RUN).close()


@pytest.mark.parametrize("status", list(Status))
def test_a_result_is_found_again_unless_data_or_machine_was_at_fault(tmp_path: Path, status: Status) -> None:
    results = ResultsFile(tmp_path / "out.jsonl", RUN)
    results.write("key", {"status": status.value, "overall": 0.5})
    results.close()
    results = ResultsFile(tmp_path / "out.jsonl", RUN)
    found = results.take("key")
    results.close()
    if status.fault in (Fault.NONE, Fault.RESPONSE):
        assert found == {"status": status.value, "overall": 0.5}
    else:
        assert found is None
        assert (tmp_path / "out.jsonl").read_text() == ""


def test_an_earlier_result_is_taken_once(tmp_path: Path) -> None:
    with_one = ResultsFile(tmp_path / "out.jsonl", RUN)
    with_one.write("key", {"status": "ok"})
    with_one.close()
    results = ResultsFile(tmp_path / "out.jsonl", RUN)
    assert results.untaken == 1
    assert results.take("other") is None
    assert results.take("key") is not None
    assert results.take("key") is None
    assert results.untaken == 0
    results.close()


def test_a_status_that_nobody_knows_is_something_else(tmp_path: Path) -> None:
    line = json.dumps({"key": "a", "run": RUN.run, "status": "splendid"}) + "\n"
    (tmp_path / "out.jsonl").write_text(line)
    with pytest.raises(ConfigError, match="something other than results"):
        ResultsFile(tmp_path / "out.jsonl", RUN)
    assert (tmp_path / "out.jsonl").read_text() == line
