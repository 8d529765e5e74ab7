"""ChartMimic, direct mimic: charts of 22 types, to be reproduced with matplotlib."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmark import Benchmark, Sample, mean_of
from vincicoder.evaluation.sources import directory, pairs, text_of
from vincicoder.images import open_target

_HUB = "ChartMimic/ChartMimic"
_ARCHIVE = "dataset-iclr.tar.gz"
_SPLIT = "direct_600"
_DPI = 100  # matplotlib's own

_PROMPT = (
    "You are an expert Python developer who specializes in writing matplotlib code based on a given picture. I found a "
    "very nice picture in a STEM paper, but there is no corresponding source code available. I need your help to "
    "generate the Python code that can reproduce the picture based on the picture I provide.\n"
    "Note that it is necessary to use figsize=({width}, {height}) to set the image size to match the original size.\n"
    "Now, please give me the matplotlib code that reproduces the picture below."
)
_PAGE = re.compile(rb"/MediaBox\s*\[\s*0\s+0\s+(\d+\.?\d*)\s+(\d+\.?\d*)\s*\]")
_ENDS = re.compile(r"plt\.savefig\(.*\n*", re.DOTALL), re.compile(r"plt.show\(.*\n*", re.DOTALL)


def complete(code: str) -> str:
    """Cut code off where it first saves or shows a figure, and save the figure there.

    Example:
        >>> complete("plt.plot([1])" + chr(10) + "plt.show()").splitlines()
        ['plt.plot([1])', 'plt.savefig("chart.pdf")']
    """
    for end in _ENDS:
        code = end.sub("", code)
    return f'{code.strip()}\nplt.savefig("chart.pdf")'


def _inches(image: Path) -> tuple[float, float]:
    """Return the size of a chart in inches: of its PDF file, which matplotlib wrote, or else of its image."""
    pdf = image.with_suffix(".pdf")
    if pdf.is_file() and (box := _PAGE.search(pdf.read_bytes())):
        return round(float(box[1]) / 72, 1), round(float(box[2]) / 72, 1)
    width, height = open_target(image).size
    return round(width / _DPI, 1), round(height / _DPI, 1)


def read(source: Path | None) -> Iterator[Sample]:
    """Yield the charts of a directory with ``NAME.py`` and ``NAME.png``, or of one that holds it as ``direct_600``."""
    root = directory(source, _HUB, [_ARCHIVE])
    root = next((path for path in (root / _SPLIT, root / "dataset" / _SPLIT) if path.is_dir()), root)
    if (root / _ARCHIVE).is_file():
        raise ConfigError(f"unpack {root / _ARCHIVE} and give the directory {_SPLIT} that is in it")
    for program, image in pairs(root, ".py"):
        width, height = _inches(image)
        yield Sample(
            id=program.stem,
            target=image,
            prompt=_PROMPT.format(width=width, height=height),
            reference=text_of(program),
            language="python",
            metadata={"graph": program.name.startswith("graph"), "kind": program.stem.rpartition("_")[0]},
        )


BENCHMARK = Benchmark(
    name="chartmimic",
    title="ChartMimic direct",
    language="python",
    hub=_HUB,
    split=_SPLIT,
    licence="Apache-2.0",
    read=read,
    metrics=("execution", "chartmimic", "chartmimic_judge"),
    columns={
        "execution": mean_of("execution", title="Execution rate"),
        "text": mean_of("text", title="Text"),
        "layout": mean_of("layout", title="Layout"),
        "type": mean_of("type", title="Type"),
        "colour": mean_of("colour", title="Color"),
        "low": mean_of("low", title="Low-level average"),
        "high": mean_of("judged", title="GPT-4o score"),
        "overall": mean_of("low", "judged", title="Overall"),
        "low_pixels": mean_of("low_pixels", title="Low-level average that the pixels bear out"),
    },
    protocol=(
        "A prediction is cut off at its first plt.savefig or plt.show and saved there. All samples count, and a "
        "prediction that does not run counts as 0 in every column. The benchmark pins matplotlib 3.8.4; an interpreter "
        "with it can be given. The high-level score needs a judge's endpoint and is left out without one."
    ),
    complete=complete,
)
