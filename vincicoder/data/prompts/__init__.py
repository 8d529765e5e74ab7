"""Prompts for pictures that come with none: wordings in text files, one per domain and task.

A file is called ``DOMAIN_TASK.txt`` and has one wording a line; lines that begin with ``#`` are comments. In those of
``refine`` the word ``{code}`` stands for the defective code, which is put into a fence of its own. Every wording names
the language that the answer is to be in. For the domain "others" the language decides whose wordings are taken.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from vincicoder.data.record import DOMAINS, LANGUAGE_OF, TASKS, Record, domain_of, fenced, identify, known_language
from vincicoder.errors import ConfigError

_FOLDER = Path(__file__).parent


def wording_files() -> list[Path]:
    """Return the files of wordings, sorted."""
    return sorted(_FOLDER.glob("*.txt"))


@functools.cache
def wordings(domain: str, task: str) -> tuple[str, ...]:
    """Return the wordings of a domain and a task.

    Args:
        domain: One of ``DOMAINS`` but "others".
        task: "generate" or "refine".

    Raises:
        ConfigError: There are none.
    """
    path = _FOLDER / f"{domain}_{task}.txt"
    if not path.is_file():
        raise ConfigError(
            f"there are no prompts for domain {domain!r} and task {task!r}; "
            f"give one of {', '.join(LANGUAGE_OF)} and one of {', '.join(TASKS)}"
        )
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def word(domain: str, language: str, defective_code: str | None = None, *, key: str = "", seed: int = 0) -> str:
    """Return a prompt.

    Args:
        domain: One of ``DOMAINS``; for "others" the language decides.
        language: The name of the language that is asked for; it must be the domain's.
        defective_code: Code to be mended; None asks for code from scratch.
        key: What tells this row from others, such as its id. Equal key and seed give an equal prompt, whatever the
            order of rows and the number of workers.
        seed: Another seed gives rows other wordings.
    """
    if LANGUAGE_OF.get(domain) != language:
        domain = domain_of(language, "")
    choices = wordings(domain, "generate" if defective_code is None else "refine")
    digest = hashlib.blake2b(f"{seed}\0{key}".encode(), digest_size=8).digest()
    chosen = choices[int.from_bytes(digest, "big") % len(choices)]
    if defective_code is None:
        return chosen
    before, after = chosen.split("{code}")
    return f"{before.strip()}\n\n{fenced(defective_code, language)}\n\n{after.strip()}".strip()


def records_from(
    triples: Iterable[tuple[bytes | str, str, str | None]],
    domain: str,
    *,
    language: str | None = None,
    seed: int = 0,
    source: str = "",
    licence: str = "",
) -> Iterator[Record]:
    """Yield a record for each bare triple of picture, code and defective code.

    Args:
        triples: The picture's bytes or path; the code that draws it; the code to be mended, or None.
        domain: One of ``DOMAINS``.
        language: What the code is written in; None: the domain's language.
        seed: Of the choice of wordings.
        source: Where the rows come from.
        licence: Under which terms.

    Raises:
        ConfigError: The domain is not known, or has no language of its own and none is given.
    """
    if domain not in DOMAINS or (language is None and domain not in LANGUAGE_OF):
        raise ConfigError(
            f"domain {domain!r} has no language of its own; give language, or one of: {', '.join(LANGUAGE_OF)}"
        )
    language = known_language(language or LANGUAGE_OF[domain])
    for target, code, defective in triples:
        name = identify(target, code, defective)
        yield Record(
            id=name,
            domain=domain,
            task="generate" if defective is None else "refine",
            language=language,
            prompt=word(domain, language, defective, key=name, seed=seed),
            code=code,
            target=target,
            defective_code=defective,
            source=source,
            licence=licence,
        )
