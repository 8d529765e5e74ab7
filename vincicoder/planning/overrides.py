"""What a plan means for the example scripts: their variables, and the trainer's own settings."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from vincicoder.planning.models import QWEN25
from vincicoder.planning.plan import Plan
from vincicoder.planning.settings import EASYR1, SEQUENCES, SFT, VERL

SCRIPTS = {
    EASYR1: "qwen3vl_8b_vincicoder.sh",
    VERL: "qwen3vl_8b_vincicoder_verl.sh",
    "swift": "qwen3vl_8b_grpo_swift.sh",
    "sft": "qwen3vl_8b_sft.sh",
    "sft-qwen2.5": "qwen25vl_7b_sft.sh",
}


@dataclass(frozen=True)
class Overrides:
    """The settings of an example script.

    Attributes:
        script: Name of the file in ``examples``.
        variables: The script's environment variables.
        arguments: What follows on its command line.
    """

    script: str
    variables: dict[str, str]
    arguments: list[str]

    def file(self, command: str) -> str:
        """Return the text of a Bash file that runs the script with these settings.

        Args:
            command: The command line that the file says it was made by.
        """
        variables = [f"export {name}={shlex.quote(value)}" for name, value in self.variables.items()]
        model = ['export MODEL="${MODEL:?is not set; give the checkpoint to train}"'] if self.needs_model else []
        words = " \\\n  ".join(
            [f'exec bash "${{EXAMPLES:-examples}}/{self.script}"', *map(shlex.quote, self.arguments)]
        )
        lines = (
            "#!/usr/bin/env bash",
            f"# Made by: {command}",
            "# Run it from a clone of the repository, or set EXAMPLES to its directory examples. Further settings may",
            "# follow on the command line; they win. What the plan said was computed, not measured.",
            "set -euo pipefail",
            *variables,
            *model,
            f'{words} "$@"',
        )
        return "\n".join(lines) + "\n"

    @property
    def needs_model(self) -> bool:
        """Whether the script's default is not the model that was planned."""
        return "MODEL" not in self.variables


def overrides_of(plan: Plan) -> Overrides:
    """Return the settings with which an example script does what was planned.

    Example:
        >>> from vincicoder.planning.plan import make_plan
        >>> from vincicoder.planning.settings import Run
        >>> overrides_of(make_plan(Run(trainer="verl"))).variables["TENSOR_PARALLEL"]
        '4'
    """
    run = plan.run
    batch = plan.batch.sequences if run.stage == SFT else run.batch_size
    variables = {"NNODES": str(run.nodes), "GPUS_PER_NODE": str(run.local_gpus), "BATCH": str(batch)}
    variables["EPOCHS"] = f"{run.epochs:g}"
    if model := _model(plan):
        variables["MODEL"] = model
    if run.stage == SFT:
        return _sft(plan, variables)
    variables |= {
        "GROUP": str(run.group),
        "MAX_PROMPT": str(run.max_prompt),
        "MAX_RESPONSE": str(run.max_response),
        "TENSOR_PARALLEL": str(plan.split.tensor_parallel),
        "GPU_MEMORY": f"{plan.split.gpu_memory:g}",
    }
    if run.framework in (EASYR1, VERL):
        variables["REWARD_WORKERS"] = str(run.cpus)
        settings = _easyr1(plan) if run.framework == EASYR1 else _verl(plan)
        return Overrides(SCRIPTS[run.framework], variables, [f"{name}={value}" for name, value in settings.items()])
    return _swift(plan, variables)


def _model(plan: Plan) -> str:
    """Return the checkpoint if a script should be given one, else nothing: we do not know where yours is."""
    if plan.run.stage == SFT and plan.shape.name.startswith("qwen"):
        family, size = plan.shape.name.rsplit("-", 1)
        return f"Qwen/{family.replace('qwen', 'Qwen').replace('vl', 'VL')}-{size.upper()}-Instruct"
    if plan.shape.name == "qwen3-vl-8b":
        return "DocTron-Hub/VinciCoder-8B-SFT"
    return "" if plan.shape.name.startswith("qwen") else plan.run.model


def _easyr1(plan: Plan) -> dict[str, str]:
    split = plan.split
    settings = {
        "worker.actor.micro_batch_size_per_device_for_update": str(split.micro_batch),
        "worker.actor.micro_batch_size_per_device_for_experience": str(2 * split.micro_batch),
        "worker.actor.offload.offload_params": _bool(split.offload),
        "worker.actor.offload.offload_optimizer": _bool(split.offload),
        "worker.rollout.max_num_batched_tokens": str(split.batched_tokens),
    }
    if plan.run.lora_rank:
        settings["worker.actor.model.lora.rank"] = str(plan.run.lora_rank)
    if plan.run.checkpoints:
        settings["trainer.save_limit"] = str(plan.run.checkpoints)
    return settings


def _verl(plan: Plan) -> dict[str, str]:
    run, split = plan.run, plan.split
    tokens = str((run.max_prompt + run.max_response) * split.micro_batch)
    settings = {
        "actor_rollout_ref.actor.ppo_max_token_len_per_gpu": tokens,
        "actor_rollout_ref.actor.fsdp_config.param_offload": _bool(split.offload),
        "actor_rollout_ref.actor.fsdp_config.optimizer_offload": _bool(split.offload),
        "actor_rollout_ref.rollout.max_num_batched_tokens": str(split.batched_tokens),
        "actor_rollout_ref.rollout.log_prob_max_token_len_per_gpu": tokens,
    }
    if run.lora_rank:
        settings["actor_rollout_ref.model.lora_rank"] = str(run.lora_rank)
    if run.checkpoints:
        settings["trainer.max_actor_ckpt_to_keep"] = str(run.checkpoints)
    return settings


def _swift(plan: Plan, variables: dict[str, str]) -> Overrides:
    run, split = plan.run, plan.split
    variables |= {"DEEPSPEED": split.sharding, "MICRO_BATCH": str(split.micro_batch)}
    variables["VINCICODER_REWARD_WORKERS"] = str(run.cpus)
    if plan.shape.family == QWEN25:
        variables["MODEL_TYPE"] = QWEN25
    arguments = ["--offload_model", _bool(split.offload), "--offload_optimizer", _bool(split.offload)]
    arguments += ["--vllm_engine_kwargs", f'{{"max_num_batched_tokens": {split.batched_tokens}}}']
    if run.lora_rank:
        arguments += ["--tuner_type", "lora", "--lora_rank", str(run.lora_rank)]
    if run.checkpoints:
        arguments += ["--save_total_limit", str(run.checkpoints)]
    return Overrides(SCRIPTS["swift"], variables, arguments)


def _sft(plan: Plan, variables: dict[str, str]) -> Overrides:
    run, split = plan.run, plan.split
    variables |= {"SHARDING": split.sharding, "MICRO_BATCH": str(split.micro_batch), "MAX_LENGTH": str(run.max_length)}
    variables |= {"BATCH_UNIT": SEQUENCES, "PACK_LENGTH": str(run.packed)}
    if run.checkpoints:
        variables["SAVE_LIMIT"] = str(run.checkpoints)
    arguments = []
    if run.lora_rank:
        variables["TUNER"] = "lora"
        arguments = ["--lora_rank", str(run.lora_rank)]
    return Overrides(SCRIPTS["sft-qwen2.5" if plan.shape.family == QWEN25 else "sft"], variables, arguments)


def _bool(value: bool) -> str:
    return str(value).lower()
