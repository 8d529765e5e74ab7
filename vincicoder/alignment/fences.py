"""Reading a text as prose and fenced blocks, by the rules in the documentation of :mod:`vincicoder.alignment`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from vincicoder.languages import LANGUAGES, Language, find_language, root_element


@dataclass
class Block:
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
class Page:
    """A text taken apart."""

    text: str
    prose: list[str] = field(default_factory=list)
    closed: list[Block] = field(default_factory=list)
    unclosed: list[Block] = field(default_factory=list)
    """Blocks that are still open; when the reading is over, those that never close."""
    unfinished_thinking: bool = False

    def is_in(self, block: Block, language: Language) -> bool:
        """Return whether ``block`` is written in ``language``."""
        if block.tag in language.borrowed_tags:
            end = min(block.end, block.start + _ROOT_WINDOW)
            return root_element(self.text[block.start : end]) == language.root
        return language.answers_to(block.tag)

    def code(self, block: Block) -> str:
        """Return the code of a block, without the indentation of its fence."""
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


def _last_line(code: str) -> bool:
    """Return whether a line of code is one that a document of some language ends with."""
    endings = [language.limits[1] for language in LANGUAGES.values() if language.limits]
    return any(not code[found.end() :].strip() for ending in endings for found in ending.finditer(code))


def read(text: str, thinking: bool) -> Page:
    r"""Take a text apart.

    Args:
        text: The text; its line ends are normalised to ``\n``.
        thinking: Whether thinking sections are left out.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    page = Page(text)
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


def _read_code(page: Page, line: str, position: int) -> None:
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
        if _last_line(code[-40:]):
            page.close(block.inline_end)


def _opened_by(line: str, position: int, closed: int, end: int) -> Block | None:
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
    return Block(name, run[0], len(run), len(indent), start, end, closed)


def _opened_behind_words(line: str, position: int, closed: int, end: int) -> Block | None:
    words, fence, tag = line.rpartition("```")
    before = words.rstrip("`")
    tag = tag.strip().lower()
    if not fence or "```" in before or find_language(tag) is None:
        return None
    length = len(words) - len(before) + len(fence)
    return Block(tag, "`", length, 0, position + len(line) + 1, end, closed)
