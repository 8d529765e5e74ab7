"""Scores: what is held, and how tightly.

``scores.exact``
    Responses whose pixels do not depend on the machine (see ``golden_images``). Only the similarity can change them,
    so they are held to 1e-6 everywhere with ``embedded``. With the tiny DINOv2 it is 1e-4, as torch adds up in another
    order on other processors.
``scores.options``
    The same with each option that changes a score; also 1e-6.
``scores.samples``
    The sample set with ``embedded``. What decides about a response is held exactly: ``status``, ``language``,
    ``alignment``, ``execution``, ``grid``. Scores depend on the render, and a render depends on fonts and on the versions
    of Chromium, TeX, Cairo and the drawing libraries; so each line also holds a digest of the render's pixels. Where the
    digest is the recorded one, the scores are held to 1e-6. Where it differs, they are held to 2e-3: a hair's breadth of
    antialiasing costs less, while other colours, another crop or another resolution cost more. On a machine like that
    of the record (``machine`` names programs, packages, fonts and processor) renders are bit-stable, so there a digest
    that differs is a difference too.
``scores.dinov2``
    A response of every status and every domain with the tiny DINOv2, by the same rules.

Seconds and messages are not held.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from golden_compare import GONE, Difference, differences
from golden_images import EDITS, PAIRED, RESPONSES, SAMPLES, blocks, fenced, mosaic, shown
from PIL import Image

from vincicoder import RewardRequest, RewardResult, VisualReward

Rows = dict[str, dict[str, Any]]

SCORES = ("overall", "visual", "coarse", "fine")
DECIDED = ("status", "language", "alignment", "execution", "grid")
EXACT_TOLERANCE = {"embedded": 1e-6, "dinov2": 1e-4}
RENDERS_TOLERANCE = 2e-3
LIMITS = {"cpu_seconds": 6.0, "wall_seconds": 240.0}
"""CPU seconds decide about endless loops; the wall is far away, so that a busy machine changes no status."""

_DINOV2_SAMPLES = 24
_PACKAGES = "cairosvg matplotlib numpy pandas pillow playwright plotly pypdfium2 rdkit scipy seaborn"


def reward_with(options: Mapping[str, Any]) -> VisualReward:
    """Make a reward from flat options, as trainers' configurations hold them."""
    make = getattr(VisualReward, "from_options", None)
    return make(options) if make is not None else VisualReward(**options)


def row_of(result: RewardResult) -> dict[str, Any]:
    """Return what is recorded of a result."""
    row: dict[str, Any] = {name: round(getattr(result, name), 6) for name in SCORES}
    row |= {"status": str(result.status.value), "language": result.language, "grid": result.grid and list(result.grid)}
    row |= {"alignment": result.alignment, "execution": result.execution}
    if result.render is not None:
        pixels = result.render.convert("RGB")
        row["pixels"] = hashlib.sha256(f"{pixels.size}".encode() + pixels.tobytes()).hexdigest()[:12]
    return row


# Exact pairs


def exact_rows(encoder: str, domains: Iterable[str] = tuple(PAIRED)) -> Rows:
    """Score the responses whose pixels are known.

    Args:
        encoder: Name or directory of the encoder.
        domains: Those whose target is taken; fewer tiles are quicker.
    """
    requests: dict[str, RewardRequest] = {}
    for domain in domains:
        path = PAIRED[domain]
        for edit, change in EDITS.items():
            requests[f"{domain} {edit}"] = RewardRequest(
                fenced(shown(change(_opened(path)))), str(path), language="svg"
            )
        requests[f"{domain} mosaic"] = RewardRequest(fenced(mosaic(len(domain))), str(path), language="svg")
    for name in ("perfect", "partial", "blank", "no_code"):
        requests[f"blocks {name}"] = RewardRequest(RESPONSES[name], blocks(), language="svg")
    # Without the guards, as one of them is there to refuse images that are shown and not rendered.
    with reward_with({"encoder": encoder, "guards": [], **LIMITS}) as reward:
        return dict(zip(requests, map(row_of, reward.score(list(requests.values()))), strict=True))


def option_rows() -> Rows:
    """Score responses with each option that changes a score set otherwise."""
    cases: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
        "defaults": ({}, tuple(RESPONSES)),
        "alignment_weight 0.5": ({"alignment_weight": 0.5}, ("partial", "no_code", "blank")),
        "coarse_weight 0.7": ({"coarse_weight": 0.7}, ("partial",)),
        "require_fence false": ({"require_fence": False}, ("bare", "perfect")),
        "pixels 1000": ({"pixels": 1000}, ("perfect",)),
    }
    rows: Rows = {}
    for label, (options, names) in cases.items():
        requests = [RewardRequest(RESPONSES[name], blocks(), language="svg") for name in names]
        with reward_with({"encoder": "embedded", **LIMITS, **options}) as reward:
            scored = zip(names, reward.score(requests), strict=True)
            rows |= {f"{label}, {name}": row_of(result) for name, result in scored}
    return rows


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


