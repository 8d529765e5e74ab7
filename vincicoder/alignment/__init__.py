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

import re
from dataclasses import dataclass, field

from vincicoder.languages import LANGUAGES, Language, get_language, language_asked_for, root_element
from vincicoder.status import Status


@dataclass(frozen=True)
class Alignment:
    """Whether a response answers in the requested language, and the code if it does.

    Attributes:
        language: Name of the requested language.
        status: ``OK`` exactly when ``code`` is set; else ``NO_CODE``, ``WRONG_LANGUAGE`` or ``TRUNCATED``.
        code: The code, line ends normalised, or None.
        message: Why there is no code; empty on success.
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
    """Find the code of a response, by the rules in this module's documentation.

    Args:
        response: What the model wrote.
        language: Name or alias of the requested language; None or blank: taken from ``prompt``.
        prompt: What the model was asked.
        require_fence: Whether code without a fence is no answer, as in the paper.

    Raises:
        ConfigError: ``language`` is not known.
    """
    wanted = get_language(language) if language and language.strip() else requested_language(prompt or "")
    page = _read(_normalise(response), thinking=True)

    def outcome(status: Status, message: str) -> Alignment:
        return Alignment(wanted.name, status, None, message)

    block = next((block for block in reversed(page.closed) if page.is_in(block, wanted)), None)
    if block is not None:
        code = page.code(block)
        if code.strip():
            return Alignment(wanted.name, Status.OK, code)
        return outcome(Status.NO_CODE, f"the last {wanted.name} block is empty")
    if any(page.is_in(block, wanted) for block in page.unclosed):
        return outcome(Status.TRUNCATED, f"the {wanted.name} block never closes: the response was cut off")
    if blocks := page.closed + page.unclosed:
        tags = list(dict.fromkeys(block.tag[:20] or "no tag" for block in blocks))
        found = ", ".join(tags[:5]) + (", …" if len(tags) > 5 else "")
        return outcome(Status.WRONG_LANGUAGE, f"asked for a {wanted.name} block, found only: {found}")
    if page.unfinished_thinking:
        return outcome(Status.NO_CODE, "the thinking section never closes, so there is no answer")
    return _without_fence(page, wanted, require_fence)


def requested_language(prompt: str) -> Language:
    """Return the language that a prompt asks for; Python if it does not say."""
    return asked_language(prompt) or LANGUAGES["python"]


def asked_language(prompt: str) -> Language | None:
    """Return the language that a prompt asks for, or None if it does not say.

    Example:
        >>> asked_language("Write TikZ code for this figure.").name
        'latex'
    """
    prompt = _normalise(prompt)
    instruction = "\n".join(_read(prompt, thinking=False).prose)
    instruction = _INLINE_CODE.sub(" ", instruction)
    if asked := language_asked_for(_MARKUP.sub(" ", instruction)):
        return asked
    tags = (fence[1].lower() for fence in _FENCE_TAG.finditer(prompt))
    return next((known for tag in tags if (known := _known(tag))), None)


def last_block(text: str) -> tuple[Language, str] | None:
    r"""Return the language and the code of the last closed block whose tag names a language, or None.

    Example:
        >>> language, code = last_block("It is:\n```svg\n<svg/>\n```")
        >>> language.name, code
        ('svg', '<svg/>')
    """
    page = _read(_normalise(text), thinking=True)
    for block in reversed(page.closed):
        if language := next((each for each in LANGUAGES.values() if page.is_in(block, each)), None):
            return language, page.code(block)
    return None


_INLINE_CODE = re.compile(r"`[^`\n]*`")
_MARKUP = re.compile(r"<[^<>]*>")
_FENCE_TAG = re.compile(r"(?:```|~~~)[ \t]*(\w[\w+#-]*)")


def _normalise(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _known(tag: str) -> Language | None:
    return next((language for language in LANGUAGES.values() if language.answers_to(tag)), None)


def _without_fence(page: _Page, wanted: Language, require_fence: bool) -> Alignment:
    """Judge an answer that has no block at all."""
    text = "\n".join(page.prose)
    begins, ends = wanted.limits or (None, None)
    start = begins.search(text) if begins else None
    if start is None or ends is None:
        return Alignment(wanted.name, Status.NO_CODE, None, "the response has no code block")
    if require_fence:
        message = f"the response has {wanted.name} code but no ```{wanted.name} fence around it"
        return Alignment(wanted.name, Status.NO_CODE, None, message)
    end = max((ending.end() for ending in ends.finditer(text, start.end())), default=None)
    if end is None:
        message = f"the {wanted.name} code never ends: the response was cut off"
        return Alignment(wanted.name, Status.TRUNCATED, None, message)
    return Alignment(wanted.name, Status.OK, text[start.start() : end])


# Reading a text as prose and blocks.


@dataclass
class _Block:
    """A fenced block, by offsets into the text, so that nesting never copies it."""

    tag: str
    mark: str
    """The character that its fence is made of."""
    length: int
    """How many of them."""
    indent: int
    start: int
    end: int
    children: int
    """How many blocks were closed before it opened; those closed since are nested in it."""
    inline_end: int | None = None
    """End of the last line of code that has a fence behind it."""


@dataclass
class _Page:
    """A text taken apart."""

    text: str
    prose: list[str] = field(default_factory=list)
    closed: list[_Block] = field(default_factory=list)
    unclosed: list[_Block] = field(default_factory=list)
    """Blocks that are still open; when the reading is over, those that never close."""
    unfinished_thinking: bool = False

    def is_in(self, block: _Block, language: Language) -> bool:
        """Whether ``block`` is written in ``language``."""
        if block.tag in language.borrowed_tags:
            end = min(block.end, block.start + _ROOT_WINDOW)
            return root_element(self.text[block.start : end]) == language.root
        return language.answers_to(block.tag)

    def code(self, block: _Block) -> str:
        code = self.text[block.start : block.end]
        if block.indent:
            code = re.sub(rf"^[ \t]{{1,{block.indent}}}", "", code, flags=re.MULTILINE)
        return code.strip("\n")

    def close(self, end: int) -> None:
        """Close the innermost open block at the offset ``end``."""
        block = self.unclosed.pop()
        block.end = end
        if block.tag in _WRAPPERS and len(self.closed) > block.children:
            return
        del self.closed[block.children :]
        self.closed.append(block)


_ROOT_WINDOW = 10_000
"""Characters searched for a root element, so that thousands of open blocks are not each read to the end."""

_WRAPPERS = ("", "markdown", "md")
"""Tags of blocks that only wrap other blocks, if there are any in them."""

_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})(.*)")
_TAG = re.compile(r"[ \t]*\{?\.?(\w[\w+#-]*)?")
_BARE_TAG = re.compile(r"\w[\w+#-]*")
_CODE_BEHIND_TAG = re.compile(r"<|\\|(?:import|from)[ \t]")
_AFTER_CLOSING_FENCE = re.compile(r"(?:</answer>)?", re.IGNORECASE)
_THINK = re.compile(r"[ \t]*<think(?:ing)?>", re.IGNORECASE)
_THOUGHT = re.compile(r"(?<!(?<!`)`)</think(?:ing)?>", re.IGNORECASE)
"""A tag behind a lone backtick is inline code."""


_ENDINGS = "|".join(language.limits[1].pattern for language in LANGUAGES.values() if language.limits)
_LAST_LINE = re.compile(rf"(?:{_ENDINGS})\s*$", re.IGNORECASE)


def _read(text: str, thinking: bool) -> _Page:
    """Take ``text`` apart; ``thinking`` says whether thinking sections are left out."""
    page = _Page(text)
    position = 0
    while position < len(text):
        if thinking and not page.unclosed and (think := _THINK.match(text, position)):
            thought = _THOUGHT.search(text, think.end())
            if thought is None:
                page.unfinished_thinking = True
                break
            position = thought.end()
            continue
        stop = text.find("\n", position)
        stop = len(text) if stop < 0 else stop
        line = text[position:stop]
        if page.unclosed:
            _read_code(page, line, position)
        elif thinking and (thoughts := [thought.end() for thought in _THOUGHT.finditer(line)]):
            page.closed.clear()
            page.prose.clear()
            position += thoughts[-1]
            continue
        elif block := _opened_by(line, position, len(page.closed), len(text)):
            page.unclosed.append(block)
            if block.start < stop:
                position = block.start
                continue
        else:
            page.prose.append(line)
        position = stop + 1
    if page.unclosed and (end := page.unclosed[-1].inline_end) is not None:
        page.close(end)
    return page


def _read_code(page: _Page, line: str, position: int) -> None:
    """Read one line inside the innermost open block: code, its closing fence, or a nested block's fence."""
    block = page.unclosed[-1]
    fence = _FENCE.match(line)
    if fence and fence[2][0] == block.mark and len(fence[2]) >= block.length and len(fence[1]) < block.indent + 4:
        behind = fence[3].strip()
        if _AFTER_CLOSING_FENCE.fullmatch(behind):
            page.close(position)
        elif _BARE_TAG.fullmatch(behind):
            if block.inline_end is not None:
                page.close(block.inline_end)
            if nested := _opened_by(line, position, len(page.closed), len(page.text)):
                page.unclosed.append(nested)
        return
    written = line.rstrip()
    code = written.rstrip(block.mark)
    if len(written) - len(code) >= block.length and code.strip():
        block.inline_end = position + len(code)
        if _LAST_LINE.search(code[-40:]):
            page.close(block.inline_end)


def _opened_by(line: str, position: int, closed: int, end: int) -> _Block | None:
    """Return the block that a line of prose at the offset ``position`` opens, if it does."""
    fence = _FENCE.match(line)
    if fence is None:
        return _opened_behind_words(line, position, closed, end)
    indent, run, info = fence.groups()
    tag = _TAG.match(info)
    behind = info[tag.end() :] if tag else info
    start = position + len(line)
    if _CODE_BEHIND_TAG.match(behind.lstrip()):
        if run in behind and not behind.rstrip().endswith(run):
            return None
        start -= len(behind.lstrip())
    elif run[0] == "`" and "`" in info:
        return None
    else:
        start += 1
    name = tag[1].lower() if tag and tag[1] else ""
    return _Block(name, run[0], len(run), len(indent), start, end, closed)


def _opened_behind_words(line: str, position: int, closed: int, end: int) -> _Block | None:
    words, fence, tag = line.rpartition("```")
    before = words.rstrip("`")
    tag = tag.strip().lower()
    if not fence or "```" in before or not _known(tag):
        return None
    length = len(words) - len(before) + len(fence)
    return _Block(tag, "`", length, 0, position + len(line) + 1, end, closed)
