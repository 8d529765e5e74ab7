"""What a plan writes are settings that the example scripts have, and they take effect."""

from __future__ import annotations

import re

import pytest
from dry_run import dry_run, variables_of
from repository import EXAMPLES, SUPPORT

from vincicoder.planning import Run, make_plan
from vincicoder.planning.overrides import SCRIPTS, Overrides, overrides_of

EASYR1_KEYS = {line.split()[0] for line in (SUPPORT / "easyr1_keys.txt").read_text("utf-8").splitlines()}
RUNS = [
    *(
        Run(trainer=trainer, profile=profile, gpus=16, batch=128, group=4, max_response=8192, cpus=48)
        for trainer in ("easyr1", "verl", "swift")
        for profile in ("paper", "fast")
    ),
    Run(trainer="swift", model="7b", gpus=8, profile="fast"),
    Run(stage="sft", gpus=16, batch=64, max_length=8192, pack_length=2048),
    Run(stage="sft", gpus=8, model="7b", sharding="zero3", lora_rank=16),
]


def settings_of(words: list[str]) -> dict[str, str]:
    """The command's settings, of equal ones the last: KEY=VALUE of Hydra, or flags with one value."""
    if any(word.startswith("verl.trainer") for word in words):
        return dict(word.split("=", 1) for word in words if re.match(r"\+?[a-z_]+\.[\w.]+=", word))
    flags = [index for index, word in enumerate(words) if word.startswith("--")]
    return {words[index]: words[index + 1] for index in flags}


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.framework}-{run.profile}-{run.stage}-{run.model}")
def test_the_written_file_runs_the_script_with_what_was_planned(run, tmp_path):
    plan = make_plan(run)
    assert plan.fits, plan.problems
    overrides = overrides_of(plan)
    written = tmp_path / "run.sh"
    written.write_text(overrides.file("vincicoder plan"))
    assert set(overrides.variables) <= variables_of(overrides.script)
    model = {"MODEL": "/models/mine"} if overrides.needs_model else {}
    settings = settings_of(dry_run(written, tmp_path, **model))
    plain = settings_of(dry_run(EXAMPLES / overrides.script, tmp_path))
    split = plan.split
    engine = (str(split.tensor_parallel), f"{split.gpu_memory:g}", str(split.batched_tokens))
    if run.framework == "easyr1":
        assert set(settings) - set(plain) == {"worker.reward.reward_function_kwargs.workers"}
        rollout, actor = "worker.rollout.", "worker.actor."
        names = ("tensor_parallel_size", "gpu_memory_utilization", "max_num_batched_tokens")
        assert tuple(settings[rollout + name] for name in names) == engine
        assert settings[actor + "offload.offload_params"] == str(split.offload).lower()
        assert (settings["data.rollout_batch_size"], settings[rollout + "n"]) == ("128", "4")
        assert settings["worker.reward.reward_function_kwargs.workers"] == "48"
    elif run.framework == "verl":
        rollout, actor = "actor_rollout_ref.rollout.", "actor_rollout_ref.actor."
        names = ("tensor_model_parallel_size", "gpu_memory_utilization", "max_num_batched_tokens")
        assert tuple(settings[rollout + name] for name in names) == engine
        assert settings[actor + "ppo_max_token_len_per_gpu"] == str(6144 + 8192)
        assert settings[actor + "fsdp_config.optimizer_offload"] == str(split.offload).lower()
        assert (settings["data.train_batch_size"], settings[rollout + "n"]) == ("128", "4")
        assert settings["trainer.nnodes"] == "2"
    elif run.stage == "rl":
        assert settings["--vllm_tensor_parallel_size"] == engine[0]
        assert settings["--vllm_gpu_memory_utilization"] == engine[1]
        assert settings["--vllm_engine_kwargs"] == f'{{"max_num_batched_tokens": {engine[2]}}}'
        assert settings["--per_device_train_batch_size"] == str(split.micro_batch)
        assert settings["--deepspeed"] == "zero3"
        assert settings["--model_type"] == plan.shape.family
    else:
        assert settings["--max_length"] == str(run.max_length)
        accumulated = plan.batch.sequences // (run.gpus * split.micro_batch)
        assert settings["--gradient_accumulation_steps"] == str(accumulated)
        assert settings["--packing_length"] == str(run.packed)
        assert settings["--tuner_type"] == ("lora" if run.lora_rank else "full")
        assert settings["--deepspeed"] == split.sharding


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.framework}-{run.profile}-{run.stage}-{run.model}")
def test_no_key_of_hydra_is_one_that_the_script_lacks(run, tmp_path):
    overrides = overrides_of(make_plan(run))
    keys = {each.partition("=")[0] for each in overrides.arguments if not each.startswith(("--", "{")) and "=" in each}
    assert keys <= set(settings_of(dry_run(EXAMPLES / overrides.script, tmp_path)))
    if run.framework == "easyr1":
        assert keys <= EASYR1_KEYS