# The sample set

EXTRA = {
    "extra/forbidden": RewardRequest(fenced("open('/etc/passwd')", "python"), blocks(), language="python"),
    "extra/out_of_memory": RewardRequest(fenced("x = bytearray(10**12)", "python"), blocks(), language="python"),
    "extra/too_large": RewardRequest(RESPONSES["too_large"], blocks(), language="svg"),
    "extra/bad_target": RewardRequest(RESPONSES["perfect"], "/no/such/target.png", language="svg"),
    "extra/bad_request": RewardRequest(RESPONSES["perfect"], blocks(), language="klingon"),
    "extra/alias": RewardRequest(RESPONSES["perfect"], blocks(), language="SVG+XML"),
    "extra/prompt": RewardRequest(RESPONSES["perfect"], blocks(), prompt="Write SVG code that draws this icon."),
    "extra/no_language": RewardRequest(fenced("print(1)", "python"), blocks()),
}
"""What the sample set lacks: the other statuses, and ways to ask for a language."""


def index() -> list[dict[str, Any]]:
    """Return the lines of the sample set's index."""
    lines = (SAMPLES / "index.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def quick() -> list[str]:
    """Return the ids of one response of every kind in every domain, with one endless loop, and of ``EXTRA``."""
    first: dict[tuple[str, str], str] = {}
    for row in index():
        first.setdefault((row["domain"], row["kind"]), row["id"])
    chosen = [name for (domain, kind), name in first.items() if kind != "endless_loop" or domain == "svg"]
    return [*chosen, *EXTRA]


def rest() -> list[str]:
    """Return the ids of all other responses of the sample set."""
    chosen = set(quick())
    return [row["id"] for row in index() if row["id"] not in chosen]


def of_every_status() -> list[str]:
    """Return the ids of ``_DINOV2_SAMPLES`` responses: every status, and what can be compared, from every domain."""
    by_id = {row["id"]: row for row in index()}
    seen: set[str] = set()
    compared, failed = [], []
    for row in (by_id[name] for name in quick() if name in by_id):
        name = row["id"]
        if row["kind"] in ("perfect", "slight", "bad"):
            compared.append(name)
        elif row["expected_status"] not in seen | {"ok"}:
            seen.add(row["expected_status"])
            failed.append(name)
    return sorted([*compared, *failed][:_DINOV2_SAMPLES])


def sample_rows(encoder: str, names: Iterable[str]) -> Rows:
    """Score responses of the sample set, and of ``EXTRA`` those that are named."""
    requests = {
        row["id"]: RewardRequest(row["response"], str(SAMPLES / row["target"]), row["prompt"], row["language"])
        for row in index()
    } | EXTRA
    chosen = list(names)
    rows: Rows = {}
    with reward_with({"encoder": encoder, **LIMITS}) as reward:
        for position, result in reward.stream(requests[name] for name in chosen):
            rows[chosen[position]] = row_of(result)
    return {name: rows[name] for name in chosen}


def row_differences(recorded: Rows, measured: Rows, path: str, like_the_record: bool) -> Iterator[Difference]:
    """Compare scored responses by the rules above.

    Args:
        recorded: The record's rows; those that were not measured are passed over.
        measured: What is there now.
        path: Where the rows stand.
        like_the_record: Whether this machine renders as the one of the record does.
    """
    for name, now in measured.items():
        here = f"{path}.{name}"
        before = recorded.get(name)
        if before is None:
            yield Difference(here, GONE, "not recorded")
            continue
        pixels = "pixels" in before and before["pixels"] == now.get("pixels")
        tolerance = RENDERS_TOLERANCE if "pixels" in before and not pixels else 1e-6
        held = {key: value for key, value in before.items() if key != "pixels" or like_the_record}
        yield from differences(held, now, here, tolerance)


# The machine


def machine() -> dict[str, str]:
    """Describe what decides about the pixels of a render, besides this package."""
    about = {"processor": _processor(), "fonts": _digest(_output("fc-list", ":", "family", "style", "fontversion"))}
    for program in ("chromium-headless-shell", "xelatex"):
        about[program] = next(iter(_output(program, "--version").splitlines()), "")
    return about | {name: _version(name) for name in _PACKAGES.split()}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    """Return the processor's name and a digest of what it can do, which decides how libraries compute."""
    try:
        about = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        about = ""
    name, able = (re.search(rf"^{key}\s*: (.*)", about, re.MULTILINE) for key in ("model name", "(?:flags|Features)"))
    return f"{platform.machine()} {name[1] if name else ''} {_digest(able[1]) if able else ''}".strip()


def _output(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, check=False, capture_output=True, text=True, errors="replace").stdout


def _digest(lines: str) -> str:
    return hashlib.sha256("\n".join(sorted(lines.splitlines())).encode()).hexdigest()[:12]
