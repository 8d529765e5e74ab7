"""``vincicoder compare``: two reports side by side."""

from __future__ import annotations

import argparse
from typing import Any

from vincicoder.cli.parser import FINE, add_command


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
        commands,
        "compare",
        "show two reports side by side",
        "Write a report of two that `vincicoder score --report` wrote, such as of two runs or of two steps: each\n"
        "response beside the same one of the other, with what changed. Responses belong together by their ids, or\n"
        "else by their prompts, the best with the best. Exit code 2: a directory holds no report.",
        "  vincicoder compare step-100/ step-200/ --out compared/",
    )
    command.add_argument("before", metavar="REPORT", help="directory of the first report")
    command.add_argument("now", metavar="REPORT", help="directory of the report that it is compared with")
    command.add_argument("--out", required=True, metavar="DIR", help="where to write")


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    from vincicoder.reporting.comparison import compare_reports

    print(f"report: {compare_reports(options.before, options.now, options.out)}")
    return FINE
