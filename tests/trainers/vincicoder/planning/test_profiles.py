"""The profile ``paper`` in the trainers' own configurations: keys and defaults of the table are what they end up with."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from dry_run import dry_run
from needed import needs
from repository import EXAMPLES

from vincicoder.planning.overrides import SCRIPTS
from vincicoder.planning.profiles import paper


@pytest.mark.verl
def test_verl_composes_every_setting_and_has_the_defaults_that_the_table_says(tmp_path):
    needs("verl", "verl is not installed")
    import verl
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    words = dry_run(EXAMPLES / SCRIPTS["verl"], tmp_path)
    with initialize_config_dir(config_dir=str(Path(verl.__file__).parent / "trainer" / "config"), version_base=None):
        config = compose("ppo_trainer", overrides=words[3:])
    for key, value in paper("verl").items():
        found = OmegaConf.select(config, key, throw_on_missing=True)
        assert found == value, key
    assert config.actor_rollout_ref.actor.policy_loss.loss_mode == "vanilla"


@pytest.mark.swift
def test_ms_swift_parses_every_setting_and_has_the_defaults_that_the_table_says(tmp_path):
    needs("swift", "ms-swift is not installed")
    from swift.arguments import RLHFArguments
    from transformers import HfArgumentParser

    flags = dry_run(EXAMPLES / SCRIPTS["swift"], tmp_path, NNODES="2")[2:]
    known = argparse.ArgumentParser.parse_args(HfArgumentParser(RLHFArguments), flags)
    for key, value in paper("swift").items():
        found = getattr(known, key.removeprefix("--"))
        assert found == ([value] if isinstance(found, list) else value), key
    assert known.rollout_importance_sampling_mode is None
    assert not known.overlong_filter


def test_trl_takes_every_setting(tmp_path):
    needs("trl", "TRL is not installed")
    from trl import GRPOConfig

    config = GRPOConfig(str(tmp_path), use_cpu=True, bf16=False, **paper("trl"))
    for key, value in paper("trl").items():
        assert getattr(config, key) == value, key
    assert config.steps_per_generation == config.gradient_accumulation_steps, "one update for each step's responses"
