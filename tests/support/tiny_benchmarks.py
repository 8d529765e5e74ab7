"""Tiny copies of benchmarks in their official layouts, predictions for them, and scores."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from vincicoder.evaluation.evaluation import Evaluation

FIGURES = {
    f"fig-{number}": rf"\begin{{tikzpicture}}\fill[{colour}] (0,0) rectangle ({number + 1},2);\end{{tikzpicture}}"
    for number, colour in enumerate(("red", "blue", "teal"))
}
"""TikZ code by id of the sample."""


def figure(number: int) -> bytes:
    """Return a target: no two of them are alike."""
    image = Image.new("RGB", (120, 90), "white")
    ImageDraw.Draw(image).rectangle((10, 10, 40 + 20 * number, 70), fill=("red", "blue", "teal")[number])
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def image2latex(directory: Path) -> Path:
    """Write Image2Latex in its official layout, and return its directory."""
    import pyarrow
    import pyarrow.parquet

    (directory / "plot").mkdir(parents=True)
    images = [{"bytes": figure(number), "path": None} for number in range(len(FIGURES))]
    table = pyarrow.table({"image": images, "uuid": list(FIGURES), "structure": list(FIGURES.values())})
    pyarrow.parquet.write_table(table, directory / "plot" / "validation-00000-of-00001.parquet")
    return directory


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
