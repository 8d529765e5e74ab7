"""Time the confined pool against the naive way: a fresh process, or a fresh browser, for every image.

Both ways render the same code in one run, alternating, and the medians are compared. The naive way is unconfined.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from vincicoder import RenderPool

CHART = """import matplotlib.pyplot as plt
plt.bar(["a", "b", "c"], [{n}, 2, 3])
plt.title("Sales {n}")
plt.savefig("out.png")
"""
PAGE = "<!DOCTYPE html><body style='font-family:sans-serif'><h1>Page {n}</h1><p>Text</p></body>"
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
    '<circle cx="12" cy="12" r="{n}" fill="teal"/><path d="M2 2L22 22" stroke="black"/></svg>'
)
FIGURE = r"""\begin{{tikzpicture}}\begin{{axis}}\addplot[domain=0:{n}]{{x^2}};\end{{axis}}\end{{tikzpicture}}"""
CODE = {"python": CHART, "html": PAGE, "svg": ICON, "latex": FIGURE}

_NAIVE_SVG = "import cairosvg, sys; cairosvg.svg2png(url='in.svg', write_to='out.png', output_width=512)"
_NAIVE_HTML = """
from playwright.sync_api import sync_playwright
import shutil
with sync_playwright() as play:
    program = shutil.which('chromium') or shutil.which('chromium-headless-shell')
    browser = play.chromium.launch(executable_path=program, args=['--no-sandbox'])
    page = browser.new_page()
    page.set_content(open('in.html').read())
    page.screenshot(path='out.png', full_page=True)
"""
_DOCUMENT = (
    r"\documentclass[border=3mm]{standalone}\usepackage{amsmath,tikz,pgfplots}\pgfplotsset{compat=1.17}"
    "\n\\begin{document}\n%s\n\\end{document}\n"
)


def naive(language: str, code: str, directory: Path) -> None:
    """Render in fresh processes, whatever comes of it."""
    if language == "python":
        command = [sys.executable, "-c", code]
    elif language == "svg":
        (directory / "in.svg").write_text(code)
        command = [sys.executable, "-c", _NAIVE_SVG]
    elif language == "html":
        (directory / "in.html").write_text(code)
        command = [sys.executable, "-c", _NAIVE_HTML]
    else:
        (directory / "in.tex").write_text(code if "\\documentclass" in code else _DOCUMENT % code)
        command = ["pdflatex", "-interaction=batchmode", "in.tex"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    subprocess.run(command, cwd=directory, check=False, env={**os.environ, "MPLBACKEND": "Agg"}, **quiet)  # type: ignore[call-overload]
    if language == "latex":
        convert = "import pypdfium2; pypdfium2.PdfDocument('in.pdf')[0].render(scale=300/72).to_pil().save('out.png')"
        subprocess.run([sys.executable, "-c", convert], cwd=directory, check=False, stderr=subprocess.DEVNULL)


def milliseconds(work: Callable[[], object]) -> float:
    """Return the wall time of one call, in ms."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def compare(pool: RenderPool, language: str, repeats: int, directory: Path) -> tuple[float, float, float]:
    """Return the medians of the naive way and of the pool in ms, and the pool's CPU ms."""
    pool.start(language)
    pool.render(CODE[language].format(n=1), language)
    slow, fast, cpu = [], [], []
    for number in range(2, repeats + 2):
        code = CODE[language].format(n=number)
        slow.append(milliseconds(lambda code=code: naive(language, code, directory)))  # type: ignore[misc]
        started = time.perf_counter()
        render = pool.render(code, language)
        fast.append((time.perf_counter() - started) * 1000)
        if not render.ok:
            raise SystemExit(f"{language}: {render.status}: {render.message}")
        cpu.append(render.cpu_seconds * 1000)
    return statistics.median(slow), statistics.median(fast), statistics.median(cpu)


def throughput(pool: RenderPool, language: str, count: int) -> float:
    """Return renders per second with every worker busy."""
    codes = [CODE[language].format(n=number) for number in range(1, count + 1)]
    seconds = (
        milliseconds(lambda: [future.result() for future in [pool.submit(code, language) for code in codes]]) / 1000
    )
    return count / seconds


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9, help="renders for each way and language (default 9)")
    parser.add_argument("--workers", type=int, default=None, help="renders at a time (default: one per CPU)")
    parser.add_argument("--languages", nargs="+", choices=sorted(CODE), default=sorted(CODE))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, RenderPool(workers=args.workers) as pool:
        print(
            f"{'language':10}{'naive ms':>10}{'pool ms':>10}{'ratio':>8}{'CPU ms':>9}{'per second':>12}"
            f"  ({pool.workers} workers)"
        )
        for language in args.languages:
            slow, fast, cpu = compare(pool, language, args.repeats, Path(directory))
            rate = throughput(pool, language, 8 * pool.workers)
            print(f"{language:10}{slow:10.0f}{fast:10.0f}{slow / fast:8.1f}{cpu:9.0f}{rate:12.1f}")


if __name__ == "__main__":
    main()
