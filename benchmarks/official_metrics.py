"""Our metrics against the official implementations, on pairs made of the sample set.

The official code is not part of this project; give the path of a checkout for each that should be compared, and an
interpreter that has what it imports (matplotlib 3.8.4, seaborn, networkx, squarify, matplotlib-venn, colormath,
python-dotenv, scikit-image, opencv-python-headless, beautifulsoup4, scipy). Run:
``python benchmarks/official_metrics.py --python PYTHON [--helm DIR] [--unisvg] [--chartmimic DIR]
[--design2code DIR]``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from chart_kinds import charts
from PIL import Image, ImageDraw

from vincicoder.alignment import align
from vincicoder.evaluation.benchmarks import chartmimic as chart_benchmark
from vincicoder.evaluation.benchmarks import design2code as page_benchmark
from vincicoder.evaluation.metrics import chartmimic, design2code, ems, ssim
from vincicoder.evaluation.metrics._recoloured import blocks_of, merged
from vincicoder.rendering import Render, RenderPool

SAMPLES = Path(__file__).parent.parent / "examples" / "samples"
Run = Callable[[str, str], Render]
Pairs = list[tuple[str, str, str]]
"""A name, a prediction and a reference each."""
MOST_COLOURS = 6  # of one function: the official code tries all their permutations


class Official:
    """The process of the official side.

    Args:
        python: Its interpreter.
        run: Renders what it asks screenshots of.
    """

    def __init__(self, python: str, run: Run) -> None:
        command = [python, str(Path(__file__).with_name("official_side.py"))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._run = run

    def __call__(self, kind: str, **request: Any) -> Any:
        """Return the answer to a request."""
        self._send(json.dumps({"kind": kind, **request}))
        while True:
            line = self._process.stdout.readline()
            if not line:
                raise SystemExit("the official side has ended; its message is above")
            answer = json.loads(line)
            if not (isinstance(answer, dict) and "page" in answer):
                return answer
            image = self._run(Path(answer["page"]).read_text(), "html").image
            image.save(answer["image"])
            self._send("")

    def _send(self, line: str) -> None:
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


class Remembering:
    """Renders every program once."""

    def __init__(self, pool: RenderPool) -> None:
        self._pool, self._known = pool, dict[tuple[str, str], Render]()

    def __call__(self, code: str, language: str) -> Render:
        """Return the render of a program."""
        if (code, language) not in self._known:
            self._known[code, language] = self._pool.render(code, language)
        return self._known[code, language]


class Differences:
    """Collects both sides' values and says how far they are apart."""

    def __init__(self) -> None:
        self._pairs, self._worst, self._mean = Counter[str](), Counter[str](), Counter[str]()

    def add(self, name: str, ours: Mapping[str, float], official: Mapping[str, float], what: str) -> None:
        """Take in the values of a pair; one that differs is printed."""
        for part, value in official.items():
            key = f"{name} {part}"
            apart = abs(ours[part] - value)
            self._pairs[key] += 1
            self._mean[key] += value
            self._worst[key] = max(self._worst[key], apart)
            if apart > 1e-6:
                print(f"{key} of {what}: ours {ours[part]:.6f}, official {value:.6f}", flush=True)

    def show(self) -> None:
        """Print a table."""
        print("| metric | pairs | mean | largest difference |\n|---|---|---|---|", flush=True)
        for key, count in self._pairs.items():
            print(f"| {key} | {count} | {self._mean[key] / count:.3f} | {self._worst[key]:.1e} |", flush=True)


def image_pairs(count: int, sides: tuple[int, int], seed: int) -> Iterator[tuple[Image.Image, Image.Image, str]]:
    """Yield pieces of sample targets with what became of them: shifted, painted on, or another piece."""
    rng = random.Random(seed)
    paths = sorted(SAMPLES.glob("*/*/target.png"))
    for index in range(count):
        size = tuple(rng.randint(*sides) for _ in range(2))
        first, second = (piece(Image.open(rng.choice(paths)).convert("RGB"), size, rng) for _ in range(2))
        if index % 3:
            second = first.copy()
            second.paste(first, (rng.randint(0, 9), rng.randint(0, 9)))
        if index % 3 == 2:
            box = sorted(rng.sample(range(size[0]), 2)), sorted(rng.sample(range(size[1]), 2))
            ImageDraw.Draw(second).rectangle(
                (box[0][0], box[1][0], box[0][1], box[1][1]), rng.choice(("red", "white", "#123"))
            )
        yield first, second, f"pair {index}"


