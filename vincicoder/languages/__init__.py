"""The languages that responses are written in. One file here, or one entry point of another package, is one language.

A file ``NAME.py`` holds ``LANGUAGE = Language("NAME", ...)`` and everything that differs between languages: how fences
and prompts name it, how its code is recognised, what renders it, which rule guards it, how to install what it needs.
Nothing else lists languages; to add one, add a file (CONTRIBUTING.md shows one).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vincicoder.errors import ConfigError
from vincicoder.registry import Entry, Registry, load

DEFAULT = "python"
"""The language of a prompt, or of code, that shows no sign of any."""

ANY_ROOT = "*"
"""As ``Language.root``: the language of markup whose root element is no other language's."""


def whole_words(alternatives: str) -> re.Pattern[str]:
    """Match whole words; a word boundary would not do, as Chinese text joins Latin words without spaces.

    Args:
        alternatives: A regular expression.

    Example:
        >>> bool(whole_words("tikz|latex").search("用LaTeX代码"))
        True
    """
    return re.compile(rf"(?<![A-Za-z0-9.])(?:{alternatives})(?![A-Za-z])", re.IGNORECASE)


@dataclass(frozen=True)
class Install:
    """What a renderer needs, as far as package managers bring it.

    Attributes:
        pip: Python packages.
        apt: Debian packages.
        command: What to run instead of apt on systems other than Debian; ``{python}`` stands for the interpreter.
        user: What an ordinary user runs where there is no root, by bash. ``{directory}`` is a directory of the user's
            that is there, ``{browsers}`` where Playwright's browsers are, ``{machine}`` "x86_64" or "arm64".
    """

    pip: tuple[str, ...] = ()
    apt: tuple[str, ...] = ()
    command: str = ""
    user: tuple[str, ...] = ()


@dataclass(frozen=True)
class Language:
    r"""Everything that differs between languages.

    Attributes:
        name: The name that results carry and the fence tag that data sets write: the file's name, or the entry
            point's. A file of this package is a module, so a name with a hyphen needs an entry point.
        renderer: The class that renders its code, or its ``"module:attribute"``. Its module must be importable with
            nothing but the standard library and this package.
        sample: Code whose render shows that the renderer works.
        install: What the renderer needs.
        title: Its name as prose spells it; by default ``name``.
        aliases: Other names, accepted wherever ``name`` is: as an option and as a fence tag.
        suffixes: Suffixes of its files, with the dot.
        named: Matches the language, or a tool that means it, in the instruction of a prompt; by default its name and
            aliases as whole words.
        hinted: Matches what is normally asked for in this language; it counts only if none is named.
        root: Root element of its documents, for markup, or ``ANY_ROOT``.
        borrowed_tags: Fence tags of a wider language, which count when the block's root element is ``root``.
        limits: Match where a document of the language begins and where it ends. They find code without a fence, and
            the end of code that has its closing fence on the same line. Without them ``require_fence=False`` finds no
            code, an unfenced answer of a data set keeps its prose in the code, and one that never closes its fence is
            taken as cut off.
        bare: Matches somewhere in code of this language and hardly in any other's; markup goes by ``root``. Without
            either, code is of this language only where a tag, a suffix or the caller says so.
        comments: Matches a comment.
        guard: The rule that says what is smuggled in its code: called with the code and the number of bytes that are
            allowed, it returns the reason or None. A function or ``"module:attribute"``; by default encoded images in
            ``data:`` URLs.
        uses: Options of the pool that concern its renderer: ``"python"``, the interpreter to run it under, and
            ``"browser"``, which it is given.
        domains: The data's domains that are rendered from this language.

    Example:
        >>> Language("dot", "my_package:DotRenderer", sample="graph {a}", suffixes=(".gv",)).answers_to("gv")
        True
    """

    name: str
    renderer: str | type
    sample: str
    install: Install = Install()
    title: str = ""
    aliases: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    named: re.Pattern[str] | None = None
    hinted: re.Pattern[str] | None = None
    root: str = ""
    borrowed_tags: tuple[str, ...] = ()
    limits: tuple[re.Pattern[str], re.Pattern[str]] | None = None
    bare: re.Pattern[str] | None = None
    comments: re.Pattern[str] | None = None
    guard: str | Callable[[str, int], str | None] | None = None
    uses: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.title:
            object.__setattr__(self, "title", self.name)
        if self.named is None:
            words = "|".join(map(re.escape, (self.name, *self.aliases)))
            object.__setattr__(self, "named", whole_words(words))

    def answers_to(self, name: str) -> bool:
        """Return whether a name is the language's own, an alias, or a suffix without its dot.

        Args:
            name: In lower case.
        """
        return name == self.name or name in self.aliases or f".{name}" in self.suffixes

    @property
    def renderer_path(self) -> str:
        """Where the renderer is, as ``"module:attribute"``."""
        if isinstance(self.renderer, str):
            return self.renderer
        return f"{self.renderer.__module__}:{self.renderer.__qualname__}"

    @property
    def draws_prefixes(self) -> bool:
        """Whether the renderer draws the prefixes of a document too. Asking imports it."""
        return bool(getattr(load(self.renderer_path), "draws_prefixes", False))

    def recognises(self, code: str) -> bool:
        """Return whether code looks as if it were written in this language.

        Args:
            code: The code, without a fence.
        """
        root = root_element(code)
        if not root:
            return self.bare is not None and self.bare.search(code) is not None
        owner = next((each for each in LANGUAGES.values() if each.root == root), None)
        return owner.name == self.name if owner else self.root == ANY_ROOT


