"""``vincicoder doctor``: say what works on this machine and how to fix the rest."""

from __future__ import annotations

import argparse
import json
from typing import Any

from vincicoder.cli.parser import FAULT, FINE, add_command
from vincicoder.errors import ConfigError
from vincicoder.options import add_flags, leaves
from vincicoder.rendering.config import RenderingConfig
from vincicoder.similarity.config import DEFAULT_ENCODER

_WITH_ATTACK = ("namespaces", "workers")


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    command = add_command(
        commands,
        "doctor",
        "say what works on this machine and how to fix the rest",
        "Render a small sample in every language, check sandbox, fonts, GPU and encoder, and print the commands that\n"
        "install what is missing. Nothing is downloaded. With --attack, try to break out of the sandbox instead,\n"
        "against files, sockets and processes made for it; this takes some minutes. Exit code 1: a required check\n"
        "failed, or an attack escaped; 2: a wrong option.",
        "  vincicoder doctor\n  vincicoder doctor --encoder facebook/dinov2-large --require python,svg,gpu\n"
        "  vincicoder doctor --python envs/charts/bin/python --json\n"
        "  vincicoder doctor --attack\n  vincicoder doctor --attack --only svg,latex/read-input --no-namespaces",
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.add_argument(
        "--encoder",
        metavar="NAME",
        help=f"encoder that must load (default: none; {DEFAULT_ENCODER} is tried, but may be missing)",
    )
    command.add_argument(
        "--device", metavar="NAME", help="device to load the encoder on (default: a GPU if there is one)"
    )
    command.add_argument(
        "--python", metavar="PATH", help="interpreter that will run generated Python (default: this one)"
    )
    command.add_argument(
        "--browser", metavar="PATH", help="Chromium that will render HTML (default: the first that is found)"
    )
    command.add_argument(
        "--require",
        metavar="NAMES",
        help="checks that must succeed, separated by commas; languages may be named by an alias (default: every "
        "language, and sandbox)",
    )
    attack = command.add_argument_group("attacks")
    attack.add_argument("--attack", action="store_true", help="try to break out, and show which layer stops what")
    attack.add_argument(
        "--only",
        metavar="NAMES",
        help="surfaces (python, html, svg, latex, browser, target, http, node) or attacks such as svg/laughs, "
        "separated by commas (default: all)",
    )
    add_flags(attack, RenderingConfig, [leaf.name for leaf in leaves(RenderingConfig) if leaf.name not in _WITH_ATTACK])


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    if options.attack:
        from vincicoder.cli.attacking import attack

        return attack(options)
    if any(getattr(options, name) is not None for name in ("only", *_WITH_ATTACK)):
        raise ConfigError("--only, --no-namespaces and --workers need --attack")
    from vincicoder.cli.examination import examine, names, table
    from vincicoder.languages import find_language

    required = None
    if options.require is not None:
        asked = [name.strip() for name in options.require.split(",") if name.strip()]
        aliased = {name: find_language(name.lower()) for name in asked if name not in names()}
        required = [language.name if (language := aliased.get(name)) else name for name in asked]
        if unknown := [name for name in required if name not in names()]:
            raise ConfigError(f"--require names {', '.join(unknown)}; it knows: {', '.join(names())}")
    checks = examine(
        required=required,
        encoder=options.encoder,
        default_encoder=DEFAULT_ENCODER,
        device=options.device,
        python=options.python,
        browser=options.browser,
    )
    fine = not any(check.failed for check in checks)
    if options.json:
        print(json.dumps({"ok": fine, "checks": [check.to_dict() for check in checks]}))
    else:
        print(table(checks))
    return FINE if fine else FAULT
