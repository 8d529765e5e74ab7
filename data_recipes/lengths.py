"""Say how long encoded rows are, by domain and task: ``vincicoder data lengths``.

Reads what ``swift export --to_cached_dataset`` wrote, which is what ``ENCODE=1`` of the training scripts runs. Tokens
of rows are counted by the model's own tokenizer; those of images follow from their sizes, as Qwen's models cut them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from data_recipes.engine.options import FINE, Recipe, guarded, parser_of, positive
from vincicoder.data import DataError
from vincicoder.data.measure import image_tokens

EDGES = (0, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
"""Of the histograms' bins, in tokens; each has those above one edge and up to the next."""

_HEAD = 1 << 16
"""Bytes of an image file that nearly always hold its size."""


class Length(NamedTuple):
    """Tokens of one encoded row, those of its images included, and of the images alone."""

    subset: str
    tokens: int
    of_images: int


def read_lengths(directories: Sequence[Path], side: int, least: int, most: int) -> Iterator[Length]:
    """Yield the length of each row that is trained on.

    Args:
        directories: What ``swift export`` wrote, or directories of such.
        side: Pixels of the square that becomes one token.
        least: Tokens of an image, at the least.
        most: Tokens of an image, at the most.

    Raises:
        DataError: There is nothing encoded, or it has no lengths.
    """
    import pyarrow
    import pyarrow.ipc

    for directory in directories:
        paths = sorted(path for path in directory.rglob("*.arrow") if path.parent.name != "val")
        if not paths:
            raise DataError(f"{directory} has no .arrow files; expected what `swift export --to_cached_dataset` wrote")
        for path in paths:
            with pyarrow.memory_map(str(path)) as memory, pyarrow.ipc.open_stream(memory) as batches:
                if "lengths" not in batches.schema.names:
                    raise DataError(f"{path} has no column lengths; its columns are: {', '.join(batches.schema.names)}")
                for batch in batches:
                    for subset, lengths, sizes in zip(*_columns(batch), strict=True):
                        cut = sum(image_tokens(*size, side, least, most) for size in sizes)
                        yield Length(subset or "others", max(lengths), cut)


def _columns(batch: Any) -> tuple[Sequence[str | None], Sequence[list[int]], Iterator[list[tuple[int, int]]]]:
    """Return subset, lengths and sizes of the images of each row."""
    names = batch.schema.names
    subsets = batch.column("channel").to_pylist() if "channel" in names else [None] * len(batch)
    lengths = [each if isinstance(each, list) else [each] for each in batch.column("lengths").to_pylist()]
    images = batch.column("images") if "images" in names else None
    return subsets, lengths, (_sizes(images, index) for index in range(len(batch)))


def _sizes(images: Any, index: int) -> list[tuple[int, int]]:
    """Return width and height of the images of a row, of whose files only the beginning is read."""
    from PIL import UnidentifiedImageError

    from vincicoder.images import open_image

    sizes = []
    for each in (images[index].values or ()) if images is not None else ():
        content = each["bytes"].as_buffer() if each["bytes"].is_valid else Path(each["path"].as_py()).read_bytes()
        try:
            head = open_image(bytes(memoryview(content)[:_HEAD]))
        except (UnidentifiedImageError, OSError):
            head = open_image(bytes(content))
        sizes.append(head.size)
    return sizes


def summed_up(lengths: Iterator[Length]) -> dict[str, Any]:
    """Return counts, means, quantiles and histograms of all rows and of each subset.

    Returns:
        ``rows``, ``tokens`` and ``image_tokens`` of all together, ``edges`` of the bins, and ``subsets``, by name. A
        subset has ``rows``, and for ``tokens`` and ``image_tokens`` ``sum``, ``mean``, ``median``, ``p95``, ``most``
        and ``histogram``.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for subset, tokens, of_images in lengths:
        found.setdefault(subset, []).append((tokens, of_images))
    subsets: dict[str, Any] = {}
    for name in sorted(found):
        tokens, of_images = np.array(found[name]).T
        subsets[name] = {"rows": len(tokens), "tokens": _described(tokens), "image_tokens": _described(of_images)}
    sums = {name: sum(each[name]["sum"] for each in subsets.values()) for name in ("tokens", "image_tokens")}
    return {"rows": sum(map(len, found.values())), **sums, "edges": EDGES, "subsets": subsets}


def _described(values: Any) -> dict[str, Any]:
    # A bin ends with its upper edge; the last one has all that is above.
    counts = np.bincount(np.searchsorted(EDGES[1:], values, side="left"), minlength=len(EDGES))
    return {
        "sum": int(values.sum()),
        "mean": round(float(values.mean()), 1),
        "median": float(np.median(values)),
        "p95": float(np.percentile(values, 95)),
        "most": int(values.max()),
        "histogram": counts.tolist(),
    }


def table_of(summary: dict[str, Any]) -> str:
    """Return a summary as text: a line for each subset, and histograms as shares of its rows."""
    lines = [f"{'':<18}{'rows':>9}{'share':>7}{'tokens':>16}{'mean':>8}{'median':>8}{'95 %':>8}{'most':>8}"]
    for name, each in summary["subsets"].items():
        share = each["tokens"]["sum"] / summary["tokens"]
        for label, of in ((name, "tokens"), ("  of images", "image_tokens")):
            values = each[of]
            first = f"{each['rows']:>9,}{share:>7.1%}" if of == "tokens" else " " * 16
            numbers = "".join(f"{values[column]:>8,.0f}" for column in ("mean", "median", "p95", "most"))
            lines.append(f"{label:<18}{first}{values['sum']:>16,}{numbers}")
    bins = [f"to {upper}" for _, upper in pairwise(summary["edges"])] + ["above"]
    lines += ["", "rows by tokens".ljust(18) + "".join(f"{each:>9}" for each in bins)]
    for name, each in summary["subsets"].items():
        for label, of in ((name, "tokens"), ("  of images", "image_tokens")):
            shares = (count / each["rows"] for count in each[of]["histogram"])
            lines.append(f"{label:<18}" + "".join(f"{share:>9.1%}" if share else f"{'':>9}" for share in shares))
    rows = summary["rows"]
    means = f"--row-tokens {summary['tokens'] / rows:.0f} --image-tokens {summary['image_tokens'] / rows:.0f}"
    return "\n".join([*lines, "", f"vincicoder plan --stage sft --rows {rows} {means}"]) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("lengths", __doc__)
    parser.add_argument("encoded", type=Path, nargs="+", metavar="DIR", help="directories of encoded rows")
    tokens = parser.add_argument_group("images").add_argument
    square = "pixels of the square that becomes a token: 32 for Qwen3-VL, 28 for Qwen2.5-VL (default: 32)"
    tokens("--side", type=positive, default=32, metavar="N", help=square)
    tokens("--min-tokens", type=positive, default=256, metavar="N", help="least tokens of an image (default: 256)")
    tokens("--max-tokens", type=positive, default=4096, metavar="N", help="most tokens of an image (default: 4096)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="file for all numbers, as JSON (default: none)")
    options: argparse.Namespace = parser.parse_args(arguments)
    summary = summed_up(read_lengths(options.encoded, options.side, options.min_tokens, options.max_tokens))
    if options.out:
        options.out.write_text(json.dumps(summary) + "\n", encoding="utf-8")
    print(table_of(summary), end="")
    return FINE


RECIPE = Recipe("say how long encoded rows are, by domain and task", main)

if __name__ == "__main__":
    raise SystemExit(guarded(main))
