"""The reward of VinciCoder (arXiv 2511.00391) as one plain file, to be read from top to bottom.

It shares no code with the package, so that it can serve as its oracle: the tests compare both. It takes renders as
images, since running a model's code needs a sandbox; `vincicoder` has one.

    python examples/paper_reward.py target.png render.png                         # needs torch and transformers
    python examples/paper_reward.py target.png render.png --response answer.md --language svg
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

TILE = 448  # side of a tile in pixels
MOST_TILES = 12
ALIGNMENT_WEIGHT = 0.1
ALIASES = {"python": ("python", "py"), "html": ("html",), "svg": ("svg", "xml"), "latex": ("latex", "tex", "tikz")}

Embed = Callable[[Sequence[Image.Image]], np.ndarray]  # tiles to embeddings, shape [tiles, D]


def code_of(response: str, language: str) -> str | None:
    """Return the last closed fenced block whose tag names the language, or None: the response is not aligned."""
    code = None
    tag, lines = None, []
    for line in response.splitlines():
        fence = re.fullmatch(r"\s*```\s*([\w+-]*)\s*", line)
        if fence and tag is None:
            tag, lines = fence[1].lower(), []
        elif fence and not fence[1]:
            if tag in ALIASES[language]:
                code = "\n".join(lines)
            tag = None
        elif tag is not None:
            lines.append(line)
    return code


def grid_for(width: int, height: int) -> tuple[int, int]:
    """Choose columns and rows as InternVL does: the closest aspect ratio; on a tie more tiles if there are pixels."""
    grids = [(i, j) for i in range(1, MOST_TILES + 1) for j in range(1, MOST_TILES + 1) if i * j <= MOST_TILES]
    best, smallest = (1, 1), float("inf")
    for columns, rows in sorted(grids, key=lambda grid: grid[0] * grid[1]):
        difference = abs(width / height - columns / rows)
        roomy = width * height > 0.5 * TILE * TILE * columns * rows
        if difference < smallest or (difference == smallest and roomy):
            best, smallest = (columns, rows), difference
    return best


def tiles_of(image: Image.Image) -> list[Image.Image]:
    """Cut an RGB image into its grid of tiles, row by row, and append the thumbnail if there is more than one."""
    columns, rows = grid_for(*image.size)
    stretched = image.resize((columns * TILE, rows * TILE))
    tiles = [
        stretched.crop((column * TILE, row * TILE, (column + 1) * TILE, (row + 1) * TILE))
        for row in range(rows)
        for column in range(columns)
    ]
    return tiles if len(tiles) == 1 else [*tiles, image.resize((TILE, TILE))]


def similarities(target: Image.Image, render: Image.Image, embed: Embed) -> np.ndarray:
    """Return (cosine + 1) / 2 for each tile of the target and of the render, the thumbnail last."""
    target, render = target.convert("RGB"), render.convert("RGB")
    if render.size != target.size:
        render = render.resize(target.size, Image.Resampling.BICUBIC)
    a, b = embed(tiles_of(target)).astype(np.float64), embed(tiles_of(render)).astype(np.float64)
    cosine = (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return np.asarray((cosine + 1) / 2)


def reward(response: str, language: str, target: Image.Image, render: Image.Image | None, embed: Embed) -> float:
    """Return the reward of a response.

    Args:
        response: What the model wrote.
        language: The requested language.
        target: The image to reproduce.
        render: The image that the response's code makes, or None if it makes none.
        embed: Embeds tiles; see `dinov2`.
    """
    aligned = code_of(response, language) is not None
    visual = float(similarities(target, render, embed).mean()) if aligned and render is not None else 0.0
    return (1 - ALIGNMENT_WEIGHT) * visual + ALIGNMENT_WEIGHT * aligned


def dinov2(name: str = "facebook/dinov2-large") -> Embed:
    """Load DINOv2; the embedding is the CLS token of the last hidden state, before the final layer norm."""
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(name).float().eval()
    mean, deviation = (torch.tensor(each).view(3, 1, 1) for each in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))

    def embed(tiles: Sequence[Image.Image]) -> np.ndarray:
        with torch.no_grad():
            pixels = torch.stack([torch.tensor(np.asarray(tile)).permute(2, 0, 1) / 255 for tile in tiles])
            states = model((pixels - mean) / deviation, output_hidden_states=True).hidden_states
        return np.asarray(states[-1][:, 0].numpy())

    return embed


def main() -> None:
    """Compare two images, and judge a response if there is one."""
    parser = argparse.ArgumentParser(description="Compare a render with its target as VinciCoder's reward does.")
    parser.add_argument("target", help="the image to reproduce")
    parser.add_argument("render", help="the image that the code made")
    parser.add_argument("--response", help="file with the model's response; adds alignment to the reward")
    parser.add_argument("--language", choices=ALIASES, default="python", help="the requested language")
    parser.add_argument("--encoder", default="facebook/dinov2-large", help="hub id or directory (default: %(default)s)")
    options = parser.parse_args()
    target, render, embed = Image.open(options.target), Image.open(options.render), dinov2(options.encoder)
    found = similarities(target, render, embed)
    print("tiles     " + " ".join(f"{each:.4f}" for each in found[: max(1, len(found) - 1)]))
    print(f"thumbnail {found[-1]:.4f}\nvisual    {found.mean():.4f}")
    if options.response:
        with open(options.response, encoding="utf-8") as file:
            print(f"reward    {reward(file.read(), options.language, target, render, embed):.4f}")


if __name__ == "__main__":
    main()
