"""What the commands share: exit codes, the shape of their help, types of numbers. Light to import."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from vincicoder.errors import ConfigError

FINE, FAULT, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: fine; something was not judged or is missing; a wrong option or file; Ctrl-C."""


class Parser(argparse.ArgumentParser):
    """An argument parser that says in one line what is wrong, as the commands do.

    Attributes:
        details: Returns what its help says besides, for what takes imports to know; None for nothing.
    """

    details: Callable[[], str] | None = None

    def format_help(self) -> str:
        """Return the help, with the details before the examples."""
        epilog = self.epilog
        if self.details is not None:
            self.epilog = f"{self.details()}\n\n{epilog}"
        try:
            return super().format_help()
        finally:
            self.epilog = epilog

    def error(self, message: str) -> NoReturn:
        """Print the message and exit."""
        self.exit(USAGE, f"vincicoder: error: {message} (`{self.prog} --help` shows the options)\n")


def add_command(commands: Any, name: str, help: str, description: str, examples: str) -> Parser:
    """Add a command's parser; what it yields has ``command``, and ``usage_error`` for the command's own checks.

    Args:
        commands: What ``ArgumentParser.add_subparsers`` returned.
        name: Name of the command.
        help: One line for the list of commands.
        description: What the command does, with its exit codes.
        examples: Command lines, each indented by two spaces.
    """
    command: Parser = commands.add_parser(
        name,
        help=help,
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=name, usage_error=command.error)
    return command


def positive(text: str) -> float:
    """Read a number above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def positive_int(text: str) -> int:
    """Read a whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def column_names(text: str) -> dict[str, str]:
    """Read which columns stand for ours: ``ours=theirs`` with commas between, or JSON as ms-swift has it.

    Example:
        >>> column_names("target=images,response=output") == column_names('{"images": "target", "output": "response"}')
        True
    """
    if text.lstrip().startswith("{"):
        try:
            pairs = {ours: theirs for theirs, ours in json.loads(text).items()}
        except (ValueError, TypeError):
            pairs = {}
    else:
        pairs = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
        pairs = {ours.strip(): theirs.strip() for ours, theirs in pairs.items()}
        pairs = pairs if len(pairs) == len(text.split(",")) else {}
    if not pairs or not all(isinstance(each, str) and each for pair in pairs.items() for each in pair):
        raise argparse.ArgumentTypeError(f"{text!r} is not OURS=THEIRS with commas between, as in target=images")
    return pairs


def read_text(path: str) -> str:
    """Read a text file, or standard input for ``-``; bytes that are not UTF-8 are replaced.

    Raises:
        ConfigError: The file cannot be read.
    """
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{path!r} cannot be read: {error.strerror}") from error
    return data.decode("utf-8-sig", "replace")
