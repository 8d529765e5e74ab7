"""The protocol of the developer tools, with a small program in the browser's place."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vincicoder.rendering import devtools
from vincicoder.rendering.devtools import BrowserEnded, Connection, DevToolsError, Json, Session

PROGRAM = """#!{python} -S
import json, os, sys
sys.stderr.write("a line of its log\\n" * {lines})
sys.stderr.flush()

def say(*messages):
    os.write(4, b"".join(json.dumps(message).encode() + b"\\0" for message in messages))

buffer = b""
while True:
    chunk = os.read(3, 1 << 16)
    if not chunk:
        sys.exit()
    *whole, buffer = (buffer + chunk).split(b"\\0")
    for command in map(json.loads, whole):
        session = {{"sessionId": command["sessionId"]}} if "sessionId" in command else {{}}
        answer = {{"id": command["id"], "result": {{"given": command["params"], **session}}}}
        if command["method"] == "Refuse":
            say({{"id": command["id"], "error": {{"message": "not here"}}}})
        elif command["method"] == "Tell":
            say({{"method": "Told", "params": {{"n": 1}}, **session}}, answer, {{"method": "Told", "params": {{"n": 2}}}})
        elif command["method"] == "Long":
            answer["result"]["long"] = "x" * command["params"]["bytes"]
            data = json.dumps(answer).encode() + b"\\0"
            while data:
                data = data[os.write(4, data):]
        elif command["method"] == "End":
            sys.exit(3)
        elif command["method"] != "Nothing":
            say(answer)
"""

Launch = Callable[..., Connection]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    made: list[Connection] = []

    def started(lines: int = 1) -> Connection:
        program = tmp_path / "browser"
        program.write_text(PROGRAM.format(python=sys.executable, lines=lines))
        program.chmod(0o755)
        made.append(Connection(str(program), [], dict(os.environ)))
        return made[-1]

    yield started
    for each in made:
        with pytest.raises(BrowserEnded):
            each.send("End")
    for _ in made:
        os.wait()


def test_a_command_has_its_own_answer_whatever_was_posted_before(launch: Launch) -> None:
    browser = launch()
    for n in range(3):
        browser.post("Count", {"n": n})
    assert browser.send("Count", {"n": 9})["given"] == {"n": 9}
    assert Session(browser, "page").send("Count") == {"given": {}, "sessionId": "page"}


def test_events_go_to_their_handler_with_their_session_and_none_is_lost(launch: Launch) -> None:
    browser, heard = launch(), []
    browser.on("Told", lambda event, session: heard.append((event["n"], session.name)))
    Session(browser, "page").send("Tell")
    browser.send("Count")
    assert heard == [(1, "page"), (2, "")]


def test_a_handler_that_raises_ends_the_waiting_and_the_next_command_is_answered(launch: Launch) -> None:
    def crash(event: Json, _: Session) -> None:
        raise DevToolsError(f"crash {event['n']}")

    browser = launch()
    browser.on("Told", crash)
    with pytest.raises(DevToolsError, match="crash 1"):
        browser.send("Tell")
    with pytest.raises(DevToolsError, match="crash 2"):
        browser.send("Count")
    assert browser.send("Count", {"n": 4})["given"] == {"n": 4}


def test_what_the_browser_refuses_and_does_not_answer_is_an_error(launch: Launch) -> None:
    browser = launch()
    with pytest.raises(DevToolsError, match="Refuse: not here"):
        browser.send("Refuse")
    with pytest.raises(TimeoutError):
        browser.send("Nothing", seconds=0.05)
    assert not browser.ended


def test_messages_of_any_length_arrive_whole_and_one_that_is_too_long_is_an_error(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = launch()
    assert len(browser.send("Long", {"bytes": 3_000_000})["long"]) == 3_000_000
    monkeypatch.setattr(devtools, "_LONGEST", 1_000_000)
    with pytest.raises(DevToolsError, match="too long"):
        browser.send("Long", {"bytes": 3_000_000}, seconds=30)
    assert sum(map(len, browser._parts)) < 100, "nothing of it is kept"
    assert len(browser.send("Long", {"bytes": 900_000})["long"]) == 900_000


def test_a_browser_that_has_ended_says_so_at_every_command(launch: Launch) -> None:
    browser = launch()
    for _ in range(3):
        with pytest.raises(BrowserEnded):
            browser.send("End")
    assert browser.ended


def test_a_log_that_nobody_reads_holds_nothing_up_and_its_beginning_can_be_read(launch: Launch) -> None:
    browser = launch(lines=100_000)
    assert browser.send("Count", {"n": 1}, seconds=30)["given"] == {"n": 1}
    assert "a line of its log" in browser.log()
    assert browser.log() == ""


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Connection(str(tmp_path / "none"), [], {})
