"""Writes a few rows in the layout of a public VinciCoder set, for ``SMOKE=1`` of the training scripts.

The images are renders of the code, so that rewards mean something::

    python examples/smoke_data.py DIR --layout sft
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Any

COLOURS = ("red", "green", "blue", "orange", "purple", "black", "teal", "olive")


def main() -> None:
    """Write the rows into the directory that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--layout", choices=("sft", "rl"), default="sft")
    options = parser.parse_args()

    import pyarrow
    import pyarrow.parquet

    rows = [sft_row(index) if options.layout == "sft" else rl_row(index) for index in range(len(COLOURS))]
    options.directory.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), options.directory / "img2svg_1.parquet")


def sft_row(index: int) -> dict[str, Any]:
    """Return a row of the set for fine-tuning."""
    image, code = drawing(index)
    return {"user_content": "Draw this as SVG.", "assistant_content": f"```svg\n{code}\n```", "image": image}


def rl_row(index: int) -> dict[str, Any]:
    """Return a row of the set for reinforcement learning."""
    image, code = drawing(index)
    images = [{"bytes": image, "path": None}]
    return {"problem": "<image>Draw this as SVG.", "answer": f"```svg\n{code}\n```", "images": images}


def drawing(index: int) -> tuple[bytes, str]:
    """Return a PNG of a square and the SVG code that renders to it."""
    from PIL import Image, ImageDraw

    left, colour = 8 + 6 * index, COLOURS[index]
    image = Image.new("RGB", (96, 96), "white")
    ImageDraw.Draw(image).rectangle((left, 20, left + 31, 51), fill=colour)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue(), (
        '<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" viewBox="0 0 96 96">\n'
        '<rect width="96" height="96" fill="white"/>\n'
        f'<rect x="{left}" y="20" width="32" height="32" fill="{colour}"/>\n</svg>'
    )


if __name__ == "__main__":
    main()
