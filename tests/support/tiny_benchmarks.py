"""Tiny copies of benchmarks in their official layouts, made of the sample set, and scores."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from repository import EXAMPLES

from vincicoder.evaluation.evaluation import Evaluation

SAMPLES = EXAMPLES / "samples"
SMILES = {"ethanol": "CCO", "benzene": "c1ccccc1", "acetone": "CC(C)=O"}


def references(domain: str, count: int, prefix: str = "") -> list[tuple[str, str, Path]]:
    """Return name, reference code and target of the first samples of a domain whose names begin so."""
    found = []
    for directory in sorted((SAMPLES / domain).glob(f"{prefix}*"))[:count]:
        [reference] = directory.glob("reference.*")
        found.append((directory.name, reference.read_text("utf-8"), directory / "target.png"))
    return found


def chartmimic(directory: Path, count: int = 3) -> None:
    """Write ``direct_600/NAME.py`` and ``NAME.png``."""
    (directory / "direct_600").mkdir(parents=True)
    for name, code, target in references("chart", count):
        (directory / "direct_600" / f"{name}.py").write_text(f'{code}\nplt.savefig("x.pdf")\n', "utf-8")
        shutil.copy(target, directory / "direct_600" / f"{name}.png")


def unisvg(directory: Path, count: int = 3) -> None:
    """Write ``test.json`` and the images that it names."""
    (directory / "png").mkdir(parents=True)
    items = []
    for name, code, _ in references("svg", count):
        (directory / "png" / f"{name}.png").write_bytes(icon(code))
        items.append({"q_text": "<image>Write SVG.", "image_path": f"{name}.png", "type": "ISVGEN", "a_text": code})
    (directory / "test.json").write_text(json.dumps(items))


def taught_unisvg(directory: Path) -> None:
    """Write a benchmark of one sample, which the taught policy knows."""
    from taught_vlm import ANSWERS, PROMPT, target_png

    directory.mkdir(parents=True)
    (directory / "icon.png").write_bytes(target_png())
    code = ANSWERS[0].removeprefix("```svg\n").removesuffix("\n```")
    item = {"q_text": f"<image>{PROMPT}", "image_path": "icon.png", "type": "ISVGEN", "a_text": code}
    (directory / "test.json").write_text(json.dumps([item]))


def icon(code: str) -> bytes:
    """Return a target of UniSVG."""
    import cairosvg

    image: bytes = cairosvg.svg2png(code, output_width=336, output_height=336, background_color="white")
    return image


def design2code(directory: Path, count: int = 3) -> None:
    """Write ``NAME.html`` and ``NAME.png``."""
    directory.mkdir(parents=True)
    for name, code, target in references("web", count):
        (directory / f"{name}.html").write_text(code, "utf-8")
        shutil.copy(target, directory / f"{name}.png")


def image2latex(directory: Path, count: int = 3) -> None:
    """Write ``plot/validation*.parquet``."""
    rows = references("latex", count, "pgf-")
    images = [{"bytes": target.read_bytes(), "path": None} for _, _, target in rows]
    names, codes = [name for name, _, _ in rows], [code for _, code, _ in rows]
    _parquet(directory / "plot", image=images, uuid=names, structure=codes)


def chemdraw(directory: Path, count: int = 3) -> None:
    """Write ``chemical/validation*.parquet``."""
    targets = [target.read_bytes() for _, _, target in references("svg", count)]  # tell samples apart, nothing more
    names = list(SMILES)[:count]
    images = [{"bytes": target, "path": None} for target in targets]
    _parquet(directory / "chemical", image=images, id=names, code=[SMILES[name] for name in names])


LAYOUTS: dict[str, Callable[..., None]] = {
    "chartmimic": chartmimic,
    "chemdraw": chemdraw,
    "design2code": design2code,
    "image2latex": image2latex,
    "unisvg": unisvg,
}
"""What writes a tiny copy of each benchmark into a directory."""


def _parquet(directory: Path, **columns: Any) -> None:
    import pyarrow
    import pyarrow.parquet

    directory.mkdir(parents=True)
    pyarrow.parquet.write_table(pyarrow.table(columns), directory / "validation-00000-of-00001.parquet")


def scored(model: str, values: dict[str, float | None], **more: Any) -> Evaluation:
    """Return scores of Image2Latex: an EMS by id, None for a response that does not render."""
    rows = [
        {
            "benchmark": "image2latex",
            "model": model,
            "id": name,
            "number": 0,
            "status": "runtime_error" if ems is None else "ok",
            "message": "it failed" if ems is None else "",
            "code": rf"\draw ({name});",
            "values": {"execution": float(ems is not None), "ems": ems or 0.0},
            **more,
        }
        for name, ems in values.items()
    ]
    return Evaluation("image2latex", model, rows)
