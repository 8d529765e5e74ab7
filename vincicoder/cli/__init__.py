"""The command line, ``vincicoder COMMAND``: `COMMANDS` has every command.

Each is a file with ``add_parser``, which is light, and ``run``, which imports what the command needs. So
``--help`` is instant.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from vincicoder._version import __version__
from vincicoder.cli import (
    card,
    check,
    compare,
    data,
    doctor,
    eval,
    fidelity,
    install,
    path,
    plan,
    quickstart,
    refine,
    render,
    score,
    serve,
    watch,
)
from vincicoder.cli.parser import FAULT, INTERRUPTED, USAGE, Parser
from vincicoder.errors import ConfigError, VinciCoderError
from vincicoder.reporting.printable import printable

COMMANDS = {
    "quickstart": quickstart,
    "score": score,
    "compare": compare,
    "render": render,
    "doctor": doctor,
    "install": install,
    "path": path,
    "check": check,
    "serve": serve,
    "data": data,
    "eval": eval,
    "fidelity": fidelity,
    "refine": refine,
    "plan": plan,
    "watch": watch,
    "card": card,
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    whole = Parser(
        prog="vincicoder",
        description="Turn responses of image-to-code models into rewards: align, render, compare.",
        epilog="`vincicoder COMMAND --help` shows a command's options with examples.",
    )
    whole.add_argument("--version", action="version", version=f"vincicoder {__version__}")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS.values():
        command.add_parser(commands)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Args:
        arguments: What follows the program's name; None for what it was really called with.

    Example:
        >>> main(["data", "no-such-recipe"])
        2
    """
    options = build_parser().parse_args(arguments)
    try:
        code: int = COMMANDS[options.command].run(options)
        sys.stdout.flush()
        return code
    except VinciCoderError as error:
        print(printable(f"vincicoder: error: {error}"), file=sys.stderr)
        return USAGE if isinstance(error, ConfigError) else FAULT
    except KeyboardInterrupt:
        print("vincicoder: stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has had enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAULT
