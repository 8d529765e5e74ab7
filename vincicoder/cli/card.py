"""``vincicoder card``: gather what others need to believe a run's result, and to get it again."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from vincicoder.cli.parser import FINE, add_command, positive
from vincicoder.errors import ConfigError
from vincicoder.reporting.printable import printable

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_GPUS = re.compile(r"\d+ x [a-z0-9]+")


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
        commands,
        "card",
        "write the card of a training run",
        "Gather settings, versions, a digest of the data, how this machine renders, curves, cost, evaluations and the\n"
        "audit of test samples into NAME.json and NAME.md. Run it where the run was made, since it notes what is\n"
        "installed there. Keys, tokens, addresses and directories are left out. Exit code 2: a wrong option or file.",
        "  vincicoder card runs/r2-swift --recipe recipes/r2.yaml --gpus '8 x h100' --out results/\n"
        "  vincicoder card runs/r2-swift --data sets/r2-swift --scores scores/*.jsonl --audit audit.json --out cards/",
    )
    command.add_argument("run_path", metavar="RUN", help="directory of the run, or the file of its log")
    command.add_argument("--out", required=True, metavar="DIR", help="directory for the card")
    command.add_argument("--name", metavar="NAME", help="what to call the run (default: RUN's last part)")
    command.add_argument(
        "--notes", default="", metavar="TEXT", help="what else a reader should know (default: nothing)"
    )
    command.add_argument("--recipe", metavar="FILE", help="recipe that the run was started with (default: none)")
    command.add_argument("--gpus", default="", metavar="N x KIND", help="GPUs, such as '8 x h100' (default: none)")
    command.add_argument("--hours", type=positive, help="how long it took (default: as the log says)")
    command.add_argument("--settings", metavar="FILE", help="its settings, JSON or YAML (default: the trainer's own)")
    command.add_argument(
        "--data", nargs="+", default=[], metavar="PATH", help="files or directories of its data (default: none)"
    )
    command.add_argument(
        "--revision", default="", metavar="TEXT", help="revision of the data (default: as the path says)"
    )
    command.add_argument(
        "--scores", nargs="+", default=[], metavar="FILE", help="files that `eval score` wrote (default: none)"
    )
    command.add_argument("--audit", metavar="FILE", help="file that `eval audit` wrote (default: none)")


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    from vincicoder.rendering import RenderPool
    from vincicoder.runs.card import Sources, make_card, write_card
    from vincicoder.runs.recipe import read_recipe

    run_path = Path(options.run_path)
    name = options.name or run_path.absolute().stem
    if not _NAME.fullmatch(name):
        raise ConfigError(f"name is {name!r}; expected letters, digits, dots, underscores and hyphens")
    if options.gpus and not _GPUS.fullmatch(options.gpus):
        raise ConfigError(f"gpus is {options.gpus!r}; expected a number and a kind, such as '8 x h100'")
    with RenderPool(workers=1) as pool:
        sources = Sources(
            name=name,
            notes=options.notes,
            recipe=read_recipe(options.recipe) if options.recipe else None,
            gpus=options.gpus,
            hours=options.hours,
            settings=Path(options.settings) if options.settings else None,
            data=[Path(each) for each in options.data],
            revision=options.revision,
            scores=[Path(each) for each in options.scores],
            audit=Path(options.audit) if options.audit else None,
            pool=pool,
        )
        paths = write_card(make_card(run_path, sources), Path(options.out))
    print(printable("\n".join(map(str, paths))))
    return FINE
