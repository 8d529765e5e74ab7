r"""From a response to its code: is there a code block in the language that was asked for?

The requested language is the ``language`` argument; else the one that the prompt's instruction asks for,
with quoted code, inline code and ``<image>`` placeholders left out; else the first fence tag in the prompt
that names a language; else Python.

===========================================================  ===========================================
Response                                                     Outcome
===========================================================  ===========================================
Closed blocks whose tag names the language or an alias       ``OK``: the last of them
A block tagged ``xml`` or ``html`` with an ``<svg>`` root    an SVG block, when SVG is asked for
Only blocks in other languages or without a tag              ``WRONG_LANGUAGE``
The last block in the language is empty                      ``NO_CODE``
A block in the language that never closes                    the last closed one; else ``TRUNCATED``
No block                                                     ``NO_CODE``
No block, but ``<svg``, ``<!DOCTYPE html>``, ``<html`` or    ``NO_CODE``, and the message says so; with
``\documentclass`` without a fence                           ``require_fence=False`` ``OK``, or
                                                             ``TRUNCATED`` if that code does not end
``<think>`` or ``<thinking>`` section, closed                left out, with every block in it
``</think>`` whose opening tag was part of the prompt        everything before it is left out
``<think>`` that never closes                                nothing after it counts
``<think>`` inside a code block or in mid-line               ordinary text
===========================================================  ===========================================

Fences are read as in CommonMark: three or more backticks or tildes at the start of a line open a block; a
line of nothing but at least as many of them, indented at most three columns deeper, closes it. Shorter runs,
runs with other text on their line and runs indented deeper are code, so backticks in template literals,
strings, docstrings and comments do no harm. What models write beyond CommonMark is read as it is meant:

- A fence may be indented at will; the same indentation is taken from the code. It may follow words on its
  line if it bears the tag of a known language and ends the line.
- Code may follow the tag on the same line.
- A closing fence may stand at the end of the last line of code. It counts at once behind ``</html>``,
  ``</svg>`` or ``\end{document}``; elsewhere only when no proper closing fence comes before the next block
  or the end.
- A fence with a tag inside an open block begins a nested block, so that Markdown quoted in the code does not
  end it. If the outer block never closes, the nested one counts by itself; so does one that is wrapped in a
  block without a tag or tagged ``markdown``.
- ``</answer>`` may follow a closing fence.

Line ends are normalised. Any ``str`` is accepted, and time is linear in its length.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vincicoder.alignment.fences import Page, read
from vincicoder.alignment.prompt import asked_language, requested_language
from vincicoder.languages import DEFAULT, LANGUAGES, Language, get_language
from vincicoder.status import Status

__all__ = ["Alignment", "align", "asked_language", "language_of_response", "last_block", "requested_language"]


@dataclass(frozen=True)
class Alignment:
    """The code of a response in the requested language, or why there is none.

    Attributes:
        language: Name of the requested language.
        status: ``OK`` exactly when ``code`` is set; else ``NO_CODE``, ``WRONG_LANGUAGE`` or ``TRUNCATED``.
        code: The code, line ends normalised, or None.
        message: Why there is no code; empty on success.

    Example:
        >>> found = align("I cannot do that.", "svg")
        >>> found.aligned, found.score, found.status.value
        (False, 0.0, 'no_code')
    """

    language: str
    status: Status
    code: str | None = field(default=None, repr=False)
    message: str = ""

    @property
    def aligned(self) -> bool:
        """Whether the response holds code in the requested language."""
        return self.code is not None

    @property
    def score(self) -> float:
        """The alignment reward: 1.0 when aligned, else 0.0."""
        return float(self.aligned)


def align(
    response: str, language: str | None = None, prompt: str | None = None, require_fence: bool = True
) -> Alignment:
    r"""Find the code of a response, by the rules in this module's documentation.

    Args:
        response: What the model wrote; any text.
        language: Name or alias of the requested language. If None or blank, it is taken from ``prompt``.
        prompt: What the model was asked.
        require_fence: Accept fenced code only, as the paper does. If False, a bare SVG, HTML or LaTeX document counts.

    Returns:
        The code, or why there is none.

    Raises:
        ConfigError: ``language`` is not known.

    Example:
        >>> align("Here it is:\n```svg\n<svg/>\n```", "svg").code
        '<svg/>'
        >>> align("```html\n<p>Hi</p>\n```", prompt="Write SVG.").message
        'asked for a block of SVG code, found only: html'
    """
    asked = get_language(language) if language and language.strip() else asked_language(prompt or "")
    wanted = asked or get_language(DEFAULT)
    page = read(response, thinking=True)

    def outcome(status: Status, message: str) -> Alignment:
        return Alignment(wanted.name, status, None, message)

    block = next((block for block in reversed(page.closed) if page.is_in(block, wanted)), None)
    if block is not None:
        code = page.code(block)
        if code.strip():
            return Alignment(wanted.name, Status.OK, code)
        return outcome(Status.NO_CODE, f"the last {wanted.title} block is empty")
    if any(page.is_in(block, wanted) for block in page.unclosed):
        return outcome(Status.TRUNCATED, f"the {wanted.title} block never closes: the response was cut off")
    if blocks := page.closed + page.unclosed:
        tags = list(dict.fromkeys(block.tag[:20] or "no tag" for block in blocks))
        found = ", ".join(tags[:5]) + (", …" if len(tags) > 5 else "")
        told = "asked for" if asked else "no language asked for, so expected"
        return outcome(Status.WRONG_LANGUAGE, f"{told} a block of {wanted.title} code, found only: {found}")
    if page.unfinished_thinking:
        return outcome(Status.NO_CODE, "the thinking section never closes, so there is no answer")
    return _without_fence(page, wanted, require_fence)


def last_block(text: str) -> tuple[Language, str] | None:
    r"""Return the language and the code of the last closed block whose tag names a language, or None.

    Args:
        text: Any text.

    Example:
        >>> language, code = last_block("It is:\n```svg\n<svg/>\n```")
        >>> language.name, code
        ('svg', '<svg/>')
    """
    page = read(text, thinking=True)
    for block in reversed(page.closed):
        if language := next((each for each in LANGUAGES.values() if page.is_in(block, each)), None):
            return language, page.code(block)
    return None


def language_of_response(response: str) -> Language | None:
    r"""Return the language that a response answers in, or None if it shows none.

    It is for callers that asked for no language. The last closed block whose tag names a language decides; else the
    first language of which a block or a document begins.

    Args:
        response: What the model wrote.

    Example:
        >>> language_of_response("Here it is:\n```tikz\n\\draw (0,0);\n```").name
        'latex'
    """
    if block := last_block(response):
        return block[0]
    for language in LANGUAGES.values():
        begun = align(response, language.name, require_fence=False).status
        if begun in (Status.OK, Status.TRUNCATED):
            return language
    return None


def _without_fence(page: Page, wanted: Language, require_fence: bool) -> Alignment:
    """Judge an answer that has no block at all."""
    text = "\n".join(page.prose)
    begins, ends = wanted.limits or (None, None)
    start = begins.search(text) if begins else None
    if start is None or ends is None:
        return Alignment(wanted.name, Status.NO_CODE, None, "the response has no code block")
    if require_fence:
        message = f"the response has {wanted.title} code but no ```{wanted.name} fence around it"
        return Alignment(wanted.name, Status.NO_CODE, None, message)
    end = max((ending.end() for ending in ends.finditer(text, start.end())), default=None)
    if end is None:
        message = f"the {wanted.title} code never ends: the response was cut off"
        return Alignment(wanted.name, Status.TRUNCATED, None, message)
    return Alignment(wanted.name, Status.OK, text[start.start() : end])