def test_a_key_that_is_misspelt_would_be_found(tmp_path):
    misspelt = Overrides(SCRIPTS["verl"], {"GPU_MEMRY": "0.5"}, ["actor_rollout_ref.rollout.gpu_memory=1"])
    assert not set(misspelt.variables) <= variables_of(misspelt.script)
    assert "actor_rollout_ref.rollout.gpu_memory" not in settings_of(dry_run(EXAMPLES / misspelt.script, tmp_path))


def test_the_papers_plan_for_16_gpus_changes_nothing_in_the_scripts(tmp_path):
    for trainer in ("easyr1", "verl"):
        overrides = overrides_of(make_plan(Run(gpus=16, trainer=trainer)))
        written = tmp_path / "run.sh"
        written.write_text(overrides.file("vincicoder plan"))
        planned, plain = (settings_of(dry_run(each, tmp_path)) for each in (written, EXAMPLES / overrides.script))
        differing = {name for name in planned if planned[name] != plain.get(name)}
        assert {name.rpartition(".")[2] for name in differing} == {"workers"}, "a script takes one for each CPU"


@pytest.mark.parametrize(
    "run",
    [
        Run(stage="sft"),
        Run(stage="sft", gpus=64),
        Run(stage="sft", gpus=64, batch=500, micro_batch=2, max_length=8192),
        Run(stage="sft", gpus=32, batch=10_000_000, batch_unit="tokens", pack_length=3000),
        Run(stage="sft", batch=24, batch_unit="sequences"),
    ],
    ids=lambda run: f"{run.batch_size}-{run.batch_unit}-{run.gpus}",
)
def test_the_script_converts_a_batch_as_the_plan_does(run, tmp_path):
    asked = {"BATCH": run.batch_size, "BATCH_UNIT": run.batch_unit, "NNODES": run.nodes, "GPUS_PER_NODE": 8}
    asked |= {"MICRO_BATCH": run.micro_batch or 1, "MAX_LENGTH": run.max_length, "PACK_LENGTH": run.packed}
    words = dry_run(EXAMPLES / SCRIPTS["sft"], tmp_path, **{name: str(value) for name, value in asked.items()})
    settings = settings_of(words)
    taken = int(settings["--gradient_accumulation_steps"]) * run.gpus * int(settings["--per_device_train_batch_size"])
    assert taken == make_plan(run).batch.sequences


def test_lora_is_set_by_the_trainers_own_key():
    assert "worker.actor.model.lora.rank" in EASYR1_KEYS
    assert "worker.actor.model.lora.rank=32" in overrides_of(make_plan(Run(lora_rank=32))).arguments


def test_a_model_that_no_script_has_must_be_given(tmp_path):
    overrides = overrides_of(make_plan(Run(model="2b")))
    assert overrides.needs_model
    (tmp_path / "run.sh").write_text(overrides.file("vincicoder plan"))
    with pytest.raises(AssertionError, match="MODEL: is not set; give the checkpoint to train"):
        dry_run(tmp_path / "run.sh", tmp_path)
    assert not overrides_of(make_plan(Run())).needs_model


def test_every_script_exists():
    assert all((EXAMPLES / script).is_file() for script in SCRIPTS.values())
