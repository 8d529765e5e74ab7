"""Scoring a file of requests: what is kept, what is counted, and what a second run does again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from vincicoder.cli.requests_file import RequestsFile, Row
from vincicoder.cli.scoring import score_file
from vincicoder.errors import ConfigError
from vincicoder.reporting import Report, ResultsFile, Settings, Summary
from vincicoder.reward import VisualReward


def answer(shape: str) -> str:
    return f"```svg\n<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'>{shape}</svg>\n```"


GOOD = answer("<rect width='40' height='40' fill='red'/>")
WORSE = answer("<circle cx='50' cy='50' r='9' fill='blue'/>")


@pytest.fixture(scope="module")
def reward() -> Iterator[VisualReward]:
    with VisualReward("embedded", workers=2) as reward:
        yield reward


@pytest.fixture
def target(tmp_path: Path) -> str:
    image = Image.new("RGB", (512, 512), "white")
    image.paste("red", (0, 0, 320, 320))
    image.save(tmp_path / "target.png")
    return "target.png"


def write(path: Path, *records: Any) -> Path:
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    path.write_text("\n".join(lines) + "\n")
    return path


def request(target: str, response: str = GOOD, **more: Any) -> dict[str, Any]:
    return {"response": response, "target": target, "language": "svg", **more}


def run(
    reward: VisualReward, requests: Path, output: Path | None = None, limit: int | None = None, **settings: Any
) -> tuple[Summary, int, list[str]]:
    """Scores a file; returns the summary, how many were scored now, and the complaints."""
    file = RequestsFile(requests)
    results = ResultsFile(output, Settings(settings)) if output else None
    summary, fresh, complaints = Summary(), [], []
    try:
        score_file(reward, file, results, None, summary, limit, fresh.append, complaints.append)
    finally:
        if results:
            results.close()
    return summary, sum(fresh), complaints


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_parquet_rows_may_hold_images(tmp_path: Path, target: str, reward: VisualReward) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    content = (tmp_path / target).read_bytes()
    columns = {
        "response": [GOOD, GOOD, None],
        "target": [{"bytes": content, "path": None}, {"bytes": None, "path": target}, {"bytes": content, "path": None}],
        "language": ["svg"] * 3,
        "id": [1, 2, 3],
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "r.parquet")
    summary, fresh, complaints = run(reward, tmp_path / "r.parquet", tmp_path / "out.jsonl")
    assert (fresh, summary.broken, len(complaints)) == (2, 1, 1)
    assert {line["id"]: line["status"] for line in lines(tmp_path / "out.jsonl")} == {
        "1": "ok",
        "2": "ok",
        "3": "bad_request",
    }
    assert run(reward, tmp_path / "r.parquet", tmp_path / "out.jsonl")[1] == 0


def test_results_carry_the_request_and_are_complete(tmp_path: Path, target: str, reward: VisualReward) -> None:
    file = write(tmp_path / "r.jsonl", request(target, id="a", kind="good", domain="svg", note="dropped"))
    run(reward, file, tmp_path / "new" / "out.jsonl")
    [result] = lines(tmp_path / "new" / "out.jsonl")
    assert (result["id"], result["line"], result["kind"], result["domain"]) == ("a", 1, "good", "svg")
    assert result["status"] == "ok"
    assert result["overall"] > 0.99
    assert result["note"] == ""  # the result's own, not the row's


def test_a_second_run_scores_only_what_is_new(tmp_path: Path, target: str, reward: VisualReward) -> None:
    output = tmp_path / "out.jsonl"
    rows = [request(target, kind="good"), request(target, WORSE, kind="worse"), request(target, kind="good")]
    assert run(reward, write(tmp_path / "r.jsonl", *rows[:2]), output)[1] == 2
    first = output.read_text()
    summary, fresh, _ = run(reward, write(tmp_path / "r.jsonl", *rows), output)
    assert fresh == 1
    assert output.read_text().startswith(first)
    data = summary.to_dict()
    assert {kind: group["n"] for kind, group in data["by_kind"].items()} == {"good": 2, "worse": 1}
    assert data["by_kind"]["good"]["overall"] > data["by_kind"]["worse"]["overall"]


def test_a_changed_request_is_scored_again(tmp_path: Path, target: str, reward: VisualReward) -> None:
    output = tmp_path / "out.jsonl"
    run(reward, write(tmp_path / "r.jsonl", request(target), request(target)), output)
    assert run(reward, write(tmp_path / "r.jsonl", request(target), request(target, WORSE)), output)[1] == 1


@pytest.mark.parametrize("torn", [b'{"key": "abc", "run"', b'{"k', b'{"key": "abc", "status": "ok"'])
def test_a_last_line_torn_by_a_crash_is_done_again(
    tmp_path: Path, target: str, reward: VisualReward, torn: bytes
) -> None:
    output = tmp_path / "out.jsonl"
    file = write(tmp_path / "r.jsonl", request(target), request(target, WORSE))
    run(reward, file, output, limit=1)
    whole = output.read_bytes()
    output.write_bytes(whole + torn)
    assert run(reward, file, output)[1] == 1
    assert output.read_bytes().startswith(whole)
    assert [line["line"] for line in lines(output)] == [1, 2]


def test_what_was_not_the_responses_fault_is_tried_again(tmp_path: Path, target: str, reward: VisualReward) -> None:
    output = tmp_path / "out.jsonl"
    file = write(tmp_path / "r.jsonl", request("late.png"), request(target, "no code"))
    summary, _, _ = run(reward, file, output)
    assert summary.failures == 1
    Image.new("RGB", (64, 64), "red").save(tmp_path / "late.png")
    summary, fresh, _ = run(reward, file, output)
    assert (summary.failures, fresh) == (0, 1)
    assert sorted(line["status"] for line in lines(output)) == ["no_code", "ok"]


def test_results_of_other_settings_are_not_mixed(tmp_path: Path, target: str, reward: VisualReward) -> None:
    output = tmp_path / "out.jsonl"
    file = write(tmp_path / "r.jsonl", request(target))
    run(reward, file, output, encoder="embedded")
    with pytest.raises(ConfigError, match="other settings"):
        run(reward, file, output, encoder="facebook/dinov2-large")


def test_a_limit_counts_from_the_top(tmp_path: Path, target: str, reward: VisualReward) -> None:
    file = write(tmp_path / "r.jsonl", *(request(target, id=str(index)) for index in range(5)))
    summary, fresh, _ = run(reward, file, tmp_path / "out.jsonl", limit=2)
    assert (summary.all.count, fresh) == (2, 2)
    summary, fresh, _ = run(reward, file, tmp_path / "out.jsonl", limit=3)
    assert (summary.all.count, fresh) == (3, 1)


def test_requests_are_read_only_as_they_are_needed(tmp_path: Path, target: str, reward: VisualReward) -> None:
    class Counting(RequestsFile):
        ahead = most = 0

        def __iter__(self) -> Iterator[Row]:
            for row in super().__iter__():
                self.ahead += 1
                self.most = max(self.most, self.ahead)
                yield row

    file = Counting(write(tmp_path / "r.jsonl", *(request(target, f"no code {index}") for index in range(400))))

    def finished(_: bool) -> None:
        file.ahead -= 1

    score_file(reward, file, None, None, Summary(), progress=finished)
    assert file.ahead == 0
    assert file.most < 100


def test_text_that_is_no_valid_unicode_survives(tmp_path: Path, target: str, reward: VisualReward) -> None:
    line = json.dumps(request(target, answer("<text y='20'>\ud83d</text>")))
    summary, fresh, complaints = run(reward, write(tmp_path / "r.jsonl", line), tmp_path / "out.jsonl")
    assert (fresh, complaints) == (1, [])
    assert summary.failures == 0
    assert run(reward, tmp_path / "r.jsonl", tmp_path / "out.jsonl")[1] == 0


def test_the_table_says_how_many_have_the_expected_status(tmp_path: Path, target: str, reward: VisualReward) -> None:
    file = write(
        tmp_path / "r.jsonl",
        request(target, kind="good", expected_status="ok"),
        request(target, "nothing", kind="empty", expected_status="no_code"),
        request(target, "nothing", kind="empty", expected_status="ok"),
    )
    table = run(reward, file)[0].table()
    good, empty = (next(line for line in table.splitlines() if line.startswith(kind)) for kind in ("good", "empty"))
    assert "1/1" in good
    assert "1/2" in empty
    assert empty.endswith("no_code 2")
    assert os.linesep + "all" in table


def test_a_broken_line_is_a_result_like_any_other(tmp_path: Path, target: str, reward: VisualReward) -> None:
    output, report = tmp_path / "out.jsonl", Report(tmp_path / "report", "Title")
    broken = {"id": 7, "kind": "good", "target": target, "response": GOOD, "language": "cobol"}
    file = RequestsFile(write(tmp_path / "r.jsonl", request(target, id="a", kind="good"), "{", broken))
    results, summary = ResultsFile(output, Settings({})), Summary()
    score_file(reward, file, results, report, summary)
    results.close()
    good, torn, unknown = sorted(lines(output), key=lambda line: line["line"])
    assert good.keys() == {*torn.keys(), "kind"} == set(unknown)
    assert [each["status"] for each in (good, torn, unknown)] == ["ok", "bad_request", "bad_request"]
    assert torn["message"].startswith("line 2: not JSON")
    assert "line 3: " in unknown["message"]
    assert "cobol" in unknown["message"]
    assert (unknown["id"], unknown["encoder"], unknown["preset"]) == ("7", "embedded", "paper")
    data = summary.to_dict()
    assert (data["n"], data["judged"], data["broken"], data["overall"]) == (3, 1, 2, good["overall"])
    page = report.finish(summary).read_text()
    assert "line 2: not JSON" in page
    assert "line 3: " in page


def test_a_broken_line_that_was_put_right_is_scored(tmp_path: Path, target: str, reward: VisualReward) -> None:
    output = tmp_path / "out.jsonl"
    run(reward, write(tmp_path / "r.jsonl", request(target), "{"), output)
    summary, fresh, complaints = run(reward, write(tmp_path / "r.jsonl", request(target), request(target)), output)
    assert (fresh, complaints, summary.failures) == (1, [], 0)
    assert [line["status"] for line in lines(output)] == ["ok", "ok"]


def test_rows_for_which_nobody_named_a_language_are_judged_in_their_own(
    tmp_path: Path, target: str, reward: VisualReward
) -> None:
    silent = {"response": GOOD, "target": target}
    summary, _, _ = run(reward, write(tmp_path / "r.jsonl", silent, request(target)), tmp_path / "out.jsonl")
    assert summary.to_dict()["language_from_response"] == 1
    assert summary.to_dict()["overall"] > 0.99
    first, second = sorted(lines(tmp_path / "out.jsonl"), key=lambda line: line["line"])
    assert (first["language"], first["language_from"]) == ("svg", "response")
    assert (second["language"], second["language_from"]) == ("svg", "request")
    again, fresh, _ = run(reward, tmp_path / "r.jsonl", tmp_path / "out.jsonl")
    assert (fresh, again.to_dict()["language_from_response"]) == (0, 1)


def test_other_weights_make_overall_anew_without_rendering(tmp_path: Path, target: str, reward: VisualReward) -> None:
    output = tmp_path / "out.jsonl"
    file = write(tmp_path / "r.jsonl", request(target), request(target, WORSE), request(target, "no code"))
    run(reward, file, output, encoder="embedded")
    before = {line["line"]: line for line in lines(output)}
    with VisualReward("embedded", workers=1, alignment_weight=0.5) as other:
        summary, fresh, _ = run(other, file, output, encoder="embedded")
        assert (fresh, sum(other.counts.values())) == (0, 0)
    after = {line["line"]: line for line in lines(output)}
    assert after[2]["overall"] == pytest.approx(0.5 * before[2]["visual"] + 0.5)
    assert after[3]["overall"] == before[3]["overall"] == 0
    assert {**after[2], "overall": 0} == {**before[2], "overall": 0}
    assert summary.to_dict()["overall"] == pytest.approx(sum(line["overall"] for line in after.values()) / 3)
