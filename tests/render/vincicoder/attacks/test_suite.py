"""The attacks of ``vincicoder doctor --attack``: a quick part of them here, all of them with ``-m slow``."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from vincicoder.attacks import python_files, python_forgeries, python_processes
from vincicoder.attacks.attack import SURFACES, Layer, Result, Verdict
from vincicoder.attacks.collection import ATTACKS, select
from vincicoder.attacks.runner import Options, run
from vincicoder.errors import ConfigError

pytestmark = pytest.mark.long

# Of the surfaces that take long.
QUICK = """latex/sample-latex latex/read-input latex/read-verbatim latex/shell target/eps target/pixels"""
SLOW_SVG = ("uses", "patterns", "deep")


def failed(results: list[Result]) -> list[Result]:
    return [result for result in results if result.failed]


def test_names_are_unique_and_surfaces_are_known() -> None:
    titles = [attack.title for attack in ATTACKS]
    assert len(set(titles)) == len(titles)
    assert {attack.surface for attack in ATTACKS} == set(SURFACES)
    assert len(titles) > 400


def test_each_attack_says_what_it_tries_and_what_should_stop_it() -> None:
    for attack in ATTACKS:
        assert attack.tries, attack
        assert attack.tries == attack.tries.strip(" .")
        assert attack.is_check or attack.layers[0] in Layer


def test_attacks_are_chosen_by_surface_and_by_name() -> None:
    assert [attack.title for attack in select("svg/laughs, svg/uses")] == ["svg/laughs", "svg/uses"]
    assert {attack.surface for attack in select("node,target")} == {"node", "target"}
    with pytest.raises(ConfigError, match="--only names 'svg/nothing'"):
        select("svg/nothing")


def assert_stopped(results: list[Result]) -> None:
    assert failed(results) == []
    assert [each for each in results if each.observed and each.layer not in each.attack.layers] == []
    assert [each for each in results if each.verdict is Verdict.NOT_RUN and each.attack.surface == "html"] == []


def test_code_in_python_reaches_nothing_and_forges_nothing() -> None:
    attacks = [*python_files.ATTACKS, *python_processes.ATTACKS, *python_forgeries.ATTACKS]
    results = run(attacks[::2])
    assert_stopped(results)
    assert sum(result.observed for result in results) > 100


def test_svg_reaches_nothing() -> None:
    assert_stopped(run([each for each in ATTACKS if each.surface == "svg" and each.name not in SLOW_SVG]))


def test_pages_reach_nothing_and_leave_nothing() -> None:
    endless = ("endless", "huge", "wide")
    pages = [each for each in ATTACKS if each.surface == "html" and not each.name.startswith(endless)]
    assert_stopped(run(pages[::2]))


def test_native_code_in_the_browser_reaches_no_socket() -> None:
    assert_stopped(run([each for each in ATTACKS if each.surface == "browser"]))


def test_a_few_attacks_of_each_other_kind_are_stopped() -> None:
    assert_stopped(run(select(",".join(QUICK.split()))))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("namespaces", [True, False])
def test_no_attack_escapes(namespaces: bool) -> None:
    results = run(ATTACKS, Options(namespaces=namespaces))
    assert_stopped(results)
    uncovered = {each.attack.title for each in results if each.verdict is Verdict.UNCOVERED}
    known = {each.title for each in ATTACKS if each.needs is Layer.PROCESSES}
    if not namespaces:
        known |= {each.title for each in ATTACKS if each.needs is Layer.NETWORK}
    assert uncovered <= known


def doctor(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vincicoder", "doctor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_doctor_shows_what_stopped_each_attack() -> None:
    done = doctor("--attack", "--only", "svg/laughs,svg/image", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"]) == (0, True)
    first = found["attacks"][0]
    assert (first["attack"], first["verdict"], first["layer"]) == ("svg/image", "stopped", "renderer")


def test_what_is_not_installed_is_not_run() -> None:
    done = doctor("--attack", "--only", "html/tall", "--browser", "/nowhere/chromium")
    assert done.returncode == 0
    assert "not run     html/tall" in done.stdout
    assert "/nowhere/chromium" in done.stdout


def test_flags_of_attacks_need_the_attack() -> None:
    done = doctor("--only", "svg")
    assert done.returncode == 2
    assert "need --attack" in done.stderr
