"""Prompts: enough wordings, each asking for the right language, chosen by seed alone."""

from __future__ import annotations

import pytest

from vincicoder.alignment import align, requested_language
from vincicoder.data import TASKS, records_from, wordings, write_prompt
from vincicoder.data.domains import DOMAINS, LANGUAGE_OF
from vincicoder.data.prompts import wording_files
from vincicoder.errors import ConfigError
from vincicoder.languages import LANGUAGES

CODE = {
    "python": "import this",
    "html": "<html><body></body></html>",
    "svg": "<svg></svg>",
    "latex": "\\documentclass{article}",
}
EVERY = [(domain, task) for domain in DOMAINS for task in TASKS]
ASKED = [(domain, task) for domain in LANGUAGE_OF for task in TASKS]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("task", TASKS)
def test_every_wording_for_a_language_without_a_domain_asks_for_it(language, task):
    named = [wording.replace("{language}", LANGUAGES.get(language).title) for wording in wordings("others", task)]
    assert all(named.count(wording) == 1 and "{language}" not in wording for wording in named)
    assert {requested_language(wording).name for wording in named} == {language}


@pytest.mark.parametrize(("domain", "task"), EVERY)
def test_every_domain_and_task_has_several_wordings(domain, task):
    found = wordings(domain, task)
    assert len(set(found)) == len(found) >= 5
    assert all(wording.count("{code}") == (task == "refine") for wording in found)
    assert not any("<image>" in wording for wording in found), "trainers place the image"


def test_every_file_of_wordings_is_used():
    assert {path.stem for path in wording_files()} == {f"{domain}_{task}" for domain, task in EVERY}


@pytest.mark.parametrize(("domain", "task"), ASKED)
def test_every_wording_asks_for_its_domains_language(domain, task):
    language = LANGUAGE_OF[domain]
    defective = CODE[language] if task == "refine" else None
    prompts = {write_prompt(domain, language, defective, key=str(key)) for key in range(200)}
    assert len(prompts) == len(wordings(domain, task)), "every wording is chosen sometimes"
    assert {requested_language(prompt).name for prompt in prompts} == {language}
    if defective:
        assert {align(prompt, language).code for prompt in prompts} == {defective}


def test_the_choice_depends_on_row_and_seed_and_not_on_order(png):
    triples = [(png, f"plot({index})", None if index % 2 else f"plt({index})") for index in range(40)]
    rows = list(records_from(triples, "chart", seed=1))
    assert rows == list(reversed(list(records_from(reversed(triples), "chart", seed=1))))
    other = list(records_from(triples, "chart", seed=2))
    assert [row.prompt for row in rows] != [row.prompt for row in other]
    assert len({row.prompt for row in rows if row.task == "generate"}) > 3
    assert [row.task for row in rows] == ["refine", "generate"] * 20


def test_an_unknown_domain_is_named_with_those_there_are():
    with pytest.raises(ConfigError, match=r"'poetry'.*chart"):
        list(records_from([], "poetry"))
    with pytest.raises(ConfigError, match=r"'poetry'.*chart"):
        wordings("poetry", "generate")
