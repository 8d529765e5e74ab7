"""The profiles ``paper`` and ``fast`` for every trainer, in one table.

The example scripts, ``vincicoder plan`` and ``docs/profiles.md`` are held to it by tests.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vincicoder.planning.release import RELEASE, source_of
from vincicoder.planning.settings import EASYR1, SWIFT, VERL

TRL = "trl"
TITLES = {EASYR1: "EasyR1", VERL: "verl", SWIFT: "ms-swift", TRL: "TRL"}
GPUS = RELEASE.nodes * RELEASE.node_gpus

_ACTOR, _ROLLOUT = "actor_rollout_ref.actor.", "actor_rollout_ref.rollout."


@dataclass(frozen=True)
class Setting:
    """One setting of the release, and what it is called where.

    A trainer's entry is ``key`` or ``key=value``, or several of them separated by spaces. Without a value it is the
    release's; ``key*`` is the trainer's own default, which a script need not give. In parentheses stands why there is
    no key.

    Attributes:
        name: The field of ``Release``.
        what: The same in words.
        easyr1, verl, swift, trl: The entries.
        note: How a trainer deviates, if one does.
    """

    name: str
    what: str
    easyr1: str
    verl: str
    swift: str
    trl: str
    note: str = ""

    @property
    def value(self) -> Any:
        """What the release has."""
        return getattr(RELEASE, self.name)

    @property
    def source(self) -> str:
        """Which file of the release says so."""
        return source_of(self.name)

    def missing(self, trainer: str) -> str:
        """Return why a trainer has no key, or nothing if it has one.

        Args:
            trainer: A key of ``TITLES``.
        """
        entry: str = getattr(self, trainer)
        return entry[1:-1] if entry.startswith("(") else ""

    def keys(self, trainer: str) -> Iterator[tuple[str, str, bool]]:
        """Yield the keys of a trainer, with the value as text and whether it is the trainer's own default.

        Args:
            trainer: A key of ``TITLES``.
        """
        for word in "" if self.missing(trainer) else getattr(self, trainer).split():
            key, _, value = word.partition("=")
            yield key.rstrip("*"), value or _text(self.value), key.endswith("*")


_STEPS = RELEASE.prompts * RELEASE.responses // (2 * GPUS)
_RESPONSES = f"--per_device_train_batch_size=2 --gradient_accumulation_steps={_STEPS}"

# fmt: off
SETTINGS: Mapping[str, tuple[Setting, ...]] = {
    "Data and batch": (
        Setting(
            "prompts", "prompts of a step", "data.rollout_batch_size data.mini_rollout_batch_size",
            "data.train_batch_size", _RESPONSES, _RESPONSES.replace("--", ""),
            f"ms-swift and TRL count responses: 2 x {_STEPS} on each of {GPUS} GPUs.",
        ),
        Setting(
            "responses", "responses to a prompt", "worker.rollout.n", _ROLLOUT + "n", "--num_generations",
            "num_generations",
        ),
        Setting(
            "update_prompts", "prompts of an update", "worker.actor.global_batch_size",
            _ACTOR + "ppo_mini_batch_size", "(the whole step)", "(the whole step)",
        ),
        Setting(
            "passes", "passes over a step's responses", "worker.actor.ppo_epochs*", _ACTOR + "ppo_epochs*",
            "--num_iterations", "num_iterations",
        ),
        Setting(
            "epochs", "passes over the data", "trainer.total_epochs", "trainer.total_epochs", "--num_train_epochs",
            "num_train_epochs",
        ),
        Setting(
            "max_prompt", "longest prompt, in tokens", "data.max_prompt_length", "data.max_prompt_length",
            "--max_length", "(it has no limit)",
        ),
        Setting(
            "filter_prompts", "longer prompts left out, not cut off at the end", "data.filter_overlong_prompts",
            "data.filter_overlong_prompts=true", "--truncation_strategy=delete", "(it has no limit)",
            "verl stops at a prompt with an image that is too long, and ms-swift cuts its beginning; both scripts "
            "leave such rows out.",
        ),
        Setting(
            "max_response", "longest response, in tokens", "data.max_response_length", "data.max_response_length",
            "--max_completion_length", "max_completion_length",
        ),
        Setting(
            "min_pixels", "fewest pixels of an image", "data.min_pixels", "(`min_pixels` of each image in the data)",
            "(`IMAGE_MIN_TOKEN_NUM`, `MIN_PIXELS`)", "(the processor's `size`)",
            "For verl, `vincicoder data export --layout verl` writes both limits into the rows. The script of "
            "ms-swift exports the variables; 256 and 4,096 tokens are the same numbers.",
        ),
        Setting(
            "max_pixels", "most pixels of an image", "data.max_pixels", "(`max_pixels` of each image in the data)",
            "(`IMAGE_MAX_TOKEN_NUM`, `MAX_PIXELS`)", "(the processor's `size`)",
        ),
        Setting(
            "shuffle", "rows in random order", "data.shuffle*", "data.shuffle*", "--dataset_shuffle*",
            "shuffle_dataset*",
        ),
    ),
    "Loss": (
        Setting(
            "advantage", "advantages", "algorithm.adv_estimator", "algorithm.adv_estimator", "--advantage_estimator*",
            "(always so)",
        ),
        Setting(
            "scaled", "divided by the standard deviation of", "(always so)",
            "algorithm.norm_adv_by_std_in_grpo*=true", "--scale_rewards", "scale_rewards",
        ),
        Setting(
            "std_epsilon", "added to the standard deviation", "(fixed)", "(fixed)", "(fixed at 1e-4)",
            "(fixed at 1e-4)",
            "ms-swift and TRL shorten an advantage by 1e-4 / std: by 0.1 % where the group's standard deviation "
            "is 0.1.",
        ),
        Setting(
            "clip_low", "clipped below 1 minus", "worker.actor.clip_ratio_low*", _ACTOR + "clip_ratio_low",
            "--epsilon", "epsilon",
        ),
        Setting(
            "clip_high", "clipped above 1 plus", "worker.actor.clip_ratio_high*", _ACTOR + "clip_ratio_high",
            "--epsilon_high", "epsilon_high",
        ),
        Setting("clip_dual", "dual clip", "worker.actor.clip_ratio_dual*", _ACTOR + "clip_ratio_c", "--delta", "delta"),
        Setting(
            "mean", "mean over", "worker.actor.loss_avg_mode*", _ACTOR + "loss_agg_mode=token-mean",
            "--loss_type=dapo", "loss_type=dapo",
        ),
        Setting(
            "kl", "KL to the first model", "algorithm.disable_kl=true",
            f"{_ACTOR}use_kl_loss algorithm.use_kl_in_reward", "--beta=0", "beta=0.0",
        ),
        Setting(
            "entropy", "entropy bonus", "(it has none)", _ACTOR + "entropy_coeff=0", "(it has none)", "(it has none)",
        ),
        Setting(
            "correction", "correction between engine and trainer", "(it has none)",
            "algorithm.rollout_correction.rollout_is=null", "(`rollout_importance_sampling_mode` is not set)",
            "vllm_importance_sampling_correction",
        ),
        Setting(
            "truncated", "truncated responses", "(`TRUNCATED`, the option `truncated`)",
            "(`TRUNCATED`, the option `truncated`)", "--overlong_filter*=false", "mask_truncated_completions*=false",
            "[rl-options.md](rl-options.md#truncated-responses) says what else they can get.",
        ),
    ),
    "Optimizer": (
        Setting(
            "optimizer", "optimizer", "worker.actor.optim.strategy", _ACTOR + "optim.optimizer*=AdamW",
            "(DeepSpeed's AdamW)", "(torch's AdamW)",
            "The release keeps weights and moments in bfloat16, with Kahan's compensation. verl and DeepSpeed "
            "keep them in float32, which is more exact and takes more memory.",
        ),
        Setting(
            "learning_rate", "learning rate", "worker.actor.optim.lr", _ACTOR + "optim.lr", "--learning_rate",
            "learning_rate",
        ),
        Setting(
            "schedule", "schedule", "worker.actor.optim.lr_scheduler_type*", _ACTOR + "optim.lr_scheduler_type*",
            "--lr_scheduler_type", "lr_scheduler_type",
        ),
        Setting(
            "warmup", "warm-up, of all steps", "worker.actor.optim.lr_warmup_ratio",
            _ACTOR + "optim.lr_warmup_steps_ratio", "--warmup_ratio", "warmup_steps=0",
        ),
        Setting(
            "betas", "decay of the moments", "worker.actor.optim.betas*=[0.9,0.999]",
            _ACTOR + "optim.betas*=[0.9,0.999]", "--adam_beta1=0.9 --adam_beta2=0.999",
            "adam_beta1=0.9 adam_beta2=0.999",
        ),
        Setting(
            "adam_epsilon", "AdamW's epsilon", "(always so)", "(torch's default)", "--adam_epsilon*", "adam_epsilon*",
        ),
        Setting(
            "weight_decay", "weight decay", "worker.actor.optim.weight_decay", _ACTOR + "optim.weight_decay",
            "--weight_decay", "weight_decay",
            "ms-swift and TRL leave biases and norms out of it, as transformers' trainer does.",
        ),
        Setting(
            "gradient_norm", "norm of the gradient, at most", "worker.actor.max_grad_norm", _ACTOR + "grad_clip",
            "--max_grad_norm", "max_grad_norm",
        ),
        Setting(
            "freeze_vision", "vision tower left as it is", "worker.actor.model.freeze_vision_tower",
            _ACTOR + "freeze_vision_tower", "--freeze_vit --freeze_aligner", "(always trained)",
        ),
        Setting(
            "checkpointing", "activations computed again", "worker.actor.model.enable_gradient_checkpointing",
            "actor_rollout_ref.model.enable_gradient_checkpointing", "--gradient_checkpointing",
            "gradient_checkpointing",
        ),
    ),
    "Rollouts": (
        Setting(
            "temperature", "temperature", "worker.rollout.temperature", _ROLLOUT + "temperature", "--temperature",
            "temperature",
        ),
        Setting("top_p", "top-p", "worker.rollout.top_p", _ROLLOUT + "top_p", "--top_p", "top_p"),
        Setting(
            "tensor_parallel", "GPUs of an engine", "worker.rollout.tensor_parallel_size",
            _ROLLOUT + "tensor_model_parallel_size", "--vllm_tensor_parallel_size", "vllm_tensor_parallel_size",
        ),
        Setting(
            "gpu_memory", "share of a GPU for the engine", "worker.rollout.gpu_memory_utilization",
            _ROLLOUT + "gpu_memory_utilization", "--vllm_gpu_memory_utilization", "vllm_gpu_memory_utilization",
        ),
        Setting(
            "batched_tokens", "tokens that the engine reads at a time", "worker.rollout.max_num_batched_tokens",
            _ROLLOUT + "max_num_batched_tokens=16384", "(vLLM chooses)", "(vLLM chooses)",
            "It changes speed and memory only: verl's engine reads a prompt in pieces, EasyR1's as a whole.",
        ),
        Setting(
            "offload", "weights and optimizer moved away while the engine writes",
            "worker.actor.offload.offload_params worker.actor.offload.offload_optimizer",
            f"{_ACTOR}fsdp_config.param_offload {_ACTOR}fsdp_config.optimizer_offload",
            "--offload_model --offload_optimizer", "(they stay)",
        ),
    ),
    "Run": (
        Setting(
            "nodes", "nodes", "trainer.nnodes", "trainer.nnodes", "(`NNODES`)", "(`accelerate launch`)",
            "The script of ms-swift has one node by default, since it is started on each.",
        ),
        Setting(
            "node_gpus", "GPUs of a node", "trainer.n_gpus_per_node", "trainer.n_gpus_per_node", "(`GPUS_PER_NODE`)",
            "(`accelerate launch`)",
        ),
        Setting(
            "reward_cpus", "CPUs of a reward actor", "worker.reward.num_cpus=1", "(it has no such actor)",
            "(it has no such actor)", "(it has no such actor)",
            "The release renders in the reward's actor and gives it 4 GPUs as well. Here renders run on the CPUs "
            "of all nodes, and the encoder shares all GPUs.",
        ),
        Setting(
            "remote_code", "code from a model's repository is run", "worker.actor.model.trust_remote_code",
            "actor_rollout_ref.model.trust_remote_code*", "(never)", "(never)",
        ),
        Setting(
            "validation", "validation while it trains", "trainer.val_freq=-1 trainer.val_before_train=false",
            "trainer.test_freq=-1 trainer.val_before_train=false", "(`BENCHMARKS` is not set)",
            "(`eval_dataset` is not given)",
        ),
        Setting(
            "save_steps", "steps from checkpoint to checkpoint", "trainer.save_freq", "trainer.save_freq",
            "--save_steps", "save_steps",
        ),
        Setting(
            "save_limit", "checkpoints that are kept", "trainer.save_limit", "trainer.max_actor_ckpt_to_keep",
            "--save_total_limit", "save_total_limit",
        ),
    ),
}
# fmt: on
"""Every setting of the profile ``paper``, by subject. ``fast`` differs in ``FAST``."""

FAST = ("tensor_parallel", "gpu_memory", "batched_tokens", "offload")
"""What the profile ``fast`` changes: `make_plan` chooses the quickest that fits, and nothing of the update changes."""


def paper(trainer: str) -> dict[str, Any]:
    """Return the settings of the profile ``paper`` by the trainer's own keys.

    Args:
        trainer: "easyr1", "verl", "swift" or "trl".

    Returns:
        Values as Python has them, those for 16 GPUs.

    Example:
        >>> paper("trl")["loss_type"]
        'dapo'
        >>> GRPOConfig("output", use_vllm=True, bf16=True, **paper("trl"))  # doctest: +SKIP
    """
    found = (key for group in SETTINGS.values() for setting in group for key in setting.keys(trainer))
    return {key: _read(text) for key, text, _ in found}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(text: str) -> Any:
    """Read a value as YAML would, for the kinds that occur here."""
    constants = {"true": True, "false": False, "null": None}
    if text in constants:
        return constants[text]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
