"""Files of requests: what is read, what is refused, what is kept, and what a second run does again."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from vincicoder.cli.requests_file import Broken, RequestsFile, Row
from vincicoder.cli.scoring import score_file
from vincicoder.errors import ConfigError
from vincicoder.reporting import ResultsFile, Summary
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
    picture = Image.new("RGB", (512, 512), "white")
    picture.paste("red", (0, 0, 320, 320))
    picture.save(tmp_path / "target.png")
    return "target.png"


def write(path: Path, *records: Any) -> Path:
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    path.write_text("\n".join(lines) + "\n")
    return path


def request(target: str, response: str = GOOD, **more: Any) -> dict[str, Any]:
    return {"response": response, "target": target, "language": "svg", **more}


def read(path: Path, **settings: Any) -> list[Row | Broken]:
    return list(RequestsFile(path, settings))


def run(
    reward: VisualReward, requests: Path, output: Path | None = None, limit: int | None = None, **settings: Any
) -> tuple[Summary, int, list[str]]:
    """Scores a file; returns the summary, how many were scored now, and the complaints."""
    file = RequestsFile(requests, settings)
    results = ResultsFile(output, file.run) if output else None
    summary, fresh, complaints = Summary(), [], []
    try:
        score_file(reward, file, results, None, summary, limit, fresh.append, complaints.append)
    finally:
        if results:
            results.close()
    return summary, sum(fresh), complaints


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# Reading


def test_targets_are_found_beside_the_requests_file(tmp_path: Path, target: str) -> None:
    file = write(tmp_path / "r.jsonl", request(target), request("elsewhere.png"))
    first, second = read(file)
    assert first.request.target == str(tmp_path / target)
    assert second.request.target == "elsewhere.png"


def test_base64_targets_stay_as_they_are(tmp_path: Path, target: str) -> None:
    text = base64.b64encode((tmp_path / target).read_bytes()).decode()
    [row] = read(write(tmp_path / "r.jsonl", request(text)))
    assert row.request.target == text


def test_blank_lines_a_byte_order_mark_and_a_missing_last_line_end_do_no_harm(tmp_path: Path, target: str) -> None:
    file = tmp_path / "r.jsonl"
    file.write_bytes(
        b"\xef\xbb\xbf" + json.dumps(request(target)).encode() + b"\n\n" + json.dumps(request(target)).encode()
    )
    assert [row.number for row in read(file)] == [1, 3]
    assert len(RequestsFile(file, {})) == 3


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("[1]", "a list and not an object"),
        ('{"target": "t.png"}', "'response' is missing"),
        ('{"target": "t.png", "response": 7}', "'response' is a int"),
        ('{"response": "x"}', "'target' is missing"),
        ('{"response": "x", "target": "t.png", "language": "cobol"}', "'cobol' is not known"),
        ('{"response": "x", "target": "t.png", "prompt": ["p"]}', "'prompt' is a list"),
        ("[" * 100_000, "not JSON"),
        ("\x00\x01", "not JSON"),
    ],
)
def test_a_broken_line_is_named_and_the_others_are_read(tmp_path: Path, target: str, line: str, reason: str) -> None:
    first, broken, last = read(write(tmp_path / "r.jsonl", request(target), line, request(target)))
    assert isinstance(first, Row)
    assert isinstance(last, Row)
    assert isinstance(broken, Broken)
    assert broken.number == 2
    assert reason in broken.reason


def test_wrong_files_are_refused_in_a_sentence(tmp_path: Path, target: str) -> None:
    picture = tmp_path / "picture.jsonl"
    picture.write_bytes((tmp_path / target).read_bytes())
    (tmp_path / "empty.jsonl").touch()
    write(tmp_path / "columns.jsonl", {"prompt": "p", "answer": "a", "target": "t"})
    (tmp_path / "fake.parquet").write_text("not parquet")
    for name, words in {
        "missing.jsonl": "does not exist",
        "picture.jsonl": "not JSON",
        "empty.jsonl": "it is empty",
        "columns.jsonl": "no 'response'; it needs 'response' and 'target', and has: prompt, answer, target",
        "target.png": "must end in .jsonl or .parquet",
        "fake.parquet": "not a Parquet file",
    }.items():
        with pytest.raises(ConfigError, match=name) as caught:
            RequestsFile(tmp_path / name, {})
        assert words in str(caught.value)


def test_parquet_rows_may_hold_pictures(tmp_path: Path, target: str, reward: VisualReward) -> None:
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
    assert {line["id"]: line["status"] for line in lines(tmp_path / "out.jsonl")} == {"1": "ok", "2": "ok"}
    assert run(reward, tmp_path / "r.parquet", tmp_path / "out.jsonl")[1] == 0


def test_a_parquet_file_without_a_column_is_refused(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"response": ["x"], "image": ["y"]}), tmp_path / "r.parquet")
    with pytest.raises(ConfigError, match=r"no 'target'.*has: response, image"):
        RequestsFile(tmp_path / "r.parquet", {})


# Scoring and resuming


def test_results_carry_the_request_and_are_complete(tmp_path: Path, target: str, reward: VisualReward) -> None:
    file = write(tmp_path / "r.jsonl", request(target, id="a", kind="good", domain="svg", note="dropped"))
    run(reward, file, tmp_path / "new" / "out.jsonl")
    [result] = lines(tmp_path / "new" / "out.jsonl")
    assert (result["id"], result["line"], result["kind"], result["domain"]) == ("a", 1, "good", "svg")
    assert result["status"] == "ok"
    assert result["overall"] > 0.99
    assert "note" not in result


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


@pytest.mark.parametrize("content", ["my notes", "my notes\n", '{"a": 1}\n', '{"key": "a"}\n'])
def test_a_file_of_something_else_is_never_written_to(tmp_path: Path, content: str) -> None:
    precious = tmp_path / "notes.txt"
    precious.write_text(content)
    with pytest.raises(ConfigError, match="something else than results"):
        ResultsFile(precious, "run")
    assert precious.read_text() == content


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    results = ResultsFile(tmp_path / "out.jsonl", "run")
    with pytest.raises(ConfigError, match="another run"):
        ResultsFile(tmp_path / "out.jsonl", "run")
    results.close()
    ResultsFile(tmp_path / "out.jsonl", "run").close()


def test_a_limit_counts_from_the_top(tmp_path: Path, target: str, reward: VisualReward) -> None:
    file = write(tmp_path / "r.jsonl", *(request(target, id=str(index)) for index in range(5)))
    summary, fresh, _ = run(reward, file, tmp_path / "out.jsonl", limit=2)
    assert (summary.all.count, fresh) == (2, 2)
    summary, fresh, _ = run(reward, file, tmp_path / "out.jsonl", limit=3)
    assert (summary.all.count, fresh) == (3, 1)


def test_requests_are_read_only_as_they_are_needed(tmp_path: Path, target: str, reward: VisualReward) -> None:
    class Counting(RequestsFile):
        ahead = most = 0

        def __iter__(self) -> Iterator[Row | Broken]:
            for row in super().__iter__():
                self.ahead += 1
                self.most = max(self.most, self.ahead)
                yield row

    file = Counting(write(tmp_path / "r.jsonl", *(request(target, f"no code {index}") for index in range(400))), {})

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
