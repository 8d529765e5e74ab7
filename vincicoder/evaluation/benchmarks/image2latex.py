"""Image2Latex of Image2Struct, its subset of plots: TikZ and pgfplots figures from arXiv."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageOps

from vincicoder.evaluation.benchmark import Benchmark, Sample, mean_of
from vincicoder.evaluation.sources import image_bytes, table_rows

_HUB = "stanford-crfm/i2s-latex"

_PROMPT = (
    "Please provide the LaTeX code used to generate this image. Only generate the code relevant to what you see. Your "
    "code will be surrounded by all the imports necessary as well as the begin and end document delimiters."
)

_PACKAGES = (
    "amsmath,amssymb,amsfonts graphicx amsmath xcolor algorithm algorithmicx algpseudocode listings stfloats epstopdf "
    "pgfplots tikz tikz-cd tikz-qtree tikz-dependency tikz-3dplot tikz-network"
)
_CLASS = r"\documentclass{ article}"  # a page: the renderer crops what says {article} to its content
_PREAMBLE = "\n".join(
    (
        *(rf"\usepackage{{{name}}}" for name in _PACKAGES.split()),
        r"\usepackage[flushleft]{threeparttable}",
        r"\usepackage{adjustbox}",
    )
)
_BEGIN, _END = r"\begin{document}", r"\end{document}"
_NUMBERED = ["equation", "align", "alignat", "gather", "flalign", "multline", "eqnarray", "subeqnarray", "aligneq"]
_LABEL = re.compile(r"\\label\{.*?\}[\t ]*\n?")
_ANY_CLASS = re.compile(r"\\documentclass(?:\[.*?\])?\{.*?\}"), re.compile(r"\\documentstyle(?:\[.*?\])?\{.*?\}")
_USE = re.compile(r"\\usepackage(\[.*?\])?\{.*\}")
_LONGEST = 100_000  # characters; on more, the patterns would take too long
_FOOT = 0.2  # share of the page that is cut off below, with the page's number


def complete(code: str) -> str:
    """Put code under the benchmark's preamble, which takes the place of its own class and packages.

    Example:
        >>> complete("Hi").endswith("begin{document}Hi" + chr(92) + "end{document}")
        True
    """
    if len(code) > _LONGEST:
        return code
    for name in _NUMBERED:  # a number would change the image's size
        code = code.replace(f"{{{name}}}", f"{{{name}*}}")
    code = _LABEL.sub("", code)
    first = next((match[0] for pattern in _ANY_CLASS if (match := pattern.search(code))), None)
    if _BEGIN not in code and first != r"\documentclass{article}":
        code = _BEGIN + code
    if _END not in code:
        code += _END
    code = code.replace(first, _CLASS) if first else f"{_CLASS}\n\n{code}"
    return _USE.sub("", code).replace(_CLASS, f"{_CLASS}\n{_PREAMBLE}\n")


def finish(image: Image.Image) -> Image.Image:
    """Cut the lowest fifth of a page off, where its number is, and then its white border."""
    page = image.crop((0, 0, image.width, image.height - int(image.height * _FOOT)))
    return page.crop(ImageOps.invert(page.convert("RGB")).getbbox())


def read(source: Path | None) -> Iterator[Sample]:
    """Yield the samples of a directory that holds ``plot/validation*.parquet``, or of the hub."""
    rows = table_rows(source, _HUB, "validation", ("image", "uuid"), "plot", ("structure", "text", "difficulty"))
    for number, row in enumerate(rows):
        reference = row.get("structure") or row.get("text")
        yield Sample(
            id=str(row["uuid"]).replace('"', ""),
            target=image_bytes(row["image"], f"row {number} of {_HUB}"),
            prompt=_PROMPT,
            reference=reference,
            language="latex",
            metadata={"difficulty": row.get("difficulty") or ""},
        )


BENCHMARK = Benchmark(
    name="image2latex",
    title="Image2Latex-plot",
    language="latex",
    hub=_HUB,
    subset="plot",
    split="validation",
    licence="Apache-2.0",
    read=read,
    metrics=("execution", "ems"),
    columns={
        "execution": mean_of("execution", title="Render success"),
        "ems": mean_of("ems", title="Earth mover's similarity"),
    },
    protocol=(
        "A prediction is compiled under Image2Struct's preamble; page 1 at 200 dpi loses its lowest fifth and its "
        "white border, and is compared with the data set's image. Both are padded with white to a common size. A "
        "prediction that does not compile counts as 0 in both columns. All samples count."
    ),
    complete=complete,
    finish=finish,
    renderer_options={"latex": {"dpi": 200}},
)
