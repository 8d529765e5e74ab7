"""Components that tests bring, as a plugin would: one of each stage, and such as fail in every way."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vincicoder import registry
from vincicoder.rendering.facts import Facts
from vincicoder.similarity import Comparison

NAMES = ("overlap", "gain", "asked", "prepared", "titled", "given", "from_facts", "raises", "dies", "excessive")
NAMES += ("greedy", "tokens", "worded")


def adopt() -> None:
    """Make these components known, as they would be to a process of ours."""
    here = {"origin": "tests", "directory": str(Path(__file__).parent)}
    entries = [{"name": name, "value": f"measured:{name}", **here} for name in NAMES]
    registry.adopt({"vincicoder.components": entries})


def overlap(target: Image.Image, render: Image.Image) -> float:
    """Share of pixels that are equal; measured in a worker process."""
    return float((np.asarray(target) == np.asarray(render)).all(axis=2).mean())


def gain(comparison: Comparison, blank_comparison: Comparison) -> float:
    """How much better the render is than a blank page; measured where the comparison arrives."""
    return max(0.0, comparison.fine - blank_comparison.fine)


class asked:
    """Waits for an endpoint, and reports how many calls were under way at the same time."""

    most = under_way = 0

    def __init__(self, seconds: float = 0.01) -> None:
        self._seconds = seconds

    async def __call__(self, code: str, language: str) -> float:
        asked.under_way += 1
        asked.most = max(asked.most, asked.under_way)
        await asyncio.sleep(self._seconds)
        asked.under_way -= 1
        return 1.0 if code and language == "svg" else 0.5


class prepared:
    """Says what it was given, in digits: the process that prepared is this many calls old."""

    calls = 0

    def prepare(self, target: Image.Image) -> int:
        prepared.calls += 1
        return prepared.calls

    def __call__(self, prepared: int, code: str) -> float:
        return min(1.0, prepared / 10)


class titled:
    """Applies where the reference has a title; what the response has is its own affair."""

    def applies(self, reference: str | None) -> bool:
        return reference is not None and "<title>" in reference

    def __call__(self, code: str, reference: str) -> float:
        return float("<title>" in code and "```" not in reference)


class worded:
    """Applies where the reference's render has text; 1 for as many spans as the reference, on an image of its size."""

    def applies(self, reference_facts: Facts | None) -> bool:
        return reference_facts is not None and bool(reference_facts.spans)

    def prepare(self, reference_facts: Facts, reference_size: tuple[int, int]) -> tuple[int, tuple[int, int]]:
        return len(reference_facts.spans), reference_size

    def __call__(
        self,
        facts: Facts | None,
        render_size: tuple[int, int],
        reference_size: tuple[int, int],
        prepared: tuple[int, tuple[int, int]],
    ) -> float:
        return float((len(facts.spans) if facts else 0, render_size) == prepared and reference_size == render_size)


def given(
    target_size: tuple[int, int],
    render_size: tuple[int, int],
    prompt: str | None,
    response: str,
    metadata: Mapping[str, Any],
    facts: Facts,
    reference_facts: Facts,
) -> float:
    """1 when everything on offer arrived as the test sent it."""
    texts = [span.text for known in (facts, reference_facts) for span in known.spans]
    arrived = (target_size, prompt, "svg" in response, metadata.get("uid"), texts)
    return float(arrived == ((512, 512), "Draw it.", True, "7", ["answer", "known"]) and min(render_size) > 0)


def from_facts(facts: Facts | None) -> float:
    """Asks for facts, if only to say whether there are any."""
    return float(facts is not None)


def raises(target: Image.Image) -> float:
    """Fails."""
    raise RuntimeError("no such font")


def dies(target: Image.Image) -> float:
    """Takes its process with it."""
    os._exit(3)


def excessive(target: Image.Image) -> float:
    """Return what no score is."""
    return 1.5


def greedy(everything: object) -> float:
    """Asks for what is not on offer."""
    return time.time()


def tokens(target_tokens: np.ndarray[Any, Any], render_tokens: np.ndarray[Any, Any]) -> float:
    """Mean cosine of patches at the same place."""
    lengths = np.linalg.norm(target_tokens, axis=-1) * np.linalg.norm(render_tokens, axis=-1)
    cosine = (target_tokens * render_tokens).sum(axis=-1) / np.maximum(lengths, 1e-9)
    return float(np.clip((cosine.mean() + 1) / 2, 0, 1))
