"""The reward's options as flags; all of them come from its configuration."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from types import MappingProxyType

from vincicoder.options import add_flags, flat_names
from vincicoder.rendering.config import RenderingConfig
from vincicoder.reward.config import RewardConfig, ScoringConfig
from vincicoder.similarity.config import EncoderConfig


def add_reward_flags(command: argparse.ArgumentParser, defaults: Mapping[str, str] = MappingProxyType({})) -> None:
    """Add a flag for every option of the reward.

    Args:
        command: What gets the flags.
        defaults: What ``--help`` shows as the default, by flat name, where the command has a default of its own.
    """
    grouped = []
    for title, config in (("encoder", EncoderConfig), ("scoring", ScoringConfig), ("rendering", RenderingConfig)):
        add_flags(command.add_argument_group(title), config, defaults=defaults)
        grouped += flat_names(config)
    add_flags(command.add_argument_group("results"), RewardConfig, leave_out=grouped, defaults=defaults)
