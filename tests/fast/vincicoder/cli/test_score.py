"""``vincicoder score`` as people and scripts call it."""

from __future__ import annotations

import functools
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import COMMAND, GOOD, SLOW

from vincicoder.cli import main
from vincicoder.rendering.sandbox import processes

pytestmark = pytest.mark.long

KEYS = {
    *("overall", "visual", "coarse", "fine", "alignment", "execution"),
    *("status", "message", "encoder", "preset", "seconds"),
}


def requests(*rows: dict[str, Any] | str) -> str:
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    Path("requests.jsonl").write_text(text)
    return "requests.jsonl"


def row(response: str = GOOD, language: str = "svg", **more: Any) -> dict[str, Any]:
    return {"response": response, "target": "target.png", "language": language, **more}


def score(*arguments: str) -> int:
    return main(["score", *arguments, "--encoder", "embedded", "--workers", "2"])


def exit_code(*arguments: str) -> int:
    """What the shell would see, whether an option or a file is wrong."""
    try:
        return score(*arguments)
    except SystemExit as ending:
        assert isinstance(ending.code, int)
        return ending.code


def pair(*arguments: str, response: str = "good.md", language: str = "svg") -> int:
    return score("--target", "target.png", "--response", response, "--language", language, *arguments)


# One response


def test_json_is_one_object_with_the_promised_keys(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pair("--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result.keys() >= KEYS
    assert result["status"] == "ok"
    assert result["overall"] > 0.99
    assert result["encoder"] == "embedded"


def test_without_json_a_person_can_read_it(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pair() == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["status"] == "ok"
    assert float(lines["overall"]) > 0.99


def test_a_failed_response_is_an_answer_and_no_error(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.md").write_text("I cannot do that.")
    assert pair("--json", response="bad.md") == 0
    result = json.loads(capsys.readouterr().out)
    assert result.keys() >= KEYS
    assert (result["status"], result["overall"]) == ("no_code", 0.0)


def test_the_response_may_come_from_standard_input(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))
    assert pair(response="-") == 0


def test_a_response_that_is_not_utf8_is_scored(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("odd.md").write_bytes(b"\xff\xfe\x00" + GOOD.encode())
    assert pair("--json", response="odd.md") == 0
    assert json.loads(capsys.readouterr().out)["status"] == "ok"


def test_the_prompt_tells_the_language(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pair("--json", "--prompt", "Write SVG code for this icon.", language="") == 0
    assert json.loads(capsys.readouterr().out)["language"] == "svg"


def test_a_response_for_which_nobody_named_a_language_is_judged_in_its_own(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pair("--json", language="") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["status"], result["language"], result["language_from"]) == ("ok", "svg", "response")
    assert pair(language="") == 0
    assert "svg, taken from the response" in capsys.readouterr().out
    assert pair() == 0
    assert "taken from" not in capsys.readouterr().out


def test_code_without_a_fence_counts_only_when_asked(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pair("--json", response="icon.svg") == 0
    assert json.loads(capsys.readouterr().out)["status"] == "no_code"
    assert pair("--json", "--no-fence", response="icon.svg") == 0
    assert json.loads(capsys.readouterr().out)["status"] == "ok"


def test_a_limit_reaches_the_renderer(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("slow.md").write_text(SLOW)
    assert pair("--json", "--wall-seconds", "1", response="slow.md", language="python") == 0
    assert json.loads(capsys.readouterr().out)["status"] == "timeout"


def test_a_target_that_is_no_image_is_a_fault_of_the_data(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("target.png").write_text("not an image")
    assert pair("--json") == 1
    assert json.loads(capsys.readouterr().out)["status"] == "bad_target"


def test_one_response_can_have_a_report(directory: Path) -> None:
    assert pair("--report", "report") == 0
    assert Path("report/index.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "missing.png", "--response", "good.md"], "'missing.png' is not an existing file"),
        (["--target", "target.png", "--response", "missing.md"], "'missing.md' cannot be read"),
        (["--target", "target.png", "--response", "good.md", "--language", "cobol"], "'cobol' is not known"),
        (["--target", "target.png", "--response", "good.md", "--preset", "kind"], "'kind'"),
        (
            ["--target", "target.png", "--response", "good.md", "--alignment-weight", "2"],
            "alignment_weight is '2'; expected a number between 0 and 1",
        ),
        (["--target", "target.png", "--response", "good.md", "--guards", "blink"], "did you mean 'blank'?"),
        (["--target", "target.png", "--response", "good.md", "--components", "text"], "expected a mapping"),
        (["--target", "target.png", "--response", "good.md", "--memory-mb", "much"], "expected a whole number"),
        (["--target", "target.png"], "give --target and --response, or a file of requests"),
        (["missing.jsonl"], "'missing.jsonl' does not exist"),
        (["target.png"], "must end in .jsonl or .parquet"),
    ],
)
def test_a_wrong_option_or_file_is_one_clear_line(
    directory: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert exit_code(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("vincicoder: error: ")
    assert captured.err.count("\n") == 1
    assert words in captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--target", "target.png"],
        ["requests.jsonl", "--target", "target.png"],
        ["--target", "target.png", "--response", "good.md", "--output", "out.jsonl"],
        ["requests.jsonl", "--limit", "0"],
        ["requests.jsonl", "--cpu-seconds", "-1"],
        ["requests.jsonl", "--memory-mb", "much"],
    ],
)
def test_options_that_do_not_go_together_are_refused(directory: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        score(*arguments)
    assert caught.value.code == 2


def test_an_encoder_that_is_not_there_is_an_error_without_a_traceback(directory: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "score", "--target", "target.png", "--response", "good.md", "--encoder", "./no-such-directory"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("vincicoder: error: ")
    assert "Traceback" not in done.stderr


# A file


def test_a_file_ends_in_tables_results_and_a_report(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = requests(row(kind="good", domain="icon"), row("nothing", kind="empty", domain="icon"))
    assert score(file, "--output", "out.jsonl", "--report", "report") == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.split("\n\n")[0].splitlines()] == ["kind", "good", "empty"]
    assert out.split("\n\n")[1].startswith("domain")
    assert len(Path("out.jsonl").read_text().splitlines()) == 2
    assert Path("report/index.html").is_file()


def test_json_of_a_file_is_its_summary(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert score(requests(row(kind="good")), "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["n"], summary["statuses"], summary["by_kind"]["good"]["n"]) == (1, {"ok": 1}, 1)


def test_a_broken_line_is_reported_with_its_number_and_counted(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(requests(row(), "{broken", row()), "--json") == 1
    captured = capsys.readouterr()
    assert "requests.jsonl, line 2: not JSON" in captured.err
    summary = json.loads(captured.out)
    assert (summary["n"], summary["judged"], summary["broken"]) == (3, 2, 1)


def test_language_and_prompt_are_what_a_row_is_asked_that_does_not_say(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = {"response": GOOD, "target": "target.png"}
    for arguments, statuses, own in (
        (["--language", "html"], {"ok": 1, "wrong_language": 1}, 0),
        (["--prompt", "Write HTML for this page."], {"ok": 1, "wrong_language": 1}, 0),
        ([], {"ok": 2}, 1),
    ):
        assert score(requests(row(), silent), "--json", *arguments) == 0
        summary = json.loads(capsys.readouterr().out)
        assert (summary["statuses"], summary["language_from_response"]) == (statuses, own)


def test_a_language_for_a_file_must_be_known(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert score(requests(row()), "--language", "cobol") == 2
    assert "'cobol'" in capsys.readouterr().err


def test_bad_targets_are_told_apart_by_the_exit_code(directory: Path) -> None:
    assert score(requests({**row(), "target": "missing.png"}, row())) == 1


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [*COMMAND, "score", "requests.jsonl", "--encoder", "embedded", "--workers", "1", *arguments]
    # Whoever runs the tests in the background of a script may have had Ctrl-C ignored for them.
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed)


def wait_for_results(count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline and process.poll() is None:
        if Path("out.jsonl").exists() and Path("out.jsonl").read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.05)
    pytest.fail(f"no results came: {process.communicate()}")


def test_ctrl_c_keeps_what_was_written_and_leaves_nothing_running(directory: Path) -> None:
    requests(row("nothing"), row(), row(SLOW, "python"), row())
    process = start("--output", "out.jsonl", "--report", "report")
    wait_for_results(2, process)
    below = processes.descendants(process.pid)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "the same command goes on from here" in err
    kept = Path("out.jsonl").read_bytes()
    assert kept.count(b"\n") >= 2
    assert Path("report/index.html").is_file()
    assert not [pid for pid in below if Path(f"/proc/{pid}").exists()]


def test_a_killed_run_goes_on_where_it_was(directory: Path) -> None:
    requests(row("nothing"), row(), row(SLOW, "python"), row())
    arguments = ("--output", "out.jsonl", "--wall-seconds", "5")
    process = start(*arguments)
    wait_for_results(2, process)
    process.kill()
    process.communicate()
    kept = Path("out.jsonl").read_bytes()
    Path("out.jsonl").write_bytes(kept + b'{"key": "torn')
    process = start(*arguments)
    process.communicate(timeout=200)
    assert process.returncode == 0
    assert Path("out.jsonl").read_bytes().startswith(kept)
    results = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert sorted(result["line"] for result in results) == [1, 2, 3, 4]


def test_a_reader_that_goes_away_is_no_error_message(directory: Path) -> None:
    requests(*(row("nothing", kind=f"kind {index}") for index in range(2000)))
    process = start()
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=100) in (0, 1)
    assert process.stderr is not None
    assert "Error" not in process.stderr.read()


ESCAPES = "\\x1b]52;c;aGk=\\x07\\x1b[2J\\u202e\\x9b31m\\ud800"


def steers(text: str) -> bool:
    return any(each in text for each in ("\x1b", "\x07", "\u202e", "\x9b", "\ud800"))


def test_a_response_does_not_steer_the_terminal(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.md").write_text(f"```python\nraise ValueError('{ESCAPES}')\n```")
    assert score("--target", "target.png", "--response", "bad.md", "--language", "python") == 0
    said = capsys.readouterr()
    assert r"\x1b]52;c;aGk=\x07\x1b[2J\u202e\x9b31m" in said.out
    assert not steers(said.out + said.err)
    Path("bad.py").write_text(f"raise ValueError('{ESCAPES}')")
    assert main(["render", "bad.py", "-o", "out.png"]) == 1
    said = capsys.readouterr()
    assert r"\x1b]52;c;aGk=\x07\x1b[2J\u202e\x9b31m" in said.err
    assert not steers(said.out + said.err)


def test_labels_that_no_terminal_can_show_do_not_spoil_the_summary(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = requests(row(kind="a\ud800", domain="b\x1b[2J\nc", target="t\x1b[2J\ud800.png"), row(kind="plain"))
    assert score(path) == 1
    said = capsys.readouterr()
    assert r"a\ud800" in said.out
    assert r"b\x1b[2J\nc" in said.out
    assert not steers(said.out + said.err)
