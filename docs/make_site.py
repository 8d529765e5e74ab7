"""Lay out the pages of the documentation site under ``build/site``, from which ``make docs`` builds it.

The pages keep their places of the repository, so that their links stay true; the files that they link to come along.
Pages of what can be chosen are made from the registries, pages of the interface name what mkdocstrings shows.
"""

from __future__ import annotations

import ast
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vincicoder.data.layouts import LAYOUTS
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.metrics import METRICS
from vincicoder.languages import LANGUAGES
from vincicoder.registry import Registry
from vincicoder.reward.components import COMPONENTS
from vincicoder.similarity.encoders import ENCODERS

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "site"

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\((?!https?:|#|mailto:)([^)\s#]+)(#[^)\s]*)?\)")
_FENCE = re.compile(r"^( *)(`{3,}|~{3,})")

INTERFACE = {
    "reward.md": (
        "The reward",
        [
            "vincicoder.score",
            "vincicoder.VisualReward",
            "vincicoder.RewardRequest",
            "vincicoder.RewardResult",
            "vincicoder.Status",
        ],
    ),
    "trainers.md": (
        "Trainers",
        [
            "vincicoder.CompletionReward",
            "verl_rewards.vincicoder_easyr1",
            "verl_rewards.vincicoder_verl",
        ],
    ),
    "rendering.md": (
        "Rendering and alignment",
        [
            "vincicoder.RenderPool",
            "vincicoder.Render",
            "vincicoder.Limits",
            "vincicoder.align",
            "vincicoder.Alignment",
        ],
    ),
    "models.md": (
        "Models",
        [
            "vincicoder.evaluate",
            "vincicoder.refine",
        ],
    ),
    "reports.md": (
        "Reports",
        [
            "vincicoder.reporting.report",
            "vincicoder.reporting.comparison",
            "vincicoder.reporting.summary",
            "vincicoder.reporting.results_file",
            "vincicoder.reporting.gallery",
        ],
    ),
    "contracts.md": (
        "What plugins are written against",
        [
            "vincicoder.languages",
            "vincicoder.rendering.renderer",
            "vincicoder.rendering.facts",
            "vincicoder.reward.components",
            "vincicoder.similarity.encoders",
            "vincicoder.errors",
        ],
    ),
}
"""Pages of the interface: title and what they show."""

REGISTRIES: dict[str, Registry[Any]] = {
    "Languages": LANGUAGES,
    "Encoders": ENCODERS,
    "Components": COMPONENTS,
    "Benchmarks": BENCHMARKS,
    "Metrics of benchmarks": METRICS,
    "Layouts of data sets": LAYOUTS,
}
"""What can be chosen by name."""


def lay_out(out: Path) -> None:
    """Write all pages below a directory, whose earlier content goes."""
    shutil.rmtree(out, ignore_errors=True)
    todo = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
    done: set[Path] = set()
    while todo:
        source = todo.pop()
        if source in done:
            continue
        done.add(source)
        target = out / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            text, linked = with_links_that_hold(source)
            target.write_text(text, encoding="utf-8")
            todo += linked
        else:
            shutil.copyfile(source, target)
    for name, (title, shown) in INTERFACE.items():
        _write(out / "api" / name, f"# {title}\n\n" + "\n\n".join(f"::: {each}" for each in shown))
    _write(out / "api" / "registries.md", registries())


def with_links_that_hold(source: Path) -> tuple[str, list[Path]]:
    """Return a page, and the files that it links to; a link to what the site cannot have becomes its text.

    Args:
        source: The page in the repository.
    """
    linked = []

    def replaced(match: re.Match[str]) -> str:
        path = (source.parent / match[3]).resolve()
        if path.is_file() and path.is_relative_to(ROOT):
            linked.append(path)
            return match[0]
        return match[2]

    lines, fence = [], ""
    for line in source.read_text(encoding="utf-8").splitlines(keepends=True):
        if found := _FENCE.match(line):
            fence = "" if fence and found[2].startswith(fence) else fence or found[2]
        lines.append(line if fence else _LINK.sub(replaced, line))
    return "".join(lines), linked


def registries() -> str:
    """Return the page of what can be chosen by name, with what the head of its file says."""
    parts = ["# What can be chosen by name\n\nOther packages can add languages, encoders and components: see"]
    parts[0] += " [CONTRIBUTING.md](../CONTRIBUTING.md#from-another-package)."
    for title, registry in REGISTRIES.items():
        rows = [f"| `{name}` | {_first_line(entry.value)} |" for name, entry in registry.entries().items()]
        parts.append("\n".join([f"## {title}\n", "| name | |", "|---|---|", *rows]))
    return "\n\n".join(parts)


def _first_line(value: str) -> str:
    """Return the first sentence of the docstring of an entry's module, which is not imported: it may need an extra."""
    spec = find_spec(value.partition(":")[0])
    if spec is None or spec.origin is None:
        return ""
    docstring = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.partition("\n\n")[0].split()).replace("|", "\\|")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text.rstrip()}\n", encoding="utf-8")


if __name__ == "__main__":
    lay_out(OUT)
