"""Prompts for images that come with none: wordings in text files, one per domain and task.

A file is called ``DOMAIN_TASK.txt`` and has one wording a line; lines that begin with ``#`` are comments. In those of
``refine`` the word ``{code}`` stands for the defective code, which is put into a fence of its own. Every wording names
the language that the answer is to be in. For the domain "others" the language decides whose wordings are taken; those
of "others" itself are for languages that render no other domain, and ``{language}`` in them stands for the language.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from vincicoder.data.answers import fenced
from vincicoder.data.domains import DOMAINS, LANGUAGE_OF, TASKS, domain_of
from vincicoder.errors import ConfigError
from vincicoder.languages import get_language

_DIRECTORY = Path(__file__).parent


def wording_files() -> list[Path]:
    """Return the files of wordings, sorted."""
    return sorted(_DIRECTORY.glob("*.txt"))


@functools.cache
def wordings(domain: str, task: str) -> tuple[str, ...]:
    """Return the wordings of a domain and a task.

    Args:
        domain: One of ``DOMAINS``.
        task: "generate" or "refine".

    Raises:
        ConfigError: There are none.

    Example:
        >>> wordings("chart", "generate")[0]
        'Write Python code that draws this chart with matplotlib.'
    """
    path = _DIRECTORY / f"{domain}_{task}.txt"
    if not path.is_file():
        raise ConfigError(
            f"there are no prompts for domain {domain!r} and task {task!r}; "
            f"give one of {', '.join(DOMAINS)} and one of {', '.join(TASKS)}"
        )
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def write_prompt(domain: str, language: str, defective_code: str | None = None, *, key: str = "", seed: int = 0) -> str:
    """Return a prompt that asks for code, in one of the wordings of its domain and task.

    Args:
        domain: One of ``DOMAINS``; for "others" the language decides.
        language: The name of the language that is asked for; it must be the domain's.
        defective_code: Code to fix; None asks for code from scratch.
        key: What tells this row from others, such as its id. Equal key and seed give an equal prompt, whatever the
            order of rows and the number of workers.
        seed: Another seed gives rows other wordings.

    Raises:
        ConfigError: The language is not known.

    Example:
        >>> write_prompt("svg", "svg", key="row-1")
        'Convert the picture into SVG. Use shapes, paths and text, not an embedded bitmap.'
    """
    if LANGUAGE_OF.get(domain) != language:
        domain = domain_of(language, "")
    choices = wordings(domain, "generate" if defective_code is None else "refine")
    digest = hashlib.blake2b(f"{seed}\0{key}".encode(), digest_size=8).digest()
    chosen = choices[int.from_bytes(digest, "big") % len(choices)]
    if domain == "others":
        chosen = chosen.replace("{language}", get_language(language).title)
    if defective_code is None:
        return chosen
    before, after = chosen.split("{code}")
    return f"{before.strip()}\n\n{fenced(defective_code, language)}\n\n{after.strip()}".strip()
