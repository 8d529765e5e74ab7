"""The registry: two doors, near matches, refused duplicates, broken plugins, and processes that scan nothing."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from plugin import run_with, write_plugin

from data_recipes.defects import DEFECTS
from data_recipes.sources import SOURCES
from vincicoder import registry
from vincicoder.cli.data import RECIPES
from vincicoder.data.layouts import LAYOUTS
from vincicoder.errors import ConfigError
from vincicoder.languages import LANGUAGES, Language
from vincicoder.registry import Registry, install_command, load
from vincicoder.similarity.encoders import ENCODERS

GROUP = "vincicoder.languages"
LANGUAGE = """
from vincicoder.languages import Language
LANGUAGE = Language({name!r}, "plugin_renderer:Renderer", "a sample", aliases=({alias!r},))
print("imported", {name!r})
"""
OURS = [*Registry("language", "vincicoder.languages", "LANGUAGE")]
"""Without those of packages that happen to be installed."""
NAMES = "from vincicoder.languages import LANGUAGES, get_language; "


def language(name: str, alias: str = "unused") -> str:
    return LANGUAGE.format(name=name, alias=alias)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    write_plugin(
        tmp_path, "a-klingon-package", {GROUP: {"klingon": "klingon:LANGUAGE"}}, {"klingon": language("klingon", "tlh")}
    )
    return tmp_path


@pytest.mark.parametrize(
    "registry", [LANGUAGES, ENCODERS, LAYOUTS, RECIPES, SOURCES, DEFECTS], ids=lambda registry: registry.kind
)
def test_everything_that_is_registered_can_be_loaded(registry: Registry[object]) -> None:
    assert len(registry) > 0
    assert registry.faults() == {}
    assert len(registry.values()) == len(registry)


def test_our_own_files_are_entries_under_their_names() -> None:
    assert {"html", "latex", "python", "svg"} <= set(OURS)
    assert list(LANGUAGES)[: len(OURS)] == sorted(OURS)
    entry = LANGUAGES.entries()["svg"]
    assert (entry.value, entry.origin, entry.directory) == ("vincicoder.languages.svg:LANGUAGE", "vincicoder", "")
    assert isinstance(LANGUAGES.get("svg"), Language)


def test_an_unknown_name_gets_the_nearest_and_all_there_are() -> None:
    with pytest.raises(
        ConfigError, match=r"there is no language 'pyton'; there are: .*html, .*\. Did you mean 'python'\?"
    ):
        LANGUAGES.get("pyton")


def test_an_unknown_name_gets_the_package_that_brings_it() -> None:
    registry: Registry[object] = Registry(
        "language", "vincicoder.languages", "LANGUAGE", brought_by={"dot": "vincicoder-dot"}
    )
    with pytest.raises(ConfigError, match=r"'dot' comes with: pip install vincicoder-dot"):
        registry.get("dot")
    assert "dot" not in registry


def test_load_takes_what_a_name_stands_for() -> None:
    assert load("vincicoder.registry:load") is load


def test_another_package_brings_a_name_by_its_entry_point(site: Path) -> None:
    code = NAMES + "print(get_language('TLH').name, LANGUAGES.entries()['klingon'].origin, list(LANGUAGES)[-1])"
    assert run_with(code, site).splitlines() == ["imported klingon", "klingon a-klingon-package klingon"]


def test_nothing_is_imported_before_it_is_asked_for(site: Path) -> None:
    assert run_with(NAMES + "print(sorted(LANGUAGES), 'klingon' in LANGUAGES, LANGUAGES.get('svg').name)", site) == (
        f"{sorted([*OURS, 'klingon'])} True svg\n"
    )


def test_the_core_is_imported_without_a_scan(site: Path) -> None:
    code = """