def piece(image: Image.Image, size: tuple[int, ...], rng: random.Random) -> Image.Image:
    """Return a piece that is not of one colour."""
    image = image.resize((max(size[0], image.width // 3), max(size[1], image.height // 3)))
    for _ in range(20):
        left, top = rng.randint(0, image.width - size[0]), rng.randint(0, image.height - size[1])
        cut = image.crop((left, top, left + size[0], top + size[1]))
        if len(cut.getcolors(1 << 24) or ()) > 3:
            break
    return cut


def compare_images(
    official: Official, found: Differences, count: int, helm: str | None, unisvg: bool, seed: int
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        files = [str(Path(directory) / name) for name in ("first.png", "second.png")]

        def saved(*images: Image.Image) -> dict[str, str]:
            for image, path in zip(images, files, strict=True):
                image.save(path)
            return {"first": files[0], "second": files[1]}

        for first, second, what in image_pairs(count, (20, 56), seed) if helm else ():
            value = official("ems", checkout=helm, **saved(first, second))
            found.add("EMS", {"ems": ems.ems(first, second)}, value, what)
        for first, second, what in image_pairs(count, (336, 336), seed) if unisvg else ():
            value = official("ssim", checkout="", **saved(first, second))
            found.add("SSIM", ssim.measure(first, second), value, what)


def responses(domain: str, complete: Callable[[str], str]) -> list[tuple[str, str, list[str]]]:
    """Return for each sample its name, its reference and the code of its responses."""
    found = []
    for path in sorted((SAMPLES / domain).iterdir()):
        reference = next(path.glob("reference.*"))
        language = {".py": "python", ".html": "html"}[reference.suffix]
        codes = []
        for response in sorted((path / "responses").glob("*.md")):
            aligned = align(response.read_text(), language)
            if aligned.code and response.stem in ("slight", "bad", "several_blocks", "thinking"):
                codes.append(complete(aligned.code))
        found.append((path.name, complete(reference.read_text()), codes))
    return found


def chart_pairs(count: int, seed: int) -> list[tuple[str, str, str]]:
    """Return predictions with the charts that they are for, or with the chart before: few programs make many pairs."""
    complete = chart_benchmark.complete
    samples = [each for each in responses("chart", complete) if "plotly" not in each[0]]
    random.Random(seed).shuffle(samples)
    samples = [*((name, complete(first), [complete(second)]) for name, first, second in charts()), *samples]
    found = []
    for (_, other, _), (name, reference, codes) in itertools.pairwise(samples):
        for number, code in enumerate([reference, *codes]):
            found += [(f"{name}, program {number}", code, each) for each in (reference, other)]
    return found[:count]


def compare_charts(official: Official, found: Differences, pairs: Pairs, checkout: str, run: Run) -> None:
    for index, (what, code, reference) in enumerate(pairs):
        logs = [chartmimic.logged(each, run) for each in (code, reference)]
        if chartmimic.Log() in logs:
            print(f"{what}: left out, it does not run here")
            continue
        groups = [max(Counter(each.partition("--")[0] for each in log.colours).values(), default=0) for log in logs]
        graph = index % 7 == 6
        name = f"graph_{index}" if graph else f"chart_{index}"
        few = max(groups) <= MOST_COLOURS
        value = official("chartmimic", checkout=checkout, prediction=code, reference=reference, name=name, colours=few)
        if len(value) == len(chartmimic.PARTS):
            value["low"] = sum(value.values()) / len(value)
        found.add("ChartMimic", chartmimic.compared(*logs, graph=graph), value, what)
        if index % 10 == 9:
            found.show()


def compare_pages(official: Official, found: Differences, count: int, checkout: str, run: Run) -> None:
    samples = responses("web", str)
    done = 0
    for index, (name, reference, codes) in enumerate(samples):
        pages = [*codes, samples[index - 1][1], *samples[index - 1][2][:1]][: count - done]
        if not pages:
            break
        done += len(pages)
        values = official("design2code", checkout=checkout, pages=pages, reference=reference)
        wanted = design2code.prepare(reference, run)
        for number, (page, value) in enumerate(zip(pages, values, strict=True)):
            code = page_benchmark.complete(page)
            blocks = merged(blocks_of(code, run(code, "html").image, run))
            found.add("Design2Code", design2code.scores(blocks, wanted), value, f"{name}, page {number}")
        print(f"{done} pairs of pages", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="interpreter of the official side")
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--skip", type=int, default=0, help="pairs of charts that are left out before")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--helm", help="checkout of stanford-crfm/helm")
    parser.add_argument("--unisvg", action="store_true", help="compare SSIM with scikit-image")
    parser.add_argument("--chartmimic", help="checkout of ChartMimic")
    parser.add_argument("--design2code", help="checkout of Design2Code")
    chosen = parser.parse_args()
    found = Differences()
    with RenderPool(python=chosen.python, workers=1) as pool:
        run = Remembering(pool)
        official = Official(chosen.python, run)
        compare_images(official, found, chosen.pairs, chosen.helm, chosen.unisvg, chosen.seed)
        if chosen.chartmimic:
            compare_charts(
                official, found, chart_pairs(chosen.pairs, chosen.seed)[chosen.skip :], chosen.chartmimic, run
            )
        if chosen.design2code:
            compare_pages(official, found, chosen.pairs, chosen.design2code, run)
    found.show()


if __name__ == "__main__":
    main()