def _complaint(name: str, value: object) -> str:
    if not isinstance(value, Language):
        return f"is {type(value).__name__}; expected a vincicoder.languages.Language"
    return "" if value.name == name else f"calls itself {value.name!r}; the two names must be the same"


LANGUAGES: Registry[Language] = Registry("language", __name__, "LANGUAGE", "vincicoder.languages", _complaint)

_index: tuple[Mapping[str, Entry], dict[str, Language]] | None = None


def find_language(name: str) -> Language | None:
    """Return the language that a name, an alias or a suffix means, or None.

    A name goes to the first language that has it, so that another package's alias takes nothing from ours.

    Args:
        name: In lower case; a suffix without its dot.

    Example:
        >>> find_language("tex").name
        'latex'
    """
    return _names().get(name)


def _names() -> dict[str, Language]:
    global _index
    entries = LANGUAGES.entries()
    if _index is None or _index[0] is not entries:
        named: dict[str, Language] = {}
        for language in LANGUAGES.values():
            for each in (language.name, *language.aliases, *(suffix[1:] for suffix in language.suffixes)):
                named.setdefault(each, language)
        _index = entries, named
    return _index[1]


def get_language(name: str) -> Language:
    """Return the language that a name or alias means.

    Args:
        name: In upper or lower case.

    Raises:
        ConfigError: No language has this name, or the one that has it cannot be loaded.

    Example:
        >>> get_language("TikZ").name
        'latex'
    """
    wanted = str(name).strip().lower()
    if language := find_language(wanted):
        return language
    if wanted in LANGUAGES:
        return LANGUAGES.get(wanted)  # which says why it cannot be loaded
    known = ", ".join(
        f"{each.name} (or {', '.join(each.aliases)})" if each.aliases else each.name for each in LANGUAGES.values()
    )
    near = difflib.get_close_matches(wanted, _names(), 1)
    meant = f". Did you mean {near[0]!r}?" if near else ""
    faulty = ", ".join(LANGUAGES.faults())
    hidden = f". Not loaded, because of a fault that `vincicoder doctor` shows: {faulty}" if faulty else ""
    raise ConfigError(f"language {name!r} is not known; give one of: {known}{hidden}{meant}")


def recognise(code: str) -> Language | None:
    """Return the language that code looks like, or None if it could be any.

    Args:
        code: The code, without a fence.

    Example:
        >>> recognise("<svg/>").name
        'svg'
    """
    return next((language for language in LANGUAGES.values() if language.recognises(code)), None)


_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)")


def root_element(markup: str) -> str:
    """Return the name of the first element, in lower case and without a prefix, or "" if the text begins otherwise.

    Args:
        markup: HTML or XML. Declarations, document types and comments before the element are passed over.

    Example:
        >>> root_element('<?xml version="1.0"?><svg:svg/>')
        'svg'
    """
    position = 0
    while True:
        # A document type with declarations of its own ends in "]>", which this passes over too.
        while position < len(markup) and (markup[position].isspace() or markup[position] in "\ufeff]>"):
            position += 1
        for opening, closing in (("<!--", "-->"), ("<?", "?>"), ("<!", ">")):
            if markup.startswith(opening, position):
                end = markup.find(closing, position + len(opening))
                if end < 0:
                    return ""
                position = end + len(closing)
                break
        else:
            element = _ELEMENT.match(markup, position)
            return element[1].lower() if element else ""
