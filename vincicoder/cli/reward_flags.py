"""The reward's options as flags; all of them come from its configuration."""

from __future__ import annotations

import argparse

from vincicoder.options import add_flags, flat_names
from vincicoder.rendering.config import RenderingConfig
from vincicoder.reward.config import RewardConfig, ScoringConfig
from vincicoder.similarity.config import EncoderConfig


def add_reward_flags(command: argparse.ArgumentParser) -> None:
    """Add a flag for every option of the reward."""
    grouped = []
    for title, config in (("encoder", EncoderConfig), ("scoring", ScoringConfig), ("rendering", RenderingConfig)):
        add_flags(command.add_argument_group(title), config)
        grouped += flat_names(config)
    add_flags(command.add_argument_group("results"), RewardConfig, leave_out=grouped)
