"""The settings that a plan writes are composed by verl's own configuration and parsed by ms-swift's own parser."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from dry_run import dry_run
from needed import needs

from vincicoder.planning import Run, make_plan
from vincicoder.planning.overrides import overrides_of


def command(run, directory):
    overrides = overrides_of(make_plan(run))
    written = directory / "run.sh"
    written.write_text(overrides.file("vincicoder plan"))
    return dry_run(written, directory, **({"MODEL": "/models/mine"} if overrides.needs_model else {}))


@pytest.mark.verl
@pytest.mark.parametrize("run", [Run(trainer="verl", profile="fast"), Run(trainer="verl", lora_rank=32)], ids=str)
def test_verl_composes_what_is_written(run, tmp_path):
    needs("verl", "verl is not installed")
    import verl
    from hydra import compose, initialize_config_dir

    words = command(run, tmp_path)
    with initialize_config_dir(config_dir=str(Path(verl.__file__).parent / "trainer" / "config"), version_base=None):
        config = compose("ppo_trainer", overrides=words[3:])
    split, worker = make_plan(run).split, config.actor_rollout_ref
    assert worker.rollout.tensor_model_parallel_size == split.tensor_parallel
    assert worker.rollout.gpu_memory_utilization == split.gpu_memory
    assert worker.rollout.max_num_batched_tokens == split.batched_tokens
    assert worker.actor.ppo_max_token_len_per_gpu == 6144 + 10240
    assert worker.actor.fsdp_config.param_offload == split.offload
    assert worker.model.lora_rank == run.lora_rank


@pytest.mark.swift
@pytest.mark.parametrize(
    "run",
    [Run(trainer="swift", profile="fast"), Run(trainer="swift", lora_rank=32), Run(stage="sft", lora_rank=16)],
    ids=str,
)
def test_ms_swift_parses_what_is_written(run, tmp_path):
    needs("swift", "ms-swift is not installed")
    from swift.arguments import RLHFArguments, SftArguments
    from transformers import HfArgumentParser

    _, name, *flags = command(run, tmp_path)
    kind = {"rlhf": RLHFArguments, "sft": SftArguments}[name]
    known, unknown = argparse.ArgumentParser.parse_known_args(HfArgumentParser(kind), flags)
    assert unknown == []
    split = make_plan(run).split
    assert known.per_device_train_batch_size == split.micro_batch
    assert known.tuner_type == ("lora" if run.lora_rank else "full")
    if run.stage == "rl":
        assert json.loads(known.vllm_engine_kwargs) == {"max_num_batched_tokens": split.batched_tokens}
        assert known.vllm_gpu_memory_utilization == split.gpu_memory
        assert known.offload_model == known.offload_optimizer == split.offload
    if run.lora_rank:
        assert known.lora_rank == run.lora_rank
