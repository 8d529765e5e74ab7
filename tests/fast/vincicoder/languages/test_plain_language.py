"""A language that says little of itself, or says it with flags of its own, is neither guessed at nor in others' way."""

from __future__ import annotations

from pathlib import Path

import pytest
from plugin import run_with, write_plugin

GROUP = "vincicoder.languages"
PLAIN = """
from vincicoder.languages import Language
LANGUAGE = Language("plain", "plugin_renderer:Renderer", "x = 1", aliases=("pl",))
"""
FLAGGED = """
import re
from vincicoder.languages import Language
LIMITS = re.compile(r"^start\\b", re.MULTILINE), re.compile(r"(?x) Stop  # no STOP")
LANGUAGE = Language("flagged", "plugin_renderer:Renderer", "start\\nStop", bare=LIMITS[0], limits=LIMITS)
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    modules = {"plain": PLAIN, "flagged": FLAGGED, "half": "raise RuntimeError('half installed')"}
    write_plugin(tmp_path, "little", {GROUP: {name: f"{name}:LANGUAGE" for name in modules}}, modules)
    return tmp_path


def test_an_answer_that_never_closes_is_cut_off_even_if_python_could_read_it(site: Path) -> None:
    code = """
from vincicoder.data.answers import normalise
from vincicoder.data.errors import BadRow
for language in ("python", "plain"):
    try: print(normalise(f"```{language}\\nx = 1", language)[1])
    except BadRow as fault: print(fault.reason.name)
"""
    assert run_with(code, site).splitlines() == ["x = 1", "TRUNCATED"]


@pytest.mark.parametrize(("last", "code"), [("Stop", "start\\nStop"), ("STOP", "start\\nSTOP```\\nprose")])
def test_a_pattern_that_ends_a_document_keeps_its_flags(site: Path, last: str, code: str) -> None:
    answer = f"```flagged\nstart\n{last}```\nprose\n```\n"
    assert run_with(f"from vincicoder import align; print(repr(align({answer!r}, 'flagged').code))", site) == (
        f"'{code}'\n"
    )


def test_an_unknown_name_gets_those_that_can_be_loaded_and_the_others_apart(site: Path) -> None:
    code = """
from vincicoder.errors import ConfigError
from vincicoder.languages import get_language
try: get_language("cobol")
except ConfigError as error: print(error)
"""
    offered, _, faulty = run_with(code, site).partition("Not loaded")
    assert "plain (or pl)" in offered
    assert "half" not in offered
    assert faulty.endswith(": half\n")
