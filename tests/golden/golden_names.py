"""The Python door: names, signatures, attributes, options and statuses."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

from golden_images import RESPONSES, blocks
from golden_scores import reward_with

import vincicoder
from vincicoder import CompletionReward, RenderPool, RewardRequest, Status, align

OPTIONS: dict[str, Any] = {
    "encoder": "embedded",
    "device": "cpu",
    "dtype": "float32",
    "preset": "paper",
    "workers": 1,
    "alignment_weight": 0.1,
    "coarse_weight": 0.5,
    "guards": ["blank", "raster"],
    "require_fence": True,
    "batch_tiles": 64,
    "cache_targets": 64,
    "keep_renders": True,
    "cpu_seconds": 10.0,
    "wall_seconds": 240.0,
    "memory_mb": 2048,
    "output_mb": 64,
    "pixels": 16_000_000,
    "tasks": 512,
    "python": sys.executable,
    "browser": None,
    "renderer_options": {"latex": {"dpi": 200}},
    "allow_unsandboxed": False,
    "namespaces": True,
}
"""Every option of the reward, each with a value that it takes: flat and plain, as a trainer's configuration has them."""

DEFAULTS: dict[str, Any] = {
    **OPTIONS,
    **dict.fromkeys(("device", "dtype", "workers", "coarse_weight", "python", "browser", "renderer_options")),
    "cache_targets": 2048,
    "wall_seconds": 30.0,
}
"""Every option at its default, but for the encoder, which needs weights. A configuration may well spell it out."""

SIGNATURES = (
    "RewardRequest",
    "VisualReward",
    "VisualReward score",
    "VisualReward stream",
    "VisualReward close",
    "RenderPool",
    "RenderPool render",
    "RenderPool submit",
    "RenderPool close",
    "CompletionReward",
    "CompletionReward __call__",
    "Limits",
    "align",
)
"""Callables of the package, and the methods of classes that users call."""


def names() -> dict[str, Any]:
    """Collect what ``import vincicoder`` offers."""
    return {
        "public": [name for name in vincicoder.__all__ if getattr(vincicoder, name) is not None],
        "statuses": {status.name: status.value for status in Status},
        "signatures": {path: found for path in SIGNATURES if (found := _signature(path)) is not None},
        "options": {
            "VisualReward": accepted(_make_reward, OPTIONS),
            "VisualReward, defaults": accepted(_make_reward, DEFAULTS),
            "CompletionReward": accepted(
                lambda options: CompletionReward(**options),
                {**OPTIONS, "reward": "visual", "image_dir": ".", "faults": "mean"},
            ),
        },
        **_results(),
    }


def accepted(attempt: Callable[[dict[str, Any]], object], options: Mapping[str, Any]) -> list[str]:
    """Return the options that are taken; all at once, or else those that are taken one by one."""
    if _works(attempt, dict(options)):
        return list(options)
    return [name for name, value in options.items() if _works(attempt, {name: value})]


def _make_reward(options: dict[str, Any]) -> None:
    reward_with({"encoder": "embedded", **options}).close()


def _works(attempt: Callable[[dict[str, Any]], object], options: dict[str, Any]) -> bool:
    try:
        attempt(options)
    except (vincicoder.VinciCoderError, TypeError):
        return False
    return True


def _results() -> dict[str, Any]:
    """Collect what a result, a render and an alignment offer."""
    request = RewardRequest(RESPONSES["perfect"], blocks(), language="svg", id="7")
    with reward_with({"encoder": "embedded"}) as reward:
        [result] = reward.score([request])
    alignment = align(RESPONSES["perfect"], language="svg")
    with RenderPool(1) as pool:
        render = pool.render(str(alignment.code), "svg")
    data = result.to_dict()
    return {
        "attributes": {
            "RewardRequest": _attributes(request),
            "RewardResult": _attributes(result),
            "Alignment": _attributes(alignment),
            "Render": _attributes(render),
        },
        "to_dict": {"keys": list(data), "seconds": list(data["seconds"]), "tiles": len(data["tiles"])},
        "values": {
            "status is its text": result.status == "ok" and str(result.status) == "ok",
            "id comes back": result.id,
            "encoder": result.encoder,
            "preset": result.preset,
            "alignment": [alignment.language, str(alignment.status), alignment.aligned, alignment.score],
            "render": [str(render.status), list(render.image.size) if render.image else None],
        },
    }


def _attributes(thing: object) -> list[str]:
    return [name for name in dir(thing) if not name.startswith("_")]


def _signature(path: str) -> dict[str, str] | None:
    """Return each parameter with its place, if it has one, and its default; None if there is no such callable."""
    function: Any = vincicoder
    for name in path.split():
        function = getattr(function, name, None)
    if function is None:
        return None
    found: dict[str, str] = {}
    parameters = [each for each in inspect.signature(function).parameters.values() if each.name != "self"]
    for place, each in enumerate(parameters):
        positional = each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        where = f"place {place}" if positional else "by name"
        if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            found[each.name] = where if each.default is each.empty else f"{where}, {each.default!r}"
    return found
