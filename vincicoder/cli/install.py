"""``vincicoder install``: get what rendering needs, with root or without, or for a cluster without a network."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.cli.parser import FAULT, FINE, add_command
from vincicoder.errors import ConfigError
from vincicoder.rendering.sandbox import confine
from vincicoder.reporting.printable import printable

if TYPE_CHECKING:
    from vincicoder.cli.examination import Check
    from vincicoder.cli.installing import Step


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
        commands,
        "install",
        "install the browser, TeX and fonts that rendering needs, also without root",
        "Find out what is missing, and install it. An ordinary user gets Playwright's headless shell, TinyTeX and\n"
        "fonts below the home directory; root on Debian gets Debian's packages. --print shows the commands only.\n\n"
        "For a cluster without a network, --download fetches everything on a machine of the same kind with the same\n"
        "Python, and --from installs it there. Exit code 1: something could not be installed; 2: a wrong option.",
        "  vincicoder install --print\n  vincicoder install\n  vincicoder install --only html,fonts\n"
        "  vincicoder install --download bundle/ --extras dinov2 --encoder facebook/dinov2-large\n"
        "  vincicoder install --from bundle/",
    )
    command.add_argument("--print", action="store_true", help="print the commands, and run none")
    where = command.add_mutually_exclusive_group()
    where.add_argument("--user", action="store_true", help="below the home directory (default for an ordinary user)")
    where.add_argument(
        "--system", action="store_true", help="by the system's packages, with root or sudo (default for root on Debian)"
    )
    command.add_argument("--only", metavar="NAMES", help="languages, or fonts, separated by commas (default: all)")
    offline = command.add_argument_group("machines without a network")
    which = offline.add_mutually_exclusive_group()
    which.add_argument(
        "--download", metavar="DIR", help="fetch everything into this directory; install nothing (default: none)"
    )
    which.add_argument("--from", dest="source", metavar="DIR", help="install what --download fetched (default: none)")
    offline.add_argument(
        "--extras",
        metavar="NAMES",
        help="with --download: extras of the package, such as dinov2,robust (default: none)",
    )
    offline.add_argument(
        "--encoder", metavar="NAME", help="with --download: fetch its weights from the hub, too (default: none)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    if (options.extras or options.encoder) and options.download is None:
        raise ConfigError("--extras and --encoder go with --download only")
    if not confine.on_linux():
        raise ConfigError(confine.layers().problems[0])
    steps = _chosen(options, _steps(options))
    if not steps:
        print("Nothing is missing.", file=sys.stderr)
        return FINE
    if options.print:
        from vincicoder.cli.installing import script

        print(script(steps))
        return FINE
    failed = [step.name for step in steps if not _done(step)]
    if failed:
        print(printable(f"vincicoder: error: not installed: {', '.join(failed)}; see above"), file=sys.stderr)
        return FAULT
    if options.download is not None:
        _say_next(options)
        return FINE
    return _tried(steps)


def _steps(options: argparse.Namespace) -> list[Step]:
    from vincicoder.cli.installing import download_steps, is_debian, offline_steps, system_steps, user_steps

    if options.download is not None:
        return download_steps(Path(options.download).resolve(), options.extras or "", options.encoder)
    if options.source is not None:
        source = Path(options.source).resolve()
        steps = offline_steps(source)
        if not steps:
            raise ConfigError(f"--from is {options.source!r}, which holds nothing that --download fetches")
        return steps
    by_system = options.system or (not options.user and os.geteuid() == 0 and is_debian())
    missing = [check.name for check in _checks() if check.state == "missing"]
    return system_steps(missing) if by_system else user_steps(missing)


def _checks() -> list[Check]:
    from vincicoder.cli.examination import fonts, renderers

    print("Trying what is there", file=sys.stderr)
    return [*renderers(None, None), *fonts()]


def _chosen(options: argparse.Namespace, steps: Sequence[Step]) -> list[Step]:
    """Return the steps that were asked for.

    Raises:
        ConfigError: A name is of nothing that can be installed.
    """
    if options.only is None:
        return list(steps)
    from vincicoder.languages import LANGUAGES

    wanted = [name.strip() for name in options.only.split(",") if name.strip()]
    known = [*LANGUAGES, "fonts", "packages", "weights"]
    if unknown := [name for name in wanted if name not in known]:
        raise ConfigError(f"--only names {', '.join(unknown)}; it knows: {', '.join(known)}")
    return [step for step in steps if step.name in wanted]


def _done(step: Step) -> bool:
    print(printable(f"\n==> {step.name}{': ' + step.note if step.note else ''}"), file=sys.stderr)
    if not step.commands:
        return False
    for command in step.commands:
        print(printable(f"  {command}"), file=sys.stderr)
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"  # hf is there
    lines = "set -euo pipefail\n" + "\n".join(step.commands)
    return subprocess.run(["bash", "-c", lines], env={**os.environ, "PATH": programs}, check=False).returncode == 0


def _tried(steps: Sequence[Step]) -> int:
    """Try what was installed, and return the exit code."""
    from vincicoder.cli.examination import table
    from vincicoder.cli.installing import FONTS

    names = {step.name for step in steps}
    checks = [each for each in _checks() if each.name in names or ("fonts" in names and each.name in FONTS)]
    print(printable(table(checks)))
    return FAULT if any(check.state == "missing" for check in checks) else FINE


def _say_next(options: argparse.Namespace) -> None:
    from vincicoder.cli.installing import weights_directory

    place = shlex.quote(options.download)
    extras = f"[{options.extras}]" if options.extras else ""
    print(f"\nCopy {place} to the cluster, and run there, with the path that it has there:", file=sys.stderr)
    print(f"  python -m pip install --no-index --find-links {place}/wheels 'vincicoder{extras}'", file=sys.stderr)
    print(f"  vincicoder install --from {place}", file=sys.stderr)
    if options.encoder:
        where = weights_directory(Path(options.download), options.encoder)
        print(f"and give the encoder by its directory: --encoder {where}", file=sys.stderr)
