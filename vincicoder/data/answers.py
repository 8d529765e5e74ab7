r"""Answers of data sets, brought into the one form that the reward reads: a closed fence with its language's tag.

===============================================================  =====================================================
Answer                                                           becomes
===============================================================  =====================================================
A block in the language, under an alias (``py``, ``tikz``,       the same under the language's own name: one spelling
``xml`` or ``html`` around SVG)                                  to learn instead of several
A single block without a tag, or under one that names no         the same, tagged, if its code looks like the language
language or a markup language
Code without a fence, perhaps with words before and behind       the code in a fence, the words as they are
A block that never closes, but whose code ends                   closed
A block that never closes, and whose code does not end           ``Reason.TRUNCATED``
Blocks in other languages only                                   ``Reason.WRONG_LANGUAGE``
An empty block                                                   ``Reason.EMPTY_CODE``
Anything else                                                    ``Reason.NO_CODE``
===============================================================  =====================================================

Line ends become ``\n`` and blank space around the answer goes; inside the code nothing changes. Markup looks like HTML
when it begins with a tag, whichever: many pages begin with ``<body>``, ``<div>`` or ``<style>``. What
:func:`normalise` returns, :func:`vincicoder.alignment.align` accepts.
"""

from __future__ import annotations

import ast
import re
import warnings

from vincicoder.alignment import align
from vincicoder.data.errors import BadRow, Reason
from vincicoder.languages import find_language, get_language
from vincicoder.status import Status

_OPENING = re.compile(r"^([ \t]*)(`{3,}|~{3,})[ \t]*([\w+#-]*)[ \t]*$", re.MULTILINE)
_REASONS = {
    Status.NO_CODE: Reason.NO_CODE,
    Status.WRONG_LANGUAGE: Reason.WRONG_LANGUAGE,
    Status.TRUNCATED: Reason.TRUNCATED,
}
_RETAGGED = ("xml", "html", "svg", "markup")
"""Tags of markup, which data sets mix up; other languages' tags are believed."""


def normalise(answer: str, language: str) -> tuple[str, str]:
    r"""Bring an answer into the form that the reward reads.

    Args:
        answer: What a data set says the model should answer, line ends normalised.
        language: The name of the language that the code is in.

    Returns:
        The answer, and the code in it.

    Raises:
        BadRow: There is no complete code in the language.

    Example:
        >>> normalise("```xml\n<svg></svg>\n```", "svg")
        ('```svg\n<svg></svg>\n```', '<svg></svg>')
    """
    answer = answer.strip()
    if (code := _plain_code(answer, language)) is not None:
        return answer, code
    found = align(answer, language)
    if found.code is None:
        answer = _mended(answer, language, found.status)
        found = align(answer, language)
    if found.code is None:
        empty = "is empty" in found.message
        raise BadRow(Reason.EMPTY_CODE if empty else _REASONS[found.status], found.message)
    return _tagged(answer, found.code, language), found.code


def fenced(code: str, language: str) -> str:
    """Return code in a fence with its language's tag, long enough for any fence inside the code."""
    inner = re.findall(r"^[ \t]*(`{3,})", code, re.MULTILINE) if "```" in code else []
    fence = "`" * max([3, *(len(run) + 1 for run in inner)])
    return f"{fence}{language}\n{code.strip(chr(10))}\n{fence}"


def _plain_code(answer: str, language: str) -> str | None:
    """Return the code of an answer that is nothing but one proper block, as most are, without reading it by lines."""
    head = f"```{language}\n"
    if not (answer.startswith(head) and answer.endswith("\n```")) or answer.count("```") != 2 or "~~~" in answer:
        return None
    code = answer[len(head) : -4].strip("\n")
    return code if code.strip() else None


def tag_of(answer: str) -> str | None:
    """Return the name of the language that the last tagged fence of an answer names, if it names one."""
    for fence in reversed(list(_OPENING.finditer(answer))):
        if fence[3] and (language := find_language(fence[3].lower())):
            return language.name
    return None


def looks_like(code: str, language: str) -> bool:
    """Return whether code without a fence looks as if it were in the language; Python must parse as well."""
    return get_language(language).recognises(code) and (language != "python" or _is_python(code))


def _mended(answer: str, language: str, status: Status) -> str:
    """Return the answer with the fence that it lacks, or as it is if no rule applies."""
    fences = list(_OPENING.finditer(answer))
    whole = answer.startswith("<") and answer.endswith(">")  # fences in there are a document's own
    if whole or not fences:
        return _with_fence(answer, language)
    first, last = fences[0], fences[-1]
    if status is Status.TRUNCATED:
        closed = f"{answer}\n{last[2]}"
        code = align(closed, language).code
        return closed if code is not None and _ends(code, language) else answer
    tag = first[3].lower()
    believed = tag_of(first[0]) is not None and tag not in _RETAGGED
    code = answer[first.end() : last.start() if last is not first else None]
    if len(fences) <= 2 and not believed and looks_like(code.strip(), language):
        return f"{answer[: first.start()]}{first[1]}{first[2]}{language}{answer[first.end() :]}"
    return answer


def _with_fence(answer: str, language: str) -> str:
    """Put a fence around the code of an answer that has none."""
    if language == "html" and answer.startswith("<") and answer.endswith(">"):
        code: str | None = answer  # whichever element it begins with
    else:
        found = align(answer, language, require_fence=False)
        if found.status is Status.TRUNCATED:
            raise BadRow(Reason.TRUNCATED, found.message)
        code = found.code
    if code is None:
        imports = get_language(language).bare if language == "python" else None
        start = imports.search(answer) if imports else None
        code = answer[start.start() :] if start else answer
    if not looks_like(code, language):
        return answer
    before, _, after = answer.rpartition(code)
    return "\n\n".join(part for part in (before.strip(), fenced(code, language), after.strip()) if part)


def _tagged(answer: str, code: str, language: str) -> str:
    """Return the answer with the language's own name as the tag of its code's fence."""
    start = answer.rfind(code)
    fences = list(_OPENING.finditer(answer, 0, max(start, 0)))
    if not fences or fences[-1][3] == language or answer[fences[-1].end() : start].strip():
        return answer
    fence = fences[-1]
    tagged = f"{answer[: fence.start()]}{fence[1]}{fence[2]}{language}{answer[fence.end() :]}"
    return tagged if align(tagged, language).code == code else answer


def _ends(code: str, language: str) -> bool:
    """Whether code whose block was never closed is complete all the same."""
    if limits := get_language(language).limits:
        return bool(limits[1].search(code.rstrip()[-40:]))
    return language == "python" and _is_python(code)  # of another language nothing says where it ends


def _is_python(code: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
