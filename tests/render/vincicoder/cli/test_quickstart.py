"""The quickstart on a machine that renders everything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vincicoder.cli import main
from vincicoder.cli.parser import FINE


@pytest.mark.slow
def test_the_quickstart_scores_every_sample_as_expected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quickstart", "--out", str(tmp_path)]) == FINE
    results = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text("utf-8").splitlines()]
    assert len(results) > 50
    assert [row["id"] for row in results if row["status"] != row["expected_status"]] == []
    assert (tmp_path / "report" / "index.html").is_file()
    assert "index.html in a browser" in capsys.readouterr().err
