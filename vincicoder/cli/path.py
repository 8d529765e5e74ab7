"""``vincicoder path``: say where the files are that trainers are given by their path."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec
from typing import Any, NamedTuple

from vincicoder.cli.parser import FAULT, FINE, add_command
from vincicoder.reporting.printable import printable


class _File(NamedTuple):
    module: str
    use: str


FILES = {
    "swift_sft": _File(
        "swift_plugins.vincicoder_sft", "swift sft --external_plugins PATH --dataset vincicoder-sft ..."
    ),
    "swift_sft_run": _File("swift_plugins.vincicoder_sft_run", "swift sft --external_plugins ... PATH"),
    "swift_grpo": _File(
        "swift_plugins.vincicoder_grpo", "swift rlhf --external_plugins PATH --reward_funcs vincicoder"
    ),
    "easyr1": _File("verl_rewards.vincicoder_easyr1", "worker.reward.reward_function=PATH:compute_score"),
    "verl": _File("verl_rewards.vincicoder_verl", "reward.custom_reward_function.path=PATH"),
    "verl_manager": _File("verl_rewards.vincicoder_manager", "reward.reward_manager.module.path=PATH"),
    "verl_sampler": _File("verl_rewards.vincicoder_sampler", "trainer.v1.sampler.custom_sampler.path=PATH"),
    "trl": _File("vincicoder.trainers.completions", "none is needed: from vincicoder import CompletionReward"),
}
"""What a file is called here, which module it is, and which setting of a trainer takes its path."""


def add_parser(commands: Any) -> None:
    """Add the command's parser to ``commands``."""
    settings = "\n".join(f"  {name:<14} {file.use}" for name, file in FILES.items())
    command = add_command(
        commands,
        "path",
        "say where the files are that trainers are given by their path",
        f"Print the path of a trainer's plugin, as installed; without NAME, of all of them.\n\n{settings}",
        "  vincicoder path\n"
        "  swift sft --external_plugins $(vincicoder path swift_sft) --dataset vincicoder-sft ...\n"
        "  python -m verl.trainer.main ... worker.reward.reward_function=$(vincicoder path easyr1):compute_score",
    )
    command.add_argument("name", nargs="?", metavar="NAME", choices=FILES, help=", ".join(FILES))


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    found = {name: _path(file.module) for name, file in FILES.items() if options.name in (None, name)}
    if options.name is None:
        for name, path in found.items():
            print(f"{name:<14} {path or 'not installed'}\n{'':<14} {FILES[name].use}")
        return FINE
    path = found[options.name]
    if path is None:
        module = FILES[options.name].module
        print(
            printable(
                f"vincicoder: error: the module {module} is not installed with this package; install the wheel again"
            ),
            file=sys.stderr,
        )
        return FAULT
    print(path)
    return FINE


def _path(module: str) -> str | None:
    """Return where a module is, without running it: it may import a trainer."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    return os.path.realpath(spec.origin) if spec and spec.origin else None
