"""Steps that check code without running it: length, and what a linter or parser says.

Python goes through Ruff, all of a chunk in one call; the other languages through the parsers of
:mod:`data_recipes.linters`, where they have one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from data_recipes.engine.drops import Drops
from data_recipes.linters import LINTERS
from vincicoder.data import BadRow, DataError, Reason, Record
from vincicoder.data.measure import count_tokens
from vincicoder.registry import install_command

RULES = ("E9", "F63", "F7", "F82")
"""Ruff's rules for code that cannot run: syntax errors, misplaced statements, names that are not defined."""

_RUFF = (
    *(sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--ignore-noqa"),
    *("--target-version", "py312", "--output-format", "json"),
)

MAX_TOKENS = 10_240
"""Longest code; what the training of the public release lets a model answer."""

MIN_TOKENS = 8

MAX_CHARACTERS = 1_000_000
"""Longest code that is read at all."""


class Length:
    """A step that leaves out code that is too short or too long.

    Args:
        max_tokens: Most tokens, as ``count_tokens`` estimates them.

    Example:
        >>> drops = Drops()
        >>> kept = Length(max_tokens=4096)(records, drops)
        >>> drops.counts
        Counter({'code too long': 3})
    """

    def __init__(self, max_tokens: int = MAX_TOKENS) -> None:
        self.max_tokens = max_tokens

    def __call__(self, records: Sequence[Record], drops: Drops) -> list[Record]:
        """Return the records of a fitting length."""
        kept = []
        for record in records:
            fault = self._fault(record.code)
            if fault is None:
                kept.append(record)
            else:
                drops.add(record.id, fault)
        return kept

    def _fault(self, code: str) -> BadRow | None:
        if not code.strip():
            return BadRow(Reason.EMPTY_CODE, "code is empty")
        tokens = count_tokens(code) if len(code) <= MAX_CHARACTERS else len(code)
        if tokens > self.max_tokens:
            return BadRow(Reason.LONG_CODE, f"the code has about {tokens:,} tokens; {self.max_tokens:,} is most")
        if tokens < MIN_TOKENS:
            return BadRow(Reason.SHORT_CODE, f"the code has about {tokens} tokens; {MIN_TOKENS} is least")
        return None


class Lint:
    """A step that leaves out code that a linter or parser finds broken.

    Example:
        >>> drops = Drops()
        >>> kept = Lint()(records, drops)
        >>> drops.counts
        Counter({'lint: python F821': 2})
    """

    def __call__(self, records: Sequence[Record], drops: Drops) -> list[Record]:
        """Return the records whose code is sound."""
        python = [record for record in records if record.language == "python"]
        found = iter(lint_python([each.code for each in python]))  # in order, as ids may be there twice
        kept = []
        for record in records:
            fault = next(found) if record.language == "python" else lint(record.code, record.language)
            if record.code.lstrip().startswith("```"):
                fault = "fence", "the code is in a Markdown fence; give it without"
            if fault is None:
                kept.append(record)
            else:
                drops.add(record.id, BadRow(Reason.LINT, fault[1], f"{record.language} {fault[0]}"))
        return kept


def lint(code: str, language: str) -> tuple[str, str] | None:
    """Return the first fault that the language's linter finds as a name and a message, or None, also without one."""
    return LINTERS.get(language)(code) if language in LINTERS else None


def lint_python(codes: Sequence[str]) -> list[tuple[str, str] | None]:
    """Return for each program the first fault that Ruff finds, as the rule's name and a message, or None.

    Raises:
        DataError: Ruff is not installed.
    """
    if not codes:
        return []
    with tempfile.TemporaryDirectory(prefix="vincicoder-lint-") as directory:
        for index, code in enumerate(codes):
            Path(directory, f"{index}.py").write_text(code, encoding="utf-8", errors="replace")
        done = subprocess.run(
            [*_RUFF, "--select", ",".join(RULES), directory], capture_output=True, text=True, check=False
        )
    if done.returncode not in (0, 1):
        why = done.stderr.strip().splitlines()[-1:] or ["no output"]
        raise DataError(f"Ruff cannot check Python code ({why[0]}); run: {install_command('data')}")
    faults: list[tuple[str, str] | None] = [None] * len(codes)
    for fault in sorted(json.loads(done.stdout), key=lambda each: each["location"]["row"]):
        index = int(Path(fault["filename"]).stem)
        if faults[index] is None:
            where = fault["location"]["row"]
            faults[index] = fault["code"] or "invalid-syntax", f"line {where}: {fault['message']}"
    return faults
