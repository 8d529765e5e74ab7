"""Pages of the docs that are made from the code say what the code says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import make_site
import pytest
import repository

from vincicoder.reward import RewardRequest, RewardResult
from vincicoder.reward.pairwise import Ranking
from vincicoder.status import Status
from vincicoder.trainers import Member, metrics, sums_of_batch, sums_of_groups
from vincicoder.trainers.ranking import with_rank
from vincicoder.trainers.turns import SABOTAGE, episode_metrics


def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", repository.ROOT / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["options.md", "metrics.md", "profiles.md", "reproduce.md", "results.md"])
def test_a_generated_page_is_what_the_code_says(page: str) -> None:
    found = (repository.ROOT / "docs" / page).read_text("utf-8")
    assert found == generate().pages()[page], "run: python docs/generate.py"


def test_every_page_is_on_the_site_and_so_is_what_it_links_to(tmp_path: Path) -> None:
    """The site itself is built by ``make docs``, which fails on a link that leads nowhere."""
    make_site.lay_out(tmp_path)
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    named = set(
        map(Path, re.findall(r": (\S+\.md)$", (repository.ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE))
    )
    assert named <= written
    pages = {page.relative_to(repository.ROOT) for page in (repository.ROOT / "docs").glob("*.md")}
    assert pages <= named, "a page of docs/ has no place in mkdocs.yml"
    for page in written:
        for target in re.findall(r"\]\((?!https?:)([^)#\s]+)", (tmp_path / page).read_text("utf-8", "replace")):
            if page.suffix == ".md" and page.parts[0] == "docs":
                assert (tmp_path / page.parent / target).is_file(), (page, target)
    assert "| `svg` |" in (tmp_path / "api" / "registries.md").read_text("utf-8")


def test_every_metric_is_explained_and_every_explained_metric_exists() -> None:
    result = RewardResult.failed(RewardRequest("", b""), Status.NO_CODE, "")
    logged = {name.replace("paper", "NAME of a component") for name in metrics.metrics_of(result)}
    logged = {name.replace("svg", "NAME") for name in logged if not re.match(r"language/(?!svg)", name)}
    group = [Member("a", "DOMAIN", 0.0), Member("a", "DOMAIN", 1.0)]
    of_groups = {name for name in sums_of_groups(group, 0.1) if name.startswith(metrics.GROUP)}
    of_groups = {f"{metrics.GROUP}DOMAIN/NAME" if "DOMAIN" in name else name for name in of_groups}
    of_turns = {name for name in episode_metrics([metrics.metrics_of(result)] * 2, 2, 0.1) if name.startswith("turn/")}
    logged |= {name.replace("2", "NUMBER") for name in {*of_turns, SABOTAGE}}
    batch = sums_of_batch([Member("a", "NAME", 0.0)], [metrics.metrics_of(result)])
    logged |= {name for name in batch if not name.startswith(metrics.COUNT)}
    logged |= with_rank({"overall": 0.0}, 0.0, Ranking(())).keys()
    assert logged | of_groups == {name for name in metrics.EXPLAINED if not name.startswith(metrics.BENCHMARK)}


def test_every_test_that_a_page_names_exists() -> None:
    named = {name for page in repository.files(".md") for name in re.findall(r"`(test_\w+)`", page.read_text("utf-8"))}
    defined = {
        name for file in repository.files(".py") for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))
    }
    assert len(named) > 10
    assert named <= defined
