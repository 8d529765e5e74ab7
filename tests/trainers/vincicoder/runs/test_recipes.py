"""The settings of every recipe are composed by verl's own configuration and parsed by ms-swift's own parser."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from dry_run import dry_run
from needed import needs
from repository import ROOT

from vincicoder.planning.overrides import overrides_of
from vincicoder.runs import read_recipe

RECIPES = {path.stem: read_recipe(path) for path in sorted((ROOT / "recipes").glob("*.yaml"))}


def command(name: str, trainer: str, directory: Path) -> list[str]:
    recipe = RECIPES[name]
    overrides = recipe.add_to(overrides_of(recipe.planned(trainer)), trainer)
    written = directory / "run.sh"
    written.write_text(overrides.file("vincicoder plan"))
    given = {variable: value for variable, value in overrides.variables.items() if variable == "VINCICODER_RL_DATA"}
    for path in given.values():
        (directory / path).mkdir(parents=True)
    model = {"MODEL": "/models/mine"} if overrides.needs_model else {}
    # The variables of the file win over those of the environment, as where it is run.
    return dry_run(written, directory, **model)


@pytest.mark.verl
@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if "verl" in recipe.trainers])
def test_verl_composes_every_recipe(name, tmp_path):
    needs("verl", "verl is not installed")
    import verl
    from hydra import compose, initialize_config_dir

    words = command(name, "verl", tmp_path)
    with initialize_config_dir(config_dir=str(Path(verl.__file__).parent / "trainer" / "config"), version_base=None):
        config = compose("ppo_trainer", overrides=words[3:])
    recipe = RECIPES[name]
    assert config.data.train_files == recipe.trainers["verl"].variables["TRAIN_FILES"]
    assert config.trainer.rollout_data_dir == f"{config.trainer.default_local_dir}/rollouts"
    assert config.trainer.max_actor_ckpt_to_keep == 2
    assert config.trainer.logger == ["console", "file"]
    assert config.actor_rollout_ref.rollout.calculate_log_probs
    assert config.actor_rollout_ref.model.lora_rank == recipe.plan.get("lora_rank", 0)


@pytest.mark.swift
@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if "swift" in recipe.trainers])
def test_ms_swift_parses_every_recipe(name, tmp_path):
    needs("swift", "ms-swift is not installed")
    from swift.arguments import RLHFArguments, SftArguments
    from transformers import HfArgumentParser

    _, stage, *flags = command(name, "swift", tmp_path)
    kind = {"rlhf": RLHFArguments, "sft": SftArguments}[stage]
    known, unknown = argparse.ArgumentParser.parse_known_args(HfArgumentParser(kind), flags)
    assert unknown == []
    assert known.save_total_limit == 2
    assert known.output_dir == RECIPES[name].trainers["swift"].variables["OUTPUT"]
    if stage == "rlhf":
        assert known.log_entropy and known.log_rollout_offpolicy_metrics
        assert known.tuner_type == ("lora" if "lora_rank" in RECIPES[name].plan else "full")
