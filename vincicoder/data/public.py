r"""The rows of the public VinciCoder sets, as records.

Supervised fine-tuning: ``user_content``, ``assistant_content``, ``image``. Reinforcement learning: ``problem``,
``answer``, ``images``.

- The image's bytes are passed on as they are, whatever their size; a fresh render of the code need not have it.
- Line ends become ``\n``. ``<image>`` is taken out of the prompt's own words; trainers put it back where they want it.
- The language is the domain's where the file's name tells the domain; else the answer's own tag, else the prompt's.
  An answer under another language's tag than its domain's is read in its own.
- The answer is brought into the form of :mod:`vincicoder.data.answers`.
- In a refinement the defective code is the prompt's last block, else the document or program in its text; where none
  can be found the row stays, since its text is what is trained on.
- ``rick.jpg``, which web pages name for every image, stays: renderers show a placeholder for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vincicoder.alignment import align, requested_language
from vincicoder.data.answers import fenced, normalise, tag_of
from vincicoder.data.cells import answer_fields, optional_text, read_image, require_text
from vincicoder.data.domains import LANGUAGE_OF, Task, domain_of, known_language, language_of
from vincicoder.data.errors import BadRow, Reason
from vincicoder.data.record import Record, identify

SFT_COLUMNS = ("user_content", "assistant_content", "image")
RL_COLUMNS = ("problem", "answer", "images")
SFT_SOURCE = "DocTron-Hub/VinciCoder-1.6M-SFT"
RL_SOURCE = "DocTron-Hub/VinciCoder-42k-RL"


def from_sft(
    row: Mapping[str, Any], domain: str = "others", task: Task = "generate", directory: Path | None = None
) -> Record:
    """Turn a row of the fine-tuning set into a record.

    Args:
        row: ``user_content``, ``assistant_content`` and ``image``.
        domain: What the file's name says; "others" if it says nothing.
        task: What the file's name says.
        directory: Put before relative paths of images, if given.

    Raises:
        BadRow: The row cannot be used.

    Example:
        >>> row = {"user_content": "<image>Draw it.", "assistant_content": "<svg></svg>", "image": "icon.png"}
        >>> from_sft(row, "svg").code
        '<svg></svg>'
    """
    asked = require_text(row, "user_content", Reason.EMPTY_PROMPT)
    answered = require_text(row, "assistant_content", Reason.EMPTY_CODE)
    target = read_image(row.get("image"), directory)
    prompt = without_placeholder(asked)
    if not prompt:
        raise BadRow(Reason.EMPTY_PROMPT, "user_content is only the image")
    language = LANGUAGE_OF.get(domain) or tag_of(answered) or _language_without_tag(prompt, answered)
    try:
        answer, code = normalise(answered, language)
    except BadRow as fault:
        tag = tag_of(answered)
        if fault.reason is not Reason.WRONG_LANGUAGE or tag is None:
            raise
        language = tag
        answer, code = normalise(answered, language)
    defective = defective_code(prompt, language) if task == "refine" else None
    return Record(
        id=identify(target, code, defective),
        domain=domain,
        task=task,
        language=language,
        prompt=prompt,
        code=code,
        target=target,
        defective_code=defective,
        answer=None if answer == fenced(code, language) else answer,
        source=SFT_SOURCE,
    )


def from_rl(row: Mapping[str, Any], directory: Path | None = None) -> Record:
    """Turn a row of the reinforcement learning set into a record.

    The answer may be code, in a fence or not, or a mapping or JSON text of one with ``language``, ``code`` and
    ``target``. Rows without reference code are kept, with ``code`` "": the reward compares images.

    Args:
        row: ``problem``, ``answer`` and ``images``.
        directory: Put before relative paths of images, if given.

    Raises:
        BadRow: The row cannot be used.

    Example:
        >>> from_rl({"problem": "<image>Write SVG.", "answer": "<svg></svg>", "images": ["icon.png"]}).prompt
        'Write SVG.'
    """
    asked = require_text(row, "problem", Reason.EMPTY_PROMPT)
    answer = row.get("answer")
    fields = answer_fields(answer if isinstance(answer, Mapping) else optional_text(row, "answer"))
    code = optional_text(fields, "code") or ""
    named = optional_text(fields, "language") or optional_text(row, "language")
    language = known_language(named) if named else requested_language(asked).name
    images = row.get("images")
    target = read_image(fields.get("target") if images is None else images, directory)
    code = align(code, language).code or code.strip()
    return Record(
        id=identify(target, code),
        domain=domain_of(language, code),
        task="generate",
        language=language,
        prompt=without_placeholder(asked),
        code=code,
        target=target,
        source=RL_SOURCE,
    )


def without_placeholder(prompt: str) -> str:
    """Return a prompt without the ``<image>`` that stands for its image; in quoted code the word stays."""
    words, fence, rest = prompt.partition("```")
    words = re.sub(r"<image>[ \t]*\n?", "", words)
    return re.sub(r"\s*<image>\s*\Z", "", words + fence + rest).strip()


def defective_code(prompt: str, language: str) -> str | None:
    """Return the code that a prompt asks to fix, or None if none can be found."""
    found = align(prompt, language, require_fence=False).code
    if found is not None:
        return found.strip() or None
    start = re.search(r"^(?:import\s+\w|from\s+[\w.]+\s+import\b)", prompt, re.MULTILINE)
    return prompt[start.start() :].strip() if start and language == "python" else None


def _language_without_tag(prompt: str, answer: str) -> str:
    told = language_of(answer.strip())
    return requested_language(prompt).name if told == "python" else told
