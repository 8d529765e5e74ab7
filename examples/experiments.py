"""What the experiments on a CPU share: their packages, scenes, images, settings, and results that are kept."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import sys
import tempfile
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from vincicoder.rendering.renderer import Workspace
from vincicoder.rendering.svg import SvgRenderer

_Scene = TypeVar("_Scene", bound=Hashable)

_PIXELS = 10**6
_SECONDS = 10.0

ON_CPU: Mapping[str, Any] = {
    "use_cpu": True,
    "bf16": False,
    "gradient_checkpointing": False,
    "gradient_accumulation_steps": 1,
    "top_k": 0,
    "lr_scheduler_type": "constant",
    "weight_decay": 0.0,
    "report_to": [],
    "disable_tqdm": True,
}
"""Settings of TRL's ``GRPOConfig`` for tiny models."""


def require(install: str, *modules: str) -> None:
    """End this process, and say how to install them, if modules are missing; forbid downloads.

    Args:
        install: What pip is to install.
        modules: Their names.
    """
    if missing := [name for name in modules if importlib.util.find_spec(name) is None]:
        sys.exit(
            f"This needs {' and '.join(missing)}, which {sys.executable} lacks; "
            f"run: {sys.executable} -m pip install {install}."
        )
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is downloaded, so do not ask


def different(make: Callable[[random.Random], _Scene], count: int, seed: int, but: Collection[_Scene]) -> list[_Scene]:
    """Return different scenes, always the same ones for a seed.

    Args:
        make: What makes one.
        count: How many.
        seed: Of the choice.
        but: Scenes that are not to be among them.
    """
    rng = random.Random(seed)
    found: dict[_Scene, None] = {}
    while len(found) < count:
        if (scene := make(rng)) not in but:
            found[scene] = None
    return list(found)


def drawn(codes: Iterable[str], longest_side: int) -> list[Image.Image]:
    """Return what SVG code of our own looks like.

    It is rendered in this process, by the renderer that answers are rendered by.

    Args:
        codes: The code.
        longest_side: Of the images, in pixels.
    """
    renderer = SvgRenderer(longest_side=longest_side)
    renderer.preload()
    with tempfile.TemporaryDirectory() as directory:
        workspace = Workspace(Path(directory), _PIXELS, _SECONDS)
        return [renderer.render(code, workspace, {}).image for code in codes]


def kept(path: Path, settings: dict[str, Any], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return a result from its file, or make it and leave it there.

    Args:
        path: The file, in JSON.
        settings: What the result must have under ``settings``.
        make: What makes it.

    Raises:
        ValueError: The file has a result of other settings.
    """
    if not path.exists():
        result = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(result, indent=1))
        partial.replace(path)
    found: dict[str, Any] = json.loads(path.read_text())
    if found["settings"] != settings:
        raise ValueError(f"{path} was run with {found['settings']}, not {settings}; give another --out.")
    return found
