"""Every key that docs/rl-options.md names is one that the trainer's own parser knows and accepts with that value."""

from __future__ import annotations

import argparse
import ast
import re
from pathlib import Path

import pytest
from needed import needs
from repository import ROOT, SUPPORT

TITLES = ("EasyR1", "verl", "ms-swift", "TRL")


def keys(title: str) -> list[str]:
    """The settings in a trainer's column of all tables."""
    rows = re.findall(r"^\|(.*)\|$", (ROOT / "docs" / "rl-options.md").read_text("utf-8"), re.MULTILINE)
    tables = [[cell.strip() for cell in row.split("|")] for row in rows]
    cells = [row[1 + TITLES.index(title)] for row in tables if len(row) == 1 + len(TITLES) and "---" not in row]
    spans = [span for cell in cells for span in re.findall(r"`([^`]+)`", cell)]
    found = [span for span in spans if span.startswith("--") or re.fullmatch(r"\+?[a-z][\w.]*=.+", span)]
    assert len(found) >= 8
    return found


def test_easyr1_knows_every_key():
    schema = {line.split(" ")[0] for line in (SUPPORT / "easyr1_keys.txt").read_text("utf-8").splitlines()}
    for key in (each.split("=")[0] for each in keys("EasyR1")):
        assert key in schema or key.rsplit(".", 1)[0] == "worker.reward.reward_function_kwargs", key


@pytest.mark.verl
def test_verl_composes_every_key():
    needs("verl", "verl is not installed")
    import verl
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    with initialize_config_dir(config_dir=str(Path(verl.__file__).parent / "trainer" / "config"), version_base=None):
        for key in keys("verl"):
            parent, _, name = key.lstrip("+").split("=")[0].rpartition(".")
            assert name in OmegaConf.select(compose("ppo_trainer", overrides=[key]), parent), key


@pytest.mark.swift
def test_ms_swift_parses_every_flag():
    needs("swift", "ms-swift is not installed")
    from swift.arguments import RLHFArguments
    from transformers import HfArgumentParser

    for flags in keys("ms-swift"):
        parsed = argparse.ArgumentParser.parse_known_args(HfArgumentParser(RLHFArguments), flags.split())
        assert parsed[1] == [], flags


def test_trl_takes_every_argument(tmp_path):
    needs("trl", "TRL is not installed")
    from trl import GRPOConfig

    for each in keys("TRL"):
        name, value = each.split("=", 1)
        given = {name: ast.literal_eval(value)}
        batch = {"per_device_train_batch_size": 8, "gradient_accumulation_steps": 32}
        assert getattr(GRPOConfig(str(tmp_path), use_cpu=True, bf16=False, **(batch | given)), name) == given[name]
