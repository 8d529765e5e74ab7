import time

import pytest

from vincicoder.errors import ConfigError
from vincicoder.languages import LANGUAGES, get_language, recognise, root_element


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda language: language.name)
def test_every_name_and_alias_finds_its_language_in_any_case(language):
    for name in (language.name, *language.aliases):
        assert get_language(name) is language
        assert get_language(f" {name.upper()} ") is language


def test_no_two_languages_share_a_name():
    names = [name for language in LANGUAGES.values() for name in (language.name, *language.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["cobol", "", "c++", "nan"])
def test_an_unknown_language_is_refused_with_the_known_ones(name):
    with pytest.raises(ConfigError, match=r"not known.*html.*latex.*tikz.*python.*svg"):
        get_language(name)


@pytest.mark.parametrize(
    ("markup", "root"),
    [
        ("<svg/>", "svg"),
        ("\n <SVG width='1'>", "svg"),
        ("<svg:svg xmlns:svg='http://www.w3.org/2000/svg'/>", "svg"),
        ("\ufeff<?xml version='1.0'?>\n<!-- <html> -->\n<!DOCTYPE svg PUBLIC 'a' 'b'>\n<svg>", "svg"),
        ("<!DOCTYPE svg [ <!ENTITY ns 'http://x'> ]>\n<svg>", "svg"),
        ("<!DOCTYPE html><html><svg/></html>", "html"),
        ("<rss><svg/></rss>", "rss"),
        ("<!-- never closed", ""),
        ("text <svg/>", ""),
        ("", ""),
    ],
)
def test_the_root_element_is_the_first_one(markup, root):
    assert root_element(markup) == root


@pytest.mark.parametrize(
    "language",
    [each for each in LANGUAGES.values() if each.bare or each.root or each.limits],
    ids=lambda language: language.name,
)
def test_the_sample_of_a_language_that_says_how_it_looks_is_recognised(language):
    assert recognise(language.sample) is language
    assert language.recognises(language.sample), "set `bare`, or `root` for markup; `limits` alone recognise nothing"


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda language: language.name)
def test_code_that_almost_looks_like_a_language_is_judged_in_linear_time(language):
    lines = f"   {language.sample}  \n" * 300
    start = time.process_time()
    for spoiled in (f"{lines}!", lines.replace("\n", " "), f"{language.sample * 300}\x00", " " * 30_000 + "!"):
        recognise(spoiled)
        language.recognises(spoiled)
    assert time.process_time() - start < 20, "a pattern that can match the same text in many ways takes for ever"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("<?xml version='1.0'?><svg/>", "svg"),
        ("<div>a formula: \\begin{align}x\\end{align}</div>", "html"),
        ("<body><svg/></body>", "html"),
        ("\\draw (0,0) -- (1,1);", "latex"),
        ("from matplotlib import pyplot", "python"),
        ("print(1)", None),
        ("", None),
    ],
)
def test_bare_code_is_recognised_or_left_open(code, name):
    language = recognise(code)
    assert (language and language.name) == name


def test_every_language_says_what_the_doctor_and_the_recipes_need():
    for language in LANGUAGES.values():
        assert language.title
        assert all(suffix.startswith(".") for suffix in language.suffixes)
        assert language.install.pip or language.install.apt
        assert get_language(language.suffixes[0][1:]) is language


def test_a_near_name_is_offered():
    with pytest.raises(ConfigError, match=r"Did you mean 'latex'\?"):
        get_language("latx")