import importlib.metadata
def scan(*_, **__): raise SystemExit("scanned")
importlib.metadata.entry_points = scan
import vincicoder, vincicoder.languages, vincicoder.alignment, vincicoder.guards, vincicoder.similarity
print("fine")
"""
    assert run_with(code, site) == "fine\n"


@pytest.mark.parametrize(
    ("module", "value", "words"),
    [
        ("raise RuntimeError('half installed')", "broken:LANGUAGE", "RuntimeError: half installed"),
        ("import no_such_module", "broken:LANGUAGE", "ModuleNotFoundError"),
        ("import sys; sys.exit('no licence')", "broken:no_such_name", "no licence"),
        ("", "broken:no_such_name", "AttributeError"),
        ("", "no_such_module:LANGUAGE", "ModuleNotFoundError"),
        ("LANGUAGE = 'klingon'", "broken:LANGUAGE", "is str; expected a vincicoder.languages.Language"),
        (language("vulcan"), "broken:LANGUAGE", "calls itself 'vulcan'"),
    ],
)
def test_a_broken_plugin_is_named_with_its_package_and_does_no_harm(
    site: Path, module: str, value: str, words: str
) -> None:
    write_plugin(site, "a-broken-package", {GROUP: {"broken": value}}, {"broken": module})
    code = NAMES + (
        "from vincicoder.errors import ConfigError\n"
        "from vincicoder import align\n"
        "assert get_language('tlh').name == 'klingon' and align('```svg\\n<svg/>\\n```', 'svg').aligned\n"
        "assert list(LANGUAGES.faults()) == ['broken'], LANGUAGES.faults()\n"
        "try: get_language('broken')\n"
        "except ConfigError as error: print(error)"
    )
    said = run_with(code, site)
    assert "the language 'broken' of a-broken-package" in said
    assert words in said


def test_a_name_that_two_packages_bring_is_refused_and_only_that_name(site: Path) -> None:
    write_plugin(site, "another-package", {GROUP: {"klingon": "other:LANGUAGE"}}, {"other": language("klingon")})
    code = NAMES + (
        "from vincicoder.errors import ConfigError\n"
        "assert get_language('svg').name == 'svg'\n"
        "try: get_language('klingon')\n"
        "except ConfigError as error: print(error)"
    )
    assert run_with(code, site).endswith(
        "the language 'klingon' is brought by a-klingon-package and by another-package; uninstall one of them\n"
    )


def test_another_package_cannot_take_the_place_of_ours(site: Path) -> None:
    write_plugin(site, "hijacker", {GROUP: {"svg": "hijack:LANGUAGE"}}, {"hijack": language("svg", "html")})
    code = NAMES + (
        "assert get_language('html').name == 'html'\ntry: get_language('svg')\nexcept ValueError as error: print(error)"
    )
    assert "brought by vincicoder and by hijacker" in run_with(code, site)


def test_an_alias_goes_to_the_first_that_has_it(site: Path) -> None:
    write_plugin(site, "greedy", {GROUP: {"greedy": "greedy:LANGUAGE"}}, {"greedy": language("greedy", "tikz")})
    assert run_with(NAMES + "print(get_language('tikz').name)", site).splitlines()[-1] == "latex"


def test_a_process_that_adopts_scans_nothing_and_needs_no_path(site: Path, tmp_path: Path) -> None:
    exported = json.loads(
        run_with("import json; from vincicoder.registry import exported; print(json.dumps(exported()))", site)
    )
    assert exported[GROUP] == [
        {"name": "klingon", "value": "klingon:LANGUAGE", "origin": "a-klingon-package", "directory": str(site)}
    ]
    code = f"""
import importlib.metadata, vincicoder.registry
def scan(*_, **__): raise SystemExit("scanned")
importlib.metadata.entry_points = vincicoder.registry.entry_points = scan
vincicoder.registry.adopt({exported!r})
{NAMES}
print(get_language("tlh").name, sorted(LANGUAGES))
assert vincicoder.registry.exported() == {exported!r}
"""
    assert run_with(code).splitlines() == ["imported klingon", f"klingon {sorted([*OURS, 'klingon'])}"]


def test_a_process_started_with_our_environment_scans_nothing(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = run_with("from vincicoder.registry import environment; print(environment()['VINCICODER_PLUGINS'])", site)
    monkeypatch.setenv("VINCICODER_PLUGINS", found.strip())
    write_plugin(tmp_path / "later", "too-late", {GROUP: {"late": "late:LANGUAGE"}}, {"late": language("late")})
    code = NAMES + "print(sorted(LANGUAGES), get_language('tlh').name)"
    assert run_with(code, tmp_path / "later").splitlines()[-1] == f"{sorted([*OURS, 'klingon'])} klingon"


def test_a_process_that_had_scanned_forgets_it_when_it_adopts(site: Path) -> None:
    code = NAMES + (
        "from vincicoder.registry import adopt\n"
        "assert 'klingon' in LANGUAGES and get_language('tlh').name == 'klingon'\n"
        "adopt({})\n"
        "print(sorted(LANGUAGES))\n"
        "assert get_language('tex').name == 'latex'\n"
        "try: get_language('tlh')\n"
        "except ValueError as error: print(error)"
    )
    lines = run_with(code, site).splitlines()
    assert lines[1] == str(sorted(OURS))
    assert "'tlh' is not known" in lines[2]


def test_packages_and_hidden_modules_are_no_entries_and_a_package_that_is_not_there_has_none():
    assert set(Registry("recipe", "data_recipes", "RECIPE")) & {"engine", "sources", "defects"} == set()
    assert "_layout" not in Registry("layout", "vincicoder.data.layouts", "LAYOUT")
    assert list(Registry("thing", "no_such_package_here", "THING")) == []


def test_an_extra_is_installed_from_the_clone_or_from_where_the_package_came(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    *command, path = shlex.split(install_command("ray"))
    assert command == ["pip", "install", "-e"]
    assert Path(path.removesuffix("[ray]"), "pyproject.toml").is_file()
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "site-packages" / "vincicoder" / "registry.py"))
    installed = tmp_path / "site-packages" / "vincicoder-9.9.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: vincicoder\nVersion: 9.9\n")
    monkeypatch.syspath_prepend(installed.parent)
    wheel = tmp_path / "my wheels" / "vincicoder-9.9-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.touch()
    (installed / "direct_url.json").write_text(json.dumps({"url": wheel.as_uri()}))
    assert install_command("ray") == f"pip install '{wheel}[ray]'"
    wheel.unlink()
    assert install_command("ray") == "pip install 'vincicoder[ray]'"
