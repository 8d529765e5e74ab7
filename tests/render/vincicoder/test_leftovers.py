"""Many mixed requests in one process: answered in order, memory flat, and nothing left when it ends."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from repository import ROOT

HOST = """
import ctypes, gc, json, os, sys
sys.path.insert(0, {root!r})
from PIL import Image, ImageDraw
from vincicoder.reward import RewardRequest, VisualReward

target = Image.new('RGB', (300, 300), 'white')
ImageDraw.Draw(target).ellipse((50, 50, 250, 250), 'red')

def fenced(language, code):
    return f'```{{language}}\\n{{code}}\\n```'

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="{{}}"/></svg>'
PLOT = 'import matplotlib.pyplot as plt\\nplt.figure(figsize=(3, 3)); plt.plot([1, {{}}])'

def request(n):
    kinds = [
        ('svg', SVG.format(1 + n % 3)),
        ('svg', '<svg'),
        ('python', PLOT.format(n)),
        ('python', f'1 / 0 #{{n}}'),
        ('python', f'import os; os._exit(1) #{{n}}'),
        ('python', f'open("/etc/passwd") #{{n}}'),
        ('python', f'import os; os.write(3, b"x" * 999) #{{n}}'),
        ('python', f'from PIL import Image; Image.new("RGB", (1500, 1500), (n := {{n}}) % 9).save("a.png")'),
        ('svg', SVG.format(2) + ' ' * n),
        ('python', f'x = {{n}}'),
        ('html', f'<!DOCTYPE html><html><body><h1>Page {{n % 50}}</h1></body></html>'),
        ('latex', f'\\\\begin{{{{tikzpicture}}}}\\\\draw (0,0) circle ({{n % 50}}mm);\\\\end{{{{tikzpicture}}}}'),
    ] + [('python', 'import threading; threading.Event().wait(99)')] * (n % 97 == 13)
    language, code = kinds[-1] if n % 97 == 13 else kinds[n % len(kinds)]
    return RewardRequest(fenced(language, code), target, language=language, id=str(n))

def resident():  # what is held, and not what the allocator keeps for later
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 1e6

reward = VisualReward('embedded', workers=3, keep_renders=False, cpu_seconds=2, wall_seconds=3)
rounds = []
for _ in range({rounds}):
    results = reward.score([request(n) for n in range({count})])
    rounds.append({{
        'ordered': [result.id for result in results] == [str(n) for n in range({count})],
        'statuses': sorted({{result.status.value for result in results}}),
        'resident': resident(),
        'descriptors': len(os.listdir('/proc/self/fd')),
    }})
servers = [[server.pid, str(server.root)] for server in reward._pool._servers.values()]
print(json.dumps({{'rounds': rounds, 'servers': servers}}), flush=True)
{end}
"""


def assert_flat_and_clean(rounds: int, count: int, end: str, growth_mb: float) -> None:
    code = HOST.format(root=str(ROOT), rounds=rounds, count=count, end=end)
    host = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert host.stdout, host.stderr
    report = json.loads(host.stdout)
    assert all(entry["ordered"] for entry in report["rounds"])
    for entry in report["rounds"]:
        assert "infrastructure" not in entry["statuses"]
        assert {"ok", "runtime_error", "forbidden", "syntax_error", "timeout", "no_output"} <= set(entry["statuses"])
    settled = report["rounds"][1]  # the first round loads code and fills caches
    later = report["rounds"][2:]
    assert min(entry["resident"] for entry in later) - settled["resident"] < growth_mb, report["rounds"]
    assert later[-1]["descriptors"] <= settled["descriptors"]
    assert report["servers"]
    deadline = time.monotonic() + 10
    for pid, root in report["servers"]:
        while time.monotonic() < deadline and (Path(f"/proc/{pid}").exists() or Path(root).exists()):
            time.sleep(0.1)
        assert not Path(f"/proc/{pid}").exists()
        assert not Path(root).exists()


@pytest.mark.parametrize("end", ["reward.close()", pytest.param("os._exit(0)", marks=pytest.mark.slow)])
def test_nothing_is_left_behind_by_mixed_batches(end: str) -> None:
    assert_flat_and_clean(rounds=4, count=30, end=end, growth_mb=30)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ten_batches_of_five_hundred() -> None:
    assert_flat_and_clean(rounds=10, count=500, end="reward.close()", growth_mb=60)
