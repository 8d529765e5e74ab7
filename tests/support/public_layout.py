"""Small data in the layout of the public set for fine-tuning, good and bad."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow
import pyarrow.parquet
from PIL import Image, ImageDraw


def image_bytes(seed: int, size=(140, 112)) -> bytes:
    """An image that no other seed has."""
    image = Image.new("RGB", size, (37 * seed % 256, 91 * seed % 256, 151 * seed % 256))
    ImageDraw.Draw(image).rectangle((seed % 50, seed % 30, 90, 80), fill=(seed * 53 % 256, 0, 200))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def parquet(path: Path, rows: list[dict], group: int = 3) -> None:
    """Write rows with the columns of the first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pyarrow.table({name: [row.get(name) for row in rows] for name in rows[0]})
    pyarrow.parquet.write_table(table, path, row_group_size=group)


def sft_row(index: int, asked: str, answered: str, **changes) -> dict:
    return {"user_content": asked, "assistant_content": answered, "image": image_bytes(index)} | changes


def chart_rows(count: int) -> list[dict]:
    code = "import matplotlib.pyplot as plt\nplt.plot([{}])"
    asked = "<image>\nMend the Python code.\n```python\n{}\n```"
    return [sft_row(i, asked.format(code.format("")), f"```python\n{code.format(i)}\n```") for i in range(count)]


def web_rows(count: int) -> list[dict]:
    """Pages without a fence, one of them with the names of ms-swift's placeholders in it."""
    page = "<html><body><video></video><p>{}</p><img src='rick.jpg'></body></html>"
    return [sft_row(100 + i, "Write the HTML of this page.", page.format(i)) for i in range(count)]


def svg_rows(count: int) -> list[dict]:
    return [sft_row(200 + i, "SVG, please.", f"```xml\n<svg><rect width='{i}'/></svg>\n```") for i in range(count)]


BAD = {
    "broken image": {"image": b"\x89PNG but no more"},
    "empty code": {"assistant_content": ""},
    "empty prompt": {"user_content": ""},
    "missing value": {"image": None},
    "no code found": {"assistant_content": "I would rather not."},
    "code cut off": {"assistant_content": "```svg\n<svg><rect"},
    "image too thin": {"image": image_bytes(1, (900, 4))},
}
"""A bad row of each kind, as changes to a good one."""
