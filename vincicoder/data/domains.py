"""Domains and tasks: what images show, what a model is asked to do with them, and how file names say so."""

from __future__ import annotations

import re
from typing import Literal

from vincicoder.data.errors import BadRow, Reason
from vincicoder.errors import ConfigError
from vincicoder.languages import DEFAULT, LANGUAGES, get_language, recognise

DOMAINS = ("chart", "web", "svg", "latex", "chemistry", "others")
"""What images show. ``others`` is what none of the first five holds."""

TASKS = ("generate", "refine")

Task = Literal["generate", "refine"]

LANGUAGE_OF = {domain: each.name for each in reversed(LANGUAGES.values()) for domain in each.domains}
"""The language that renders a domain's images, the first that names it; ``others`` has none of its own."""

FILE_KEYWORDS = {
    "svg": ("svg",),
    "latex": ("latex", "tikz"),
    "chemistry": ("chem", "smiles", "molecule"),
    "web": ("web", "html"),
    "chart": ("chart", "plot"),
}
"""Words in file names, such as ``chart2code_refine``, that tell the domain; the first that matches decides."""

_CHEMISTRY = re.compile(r"^\s*(?:import|from)\s+(?:rdkit|indigo)\b", re.MULTILINE)

_FILE_STEMS = {
    "chart": "chart2code",
    "web": "web2html",
    "svg": "img2svg",
    "latex": "img2latex",
    "chemistry": "chem2code",
}


def known_language(name: str) -> str:
    """Return the registered name of the language that ``name``, which may be an alias, means.

    Raises:
        BadRow: No language has this name; the message lists those that exist.
    """
    try:
        return get_language(name).name
    except ConfigError as error:
        raise BadRow(Reason.WRONG_LANGUAGE, str(error)) from error


def language_of(code: str) -> str:
    r"""Return the language that code without a fence is written in, going by what it looks like.

    Example:
        >>> language_of("<svg></svg>"), language_of("\\begin{tikzpicture}"), language_of("import math")
        ('svg', 'latex', 'python')
    """
    language = recognise(code)
    return language.name if language else DEFAULT


def domain_of(language: str, code: str) -> str:
    """Return the domain of code: its language's first, or chemistry if it imports a library for that.

    Example:
        >>> domain_of("python", "from rdkit import Chem"), domain_of("python", "import math"), domain_of("html", "")
        ('chemistry', 'chart', 'web')
    """
    domains = get_language(language).domains
    if "chemistry" in domains and _CHEMISTRY.search(code):
        return "chemistry"
    return domains[0] if domains else "others"


def classify(name: str) -> tuple[str, Task]:
    """Return the domain and task that a file name says; the domain is "others" where it says nothing.

    Example:
        >>> classify("web2html_refine.parquet")
        ('web', 'refine')
    """
    name = name.lower()
    domains = (domain for domain, words in FILE_KEYWORDS.items() if any(word in name for word in words))
    return next(domains, "others"), "refine" if "refine" in name else "generate"


def file_stem(domain: str, task: str) -> str:
    """Return how the name of a file with rows of this domain and task begins, so that :func:`classify` reads it back.

    Example:
        >>> file_stem("web", "refine")
        'web2html_refine'
    """
    stem = _FILE_STEMS.get(domain, "others")
    return f"{stem}_refine" if task == "refine" else stem
