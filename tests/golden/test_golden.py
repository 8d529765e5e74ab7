"""What users and tools rely on is still there: nothing lost, no value changed but those that ``changes.md`` lists.

See ``record.py`` for what is recorded and how to record again, ``golden_compare.py`` for what may differ, and
``golden_scores.py`` for how tightly scores are held on this machine and on others.

One response of every kind in every domain is scored by default; ``-m slow`` scores the rest of the sample set, so that
with both each of its responses is rendered once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import golden_commands
import golden_scores
import pytest
import record
from golden_compare import at, read_changes, stale, unexpected
from golden_dinov2 import save_dinov2

LANGUAGES = {
    "chart": "python",
    "web": "html",
    "svg": "svg",
    "latex": "latex",
    "molecule": "python",
    "extra": "python",
}
"""What renders each domain of the sample set, and what the other responses of ``golden_scores`` need."""

DOMAINS = {row["id"]: row["domain"] for row in golden_scores.index()} | dict.fromkeys(golden_scores.EXTRA, "extra")
GOLDEN = record.read()
CHANGES = read_changes(record.CHANGES)


@pytest.fixture(scope="session")
def like_the_record() -> bool:
    """Whether this machine renders as the one of the record does, to the last bit."""
    return golden_scores.machine() == GOLDEN["machine"]


def unlike(section: str, measured: Any, like_the_record: bool = True) -> str:
    """Return in which way a section is not as it was recorded; empty if it is."""
    found = record.compare(section, at(GOLDEN, section), record.plain(measured), like_the_record)
    return told(unexpected(found, CHANGES), "not as recorded, and not in changes.md") + told(
        stale(found, CHANGES, section), "in changes.md, but not to be seen"
    )


def told(found: list[Any], what: str) -> str:
    shown = "\n".join(f"  {each}" for each in found[:40])
    return f"{len(found)} {what}:\n{shown}\n" if found else ""


@pytest.fixture(scope="session")
def checks() -> dict[str, Any]:
    """What ``vincicoder doctor`` says of this machine."""
    return golden_commands.checks()


@pytest.fixture(scope="session")
def need(checks: dict[str, Any]) -> Callable[[str], None]:
    """A function that skips a test if what renders a domain is missing here."""
    missing = {check["name"]: check["detail"] for check in checks["checks"] if check["state"] != "ok"}

    def look(domain: str) -> None:
        language = LANGUAGES[domain]
        if language in missing:
            pytest.skip(f"{language}: {missing[language]}")

    return look


@pytest.fixture(scope="session")
def quick_rows() -> golden_scores.Rows:
    """The responses that are scored by default."""
    return record.plain(golden_scores.sample_rows("embedded", golden_scores.quick()))


@pytest.fixture(scope="session")
def other_rows() -> golden_scores.Rows:
    """All other responses of the sample set."""
    return record.plain(golden_scores.sample_rows("embedded", golden_scores.rest()))


@pytest.fixture(scope="session")
def dinov2() -> Iterator[Path]:
    """The directory of the tiny DINOv2."""
    for package in ("torch", "transformers", "safetensors"):
        pytest.importorskip(package)
    with tempfile.TemporaryDirectory() as directory:
        yield save_dinov2(Path(directory))


def of_domain(rows: golden_scores.Rows, domain: str) -> golden_scores.Rows:
    chosen = {name: row for name, row in rows.items() if DOMAINS[name] == domain}
    assert chosen
    return chosen


# What needs no trainer


@pytest.mark.parametrize("section", ["names", "scripts", "cli", "scores.exact", "scores.options"])
def test_what_needs_no_extra_is_as_recorded(section: str) -> None:
    found = unlike(section, record.SECTIONS[section]())
    assert not found, found


def test_recipes_are_as_recorded() -> None:
    pytest.importorskip("pyarrow")
    found = unlike("recipes", golden_commands.recipes())
    assert not found, found


def test_the_doctors_checks_are_as_recorded(checks: dict[str, Any]) -> None:
    found = unlike("doctor", golden_commands.doctor(checks))
    assert not found, found


@pytest.mark.parametrize("section", ["trainers.easyr1", "trainers.verl", "trainers.completions"])
def test_reward_files_and_functions_are_as_recorded(section: str) -> None:
    found = unlike(section, record.SECTIONS[section]())
    assert not found, found


# Scores


@pytest.mark.parametrize("domain", LANGUAGES)
def test_a_response_of_every_kind(
    domain: str, need: Callable[[str], None], quick_rows: golden_scores.Rows, like_the_record: bool
) -> None:
    need(domain)
    found = unlike("scores.samples", of_domain(quick_rows, domain), like_the_record)
    assert not found, found


def test_exact_pairs_score_the_same_with_dinov2(dinov2: Path) -> None:
    found = unlike("scores.exact_dinov2", golden_scores.exact_rows(str(dinov2), record.DINOV2_PAIRS))
    assert not found, found


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("domain", [domain for domain in LANGUAGES if domain != "extra"])
def test_the_rest_of_the_sample_set_scores_the_same(
    domain: str, need: Callable[[str], None], other_rows: golden_scores.Rows, like_the_record: bool
) -> None:
    need(domain)
    found = unlike("scores.samples", of_domain(other_rows, domain), like_the_record)
    assert not found, found


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_status_scores_the_same_with_dinov2(
    dinov2: Path, need: Callable[[str], None], like_the_record: bool
) -> None:
    for domain in LANGUAGES:
        need(domain)
    rows = golden_scores.sample_rows(str(dinov2), golden_scores.of_every_status())
    found = unlike("scores.dinov2", rows, like_the_record)
    assert not found, found


# Trainers and the service, where they are installed


def test_the_manager_for_verl_is_as_recorded() -> None:
    pytest.importorskip("verl.experimental.reward_loop", reason="verl >= 0.9 is not installed")
    found = unlike("trainers.verl_manager", record.SECTIONS["trainers.verl_manager"]())
    assert not found, found


def test_the_plugins_for_ms_swift_are_as_recorded() -> None:
    pytest.importorskip("swift.dataset", reason="ms-swift is not installed")
    found = unlike("trainers.swift", record.SECTIONS["trainers.swift"]())
    assert not found, found


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_service_is_as_recorded() -> None:
    pytest.importorskip("fastapi", reason="what serves over HTTP is not installed")
    found = unlike("serve", record.SECTIONS["serve"]())
    assert not found, found
