"""Streams rows of the public layout through the plugin, and measures memory and speed.

First the plugin alone reads all rows, for its memory. Then the plugin and ms-swift's own preprocessor read the same
files, alternating block by block, so that what else the machine does slows both. Needs the extra ``swift``::

    python benchmarks/sft_rows.py --rows 200000
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

FILES = ("chart2code_refine", "chart2code_1", "web2html_1", "web2html_refine", "img2svg_1", "image2latex_1")
COLUMNS = {"user_content": "query", "assistant_content": "response", "image": "images"}
ROW_GROUP = 1_000
IMAGES = 200


def main() -> None:
    """Write the rows, stream them, print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--block", type=int, default=5_000, help="rows between two changes of stream")
    parser.add_argument("--directory", type=Path, help="where the files go, and are kept [a temporary directory]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        directory = options.directory or Path(temporary)
        os.environ["VINCICODER_SFT_DATA"] = str(directory / "data")
        os.environ["MODELSCOPE_CACHE"] = str(directory / "cache")
        write(directory / "data", options.rows)
        measure_memory(options.rows)
        measure_speed(directory / "data", options.rows, options.block)


def write(directory: Path, rows: int) -> None:
    """Write ``rows`` rows, spread over ``FILES``, with images of about 10 KB and code of about 3 KB."""
    import pyarrow
    import pyarrow.parquet

    directory.mkdir(parents=True, exist_ok=True)
    images = [image_bytes(seed) for seed in range(IMAGES)]
    for number, name in enumerate(FILES):
        share = rows // len(FILES) + (number < rows % len(FILES))
        starts = range(0, share, ROW_GROUP)
        groups = ([row(name, i, images) for i in range(start, min(start + ROW_GROUP, share))] for start in starts)
        tables = map(pyarrow.Table.from_pylist, groups)
        first = next(tables)
        with pyarrow.parquet.ParquetWriter(directory / f"{name}.parquet", first.schema, use_dictionary=False) as file:
            for table in chain([first], tables):
                file.write_table(table)


def image_bytes(seed: int) -> bytes:
    """Return a PNG of coloured squares."""
    import io

    from PIL import Image

    small = Image.frombytes("RGB", (56, 56), random.Random(seed).randbytes(56 * 56 * 3))
    buffer = io.BytesIO()
    small.resize((448, 448), Image.Resampling.NEAREST).save(buffer, "PNG")
    return buffer.getvalue()


def row(name: str, index: int, images: list[bytes]) -> dict[str, Any]:
    """Return a row of the file ``name``."""
    language, code = code_of(name, index)
    asked = f"<image>\nWrite the code of image {index}."
    if "refine" in name:
        asked = f"<image>\nMend this code.\n```{language}\n{code.replace('7', '8')}\n```"
    image = {"bytes": images[index % IMAGES] + index.to_bytes(4, "big"), "path": None}
    return {"user_content": asked, "assistant_content": f"```{language}\n{code}\n```", "image": image}


def code_of(name: str, index: int) -> tuple[str, str]:
    """Return a language and about 3 KB of code in it."""
    if "chart" in name:
        lines = (f"plt.plot([{index}, {i}, 7], label='series {i}', color='C{i % 9}')" for i in range(50))
        return "python", "import matplotlib.pyplot as plt\n" + "\n".join(lines) + "\nplt.savefig('out.png')"
    if "web" in name:
        lines = (f"<div class='c{i}'><p>Paragraph {index} {i}</p><img src='rick.jpg'></div>" for i in range(42))
        return "html", "<!DOCTYPE html>\n<html><body>\n" + "\n".join(lines) + "\n</body></html>"
    if "svg" in name:
        lines = (f'<rect x="{i}" y="{index % 97}" width="7" height="7" fill="#{i:06x}"/>' for i in range(50))
        return "svg", '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(lines) + "\n</svg>"
    lines = (f"\\draw[thick] ({i},{index % 89}) -- (7,{i}) node {{label {i}}};" for i in range(60))
    return "latex", "\\documentclass{standalone}\n\\begin{document}\n" + "\n".join(lines) + "\n\\end{document}"


def plugin_stream() -> Iterator[dict[str, Any]]:
    """Return the rows as the plugin streams them."""
    from swift.dataset import load_dataset
    from swift.utils import import_external_file

    import_external_file(str(Path(__file__).resolve().parents[1] / "swift_plugins" / "vincicoder_sft.py"))
    return iter(load_dataset("vincicoder-sft", streaming=True)[0])


def swift_stream(directory: Path) -> Iterator[dict[str, Any]]:
    """Return the rows as ms-swift's own preprocessor streams them."""
    from swift.dataset import load_dataset

    files = [str(path) for path in sorted(directory.glob("*.parquet"))]
    return iter(load_dataset(files, streaming=True, columns=COLUMNS)[0])


def measure_memory(rows: int) -> None:
    """Stream all rows through the plugin, and print its memory on the way."""
    stream = plugin_stream()
    print(f"{'rows':>9}  resident MiB")
    count, began = 0, time.perf_counter()
    while taken := sum(1 for _ in islice(stream, rows // 10)):
        count += taken
        print(f"{count:9,}  {resident():12,.0f}", flush=True)
    print(f"{count:,} rows, {count / (time.perf_counter() - began):,.0f} rows/s\n")


def measure_speed(directory: Path, rows: int, block: int) -> None:
    """Stream up to 100,000 rows both ways, and print medians over the blocks."""
    streams = {"vincicoder-sft": plugin_stream(), "ResponsePreprocessor": swift_stream(directory)}
    seconds: dict[str, list[float]] = {name: [] for name in streams}
    for _ in range(0, min(rows, 100_000) - block + 1, block):
        for name, stream in streams.items():
            began = time.perf_counter()
            taken = sum(1 for _ in islice(stream, block))
            seconds[name].append((time.perf_counter() - began) / taken)
    ours, theirs = (statistics.median(times) for times in seconds.values())
    for name, median in zip(seconds, (ours, theirs), strict=True):
        blocks = len(seconds[name])
        print(f"{name:>20}: {1 / median:6,.0f} rows/s, {median * 1e6:4.0f} us a row (median of {blocks} blocks)")
    print(f"the plugin takes {ours / theirs:.2f} times as long, {(ours - theirs) * 1e6:+.0f} us a row")


def resident() -> float:
    """Return the resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
