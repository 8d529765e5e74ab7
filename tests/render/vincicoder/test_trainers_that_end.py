"""Trainers that are told to end in mid-batch, and two of them on one machine: nothing is left, and nobody else notices."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from repository import ROOT

from vincicoder.rendering.sandbox import processes

TRAINER = """
import json, sys
sys.path.insert(0, {root!r})
from PIL import Image, ImageDraw
from vincicoder.reward import RewardRequest, VisualReward
target = Image.new('RGB', (300, 300), 'white')
ImageDraw.Draw(target).ellipse((50, 50, 250, 250), 'red')
CODE = {{
    'svg': '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="3"/></svg><!-- %d -->',
    'python': 'from PIL import Image\\ni = Image.new("RGB", (300, 300)); i.paste("red", (9, 9, 99, 99)); i.save("a.png")\\n# %d',
    'html': '<h1>Page</h1><!-- %d -->',
    'latex': '\\\\begin{{tikzpicture}}\\\\draw (0,0) circle (1cm);\\\\end{{tikzpicture}}%% %d',
}}
def batch(first, count):
    for number in range(first, first + count):
        language = sys.argv[1:][number % (len(sys.argv) - 1)]
        text = '```%s\\n%s\\n```' % (language, CODE[language] % number)
        yield RewardRequest(text, target, language=language, id=str(number))
with VisualReward('embedded', workers=2, keep_renders=False) as reward:
    for start in range(0, 10**6, 40):
        results = reward.score(list(batch(start, 40)))
        assert [result.id for result in results] == [str(start + n) for n in range(40)]
        print(json.dumps([[each.language, each.status.value, each.overall] for each in results]), flush=True)
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="trainer-") as name:
        yield Path(name)


def start(directory: Path, *languages: str) -> subprocess.Popen[str]:
    # Whoever runs the tests in the background of a script may have had Ctrl-C ignored for them.
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    command = [sys.executable, "-c", TRAINER.format(root=str(ROOT)), *languages]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    environment = {**os.environ, "TMPDIR": str(directory)}
    return subprocess.Popen(command, text=True, env=environment, preexec_fn=heed, **pipes)  # type: ignore[call-overload,no-any-return]


def answers(trainer: subprocess.Popen[str]) -> set[tuple[str, str, float]]:
    assert trainer.stdout is not None
    line = trainer.stdout.readline()
    assert line, "the trainer ended"
    return {tuple(each) for each in json.loads(line)}


def assert_nothing_left(family: list[int], directory: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        running = [pid for pid in family if Path(f"/proc/{pid}/exe").exists()]
        left = list(directory.iterdir())
        if not running and not left:
            break
        time.sleep(0.05)
    assert running == []
    assert left == []
    assert str(directory) not in Path("/proc/net/unix").read_text()


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGINT])
@pytest.mark.parametrize("languages", [["svg"], pytest.param(["python", "html", "latex"], marks=pytest.mark.slow)])
def test_a_signal_in_mid_batch_leaves_nothing(directory: Path, languages: list[str], number: int) -> None:
    with start(directory, *languages) as trainer:
        answers(trainer)
        time.sleep(0.3)  # into the next batch
        family = processes.descendants(trainer.pid)
        assert len(family) >= len(languages)
        trainer.send_signal(number)
        assert trainer.wait(timeout=60) != 0
    assert_nothing_left(family, directory)


@pytest.mark.slow
@pytest.mark.parametrize("languages", [["svg"], ["svg", "python", "html"]])
def test_the_end_of_one_trainer_is_nothing_to_another(directory: Path, languages: list[str]) -> None:
    with start(directory, *languages) as one, start(directory, *languages) as other:
        expected = answers(one)
        assert {status for _, status, _ in expected} == {"ok"}
        assert len(expected) == len(languages)
        assert answers(other) == expected
        family = processes.descendants(one.pid)
        others = processes.descendants(other.pid)
        assert not set(family) & set(others)
        one.kill()
        assert [answers(other) for _ in range(3)] == [expected] * 3
        deadline = time.monotonic() + 30
        while any(Path(f"/proc/{pid}/exe").exists() for pid in family) and time.monotonic() < deadline:
            time.sleep(0.05)
        family = processes.descendants(other.pid)
        other.terminate()
    assert_nothing_left(family, directory)
