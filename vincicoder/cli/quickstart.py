"""``vincicoder quickstart``: score a dozen samples that the package brings, and write a report."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from vincicoder.cli import score
from vincicoder.cli.parser import FAULT, Parser, add_command
from vincicoder.errors import ConfigError
from vincicoder.reporting.printable import printable

SAMPLES = Path(__file__).with_name("samples")
"""Requests and their targets; ``examples/samples/build.py`` makes them from the sample set."""


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
        commands,
        "quickstart",
        "score a dozen samples that come with the package, and write an HTML report",
        "Check what this machine renders, score the responses to a dozen samples with the encoder `embedded`, which\n"
        "needs neither a GPU nor weights, and write an HTML report. Samples of a language whose program is missing\n"
        "are left out. Takes about a minute. Exit code 1: nothing can be rendered, or some could not be judged.",
        "  vincicoder quickstart\n  vincicoder quickstart --out /tmp/try",
    )
    command.add_argument(
        "--out", default="vincicoder-quickstart", metavar="DIR", help="where to write (default: vincicoder-quickstart)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    out = Path(options.out)
    print("Checking what this machine renders", file=sys.stderr)
    missing = _missing()
    requests = _copy_samples(out, missing)
    if requests is None:
        print("vincicoder: error: no language can be rendered here; see above for what is missing", file=sys.stderr)
        return FAULT
    words = ["score", str(requests), "--encoder", "embedded"]
    words += ["--output", str(out / "results.jsonl"), "--report", str(out / "report")]
    print(f"\nScoring: {shlex.join(['vincicoder', *words])}", file=sys.stderr)
    code = score.run(_parsed(words))
    print(
        f"\nOpen {(out / 'report' / 'index.html').resolve().as_uri()} in a browser.\n"
        "Next: `vincicoder score --help` for responses of your own, `vincicoder path` for the plugins of trainers.",
        file=sys.stderr,
    )
    return code


def _missing() -> set[str]:
    """Return the languages that cannot be rendered here, after saying why and what helps."""
    from vincicoder.cli.examination import State, renderers, table

    checks = renderers(None, None)
    print(printable(table(checks)), file=sys.stderr)
    return {check.name for check in checks if check.state is State.MISSING}


def _copy_samples(out: Path, missing: Collection[str]) -> Path | None:
    """Write the samples that can be rendered, and return the file of requests; None if there are none.

    Raises:
        ConfigError: The directory cannot be written.
    """
    lines = (SAMPLES / "requests.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["language"] not in missing]
    if not kept:
        return None
    directory = out / "samples"
    try:
        shutil.copytree(SAMPLES, directory, dirs_exist_ok=True)
        (directory / "requests.jsonl").write_text("".join(kept), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--out is {str(out)!r}, which cannot be written: {error.strerror}") from error
    return directory / "requests.jsonl"


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = Parser(prog="vincicoder")
    score.add_parser(parser.add_subparsers())
    return parser.parse_args(words)
