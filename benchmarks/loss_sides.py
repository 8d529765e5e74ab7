"""One trainer's real loss on fixed responses: ``loss_parity.py`` starts a process of this file for each trainer.

It reads JSON from standard input: ``trainer``, and as ``runs`` settings by the trainer's own keys. The last line that
it writes is JSON, for each run: the ``advantages`` of the 16 responses, and the ``gradients`` of a tiny model by case.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

Settings = Mapping[str, Any]
GROUPS, SIZE, AT_A_TIME = 2, 8, 4
"""Two prompts with eight responses each, four of which go through the model at a time."""
PROMPT, LONGEST, WORDS = 5, 12, 40
PAD, END = 0, 1
FIRST, LATER = "first update", "later update"
"""The cases: the model that wrote the responses is the one that learns, or an older one, so that ratios are clipped."""


@dataclass(frozen=True)
class Samples:
    """What every trainer gets.

    Attributes:
        model: A causal language model with random weights, in double precision.
        prompts: Tokens, [16, 5]; no padding.
        responses: Tokens, [16, 12], padded on the right.
        mask: 1 for tokens of a response, [16, 12]. One response is cut off at its end.
        rewards: [16], continuous.
        old: Log-probabilities of the older model, [16, 12].
    """

    model: nn.Module
    prompts: Tensor
    responses: Tensor
    mask: Tensor
    rewards: Tensor
    old: Tensor

    @property
    def ids(self) -> Tensor:
        """Prompts and responses, [16, 17]."""
        return torch.cat([self.prompts, self.responses], dim=1)

    @property
    def attention(self) -> Tensor:
        """What of these is no padding."""
        return torch.cat([torch.ones_like(self.prompts), self.mask], dim=1)

    def log_probabilities(self) -> Tensor:
        """Return those of the model's own responses, [16, 12], without gradients."""
        with torch.no_grad():
            logits = self.model(input_ids=self.ids, attention_mask=self.attention).logits[:, PROMPT - 1 : -1]
        return logits.log_softmax(-1).gather(-1, self.responses.unsqueeze(-1)).squeeze(-1)

    def old_of(self, case: str) -> Tensor:
        """Return the log-probabilities that the ratio is taken to."""
        return self.log_probabilities() if case == FIRST else self.old

    def gradient(self) -> list[float]:
        """Return the gradient of all parameters, and set it to none."""
        found = torch.cat([each.grad.flatten() for each in self.model.parameters()])
        self.model.zero_grad()
        return found.tolist()


def make_samples() -> Samples:
    """Return the samples; every process makes the same."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    chance = random.Random(0)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = Qwen2Config(vocab_size=WORDS, num_key_value_heads=2, initializer_range=0.3, **sizes)
    model = Qwen2ForCausalLM(config).double()
    lengths = [LONGEST, *(chance.randint(3, LONGEST - 1) for _ in range(GROUPS * SIZE - 1))]
    prompts = [[chance.randrange(2, WORDS) for _ in range(PROMPT)] for _ in range(GROUPS)]
    responses = [
        [chance.randrange(2, WORDS) for _ in range(length - (length < LONGEST))] + [END] * (length < LONGEST)
        for length in lengths
    ]
    samples = Samples(
        model,
        torch.tensor([prompts[index // SIZE] for index in range(GROUPS * SIZE)]),
        torch.tensor([each + [PAD] * (LONGEST - len(each)) for each in responses]),
        torch.tensor([[1] * length + [0] * (LONGEST - length) for length in lengths]),
        torch.tensor([chance.uniform(0.2, 0.9) for _ in range(GROUPS * SIZE)]),
        torch.zeros(()),
    )
    shift = torch.tensor([[chance.gauss(0, 0.7) for _ in range(LONGEST)] for _ in lengths], dtype=torch.float64)
    return Samples(**{**vars(samples), "old": samples.log_probabilities() + shift})


def easyr1(samples: Samples, settings: Settings) -> tuple[Tensor, dict[str, list[float]]]:
    """EasyR1's advantages and its actor's update; ``verl`` on the path is EasyR1's package."""
    import torch.distributed as dist
    from tensordict import TensorDict
    from verl.protocol import DataProto
    from verl.trainer.core_algos import compute_grpo_outcome_advantage
    from verl.workers.actor import dp_actor
    from verl.workers.actor.config import ActorConfig

    dp_actor.tqdm = lambda batches, **_: batches  # its bars are Ray's
    if not dist.is_initialized():
        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    actor = ActorConfig(padding_free=False, dynamic_batching=False, use_torch_compile=False)
    actor.micro_batch_size_per_device_for_update = AT_A_TIME
    actor.global_batch_size_per_device = GROUPS * SIZE
    for name in ("clip_ratio_low", "clip_ratio_high", "clip_ratio_dual", "loss_avg_mode", "ppo_epochs"):
        setattr(actor, name, settings[f"worker.actor.{name}"])
    outcome = _at_the_end(samples)
    advantages, _ = compute_grpo_outcome_advantage(outcome, samples.mask, _groups())
    gradients = {}
    for case in (FIRST, LATER):
        taken: list[list[float]] = []
        optimizer = SimpleNamespace(step=lambda taken=taken: taken.append(samples.gradient()), zero_grad=lambda: None)
        worker = dp_actor.DataParallelPPOActor(actor, samples.model, optimizer)
        actor.max_grad_norm = float("inf")  # the gradient is compared before it is shortened
        batch = {
            "input_ids": samples.ids,
            "attention_mask": samples.attention,
            "position_ids": torch.arange(PROMPT + LONGEST).repeat(GROUPS * SIZE, 1),
            "responses": samples.responses,
            "response_mask": samples.mask,
            "old_log_probs": samples.old_of(case),
            "advantages": advantages,
        }
        worker.update_policy(DataProto(TensorDict(batch, GROUPS * SIZE), meta_info={"temperature": 1.0}))
        [gradients[case]] = taken
    return advantages[:, 0], gradients


def verl(samples: Samples, settings: Settings) -> tuple[Tensor, dict[str, list[float]]]:
    """The advantages of verl, and its actor's loss with the configuration that Hydra composes."""
    import verl as package
    from hydra import compose, initialize_config_dir
    from tensordict import TensorDict
    from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage
    from verl.utils.config import omega_conf_to_dataclass
    from verl.workers.utils.losses import ppo_loss

    folder = str(Path(package.__file__).parent / "trainer" / "config")
    given = [f"{key}={json.dumps(value)}" for key, value in settings.items()]
    with initialize_config_dir(config_dir=folder, version_base=None):
        composed = compose("ppo_trainer", overrides=[*given, "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=4"])
    actor = omega_conf_to_dataclass(composed.actor_rollout_ref.actor)
    scaled = composed.algorithm.norm_adv_by_std_in_grpo
    outcome = _at_the_end(samples)
    advantages, _ = compute_grpo_outcome_advantage(outcome, samples.mask, _groups(), norm_adv_by_std_in_grpo=scaled)
    gradients = {}
    for case in (FIRST, LATER):
        old = samples.old_of(case)
        for part in torch.arange(GROUPS * SIZE).split(AT_A_TIME):
            output = samples.model(input_ids=samples.ids[part], attention_mask=samples.attention[part])
            following = samples.ids[part].roll(-1, dims=1).unsqueeze(-1)
            found = output.logits.log_softmax(-1).gather(-1, following).squeeze(-1)
            batch = {
                "prompts": samples.prompts[part],
                "responses": samples.responses[part],
                "attention_mask": samples.attention[part],
                "response_mask": samples.mask[part],
                "old_log_probs": old[part],
                "advantages": advantages[part],
            }
            data = TensorDict(batch, AT_A_TIME)
            whole = {"dp_size": 1, "batch_num_tokens": int(samples.mask.sum()), "global_batch_size": GROUPS * SIZE}
            for name, value in whole.items():
                data.set_non_tensor(name, value)
            loss, _ = ppo_loss(actor, {"log_probs": found[samples.attention[part].bool()]}, data)
            loss.backward()
        gradients[case] = samples.gradient()
    return advantages[:, 0], gradients


def swift(samples: Samples, settings: Settings) -> tuple[Tensor, dict[str, list[float]]]:
    """ms-swift's advantages, and its GRPO trainer's loss with the arguments that its parser makes of the flags."""
    from swift.arguments import RLHFArguments
    from swift.rl_core.advantage import compute_advantages
    from swift.rl_core.data import GRPOBatch
    from swift.rlhf_trainers.grpo_trainer import GRPOTrainer
    from transformers import HfArgumentParser

    flags = [word for key, value in settings.items() for word in (key, _flag(value))]
    args, _ = argparse.ArgumentParser.parse_known_args(HfArgumentParser(RLHFArguments), flags)
    args.loss_type = args.loss_type[0]  # as its arguments do, which would load a model before
    advantages, _ = compute_advantages(
        *(samples.rewards.unsqueeze(1), torch.tensor(args.reward_weights or [1.0]), SIZE),
        args.advantage_estimator,
        args.scale_rewards,
    )
    trainer = GRPOTrainer.__new__(GRPOTrainer)  # without rollouts, data and engine, which its loss does not ask for
    trainer.args, trainer.model, trainer.beta = args, samples.model, args.beta
    trainer.template = SimpleNamespace(padding_free=False, sequence_parallel_size=1)
    trainer.accelerator = SimpleNamespace(num_processes=1, is_main_process=True, gather_for_metrics=lambda found: found)
    trainer.model_kwarg_keys = ("logits_to_keep", "use_cache")
    trainer.temperature, trainer.compute_entropy, trainer.dynamic_num_samples = 1.0, False, False
    trainer.disable_rollout_importance_sampling, trainer._has_teacher = False, False
    trainer.chord_sft_iterator = trainer.compute_loss_func = None
    trainer.model_accepts_loss_kwargs = False
    trainer._prepare_algorithm_params()
    steps = GROUPS * SIZE // AT_A_TIME
    trainer.current_gradient_accumulation_steps = steps
    gradients = {}
    for case in (FIRST, LATER):
        old = samples.old_of(case)
        for part in torch.arange(GROUPS * SIZE).split(AT_A_TIME):
            batch = GRPOBatch(
                completion_mask=samples.mask[part].bool(),
                truncated_mask=_truncated(samples)[part],
                seq_lengths=samples.attention[part].sum(1),
                old_per_token_logps=old[part],
                advantages=advantages[part].unsqueeze(1).expand(-1, LONGEST),
                num_items_in_batch=samples.mask.sum(),
                logits_to_keep=LONGEST,
            )
            inputs = {"input_ids": samples.ids[part], "attention_mask": samples.attention[part]}
            loss, _ = trainer._compute_loss_and_metrics(samples.model, inputs, batch)
            (loss / steps).backward()  # as transformers' trainer divides it
        gradients[case] = samples.gradient()
    return advantages, gradients


def trl(samples: Samples, settings: Settings) -> tuple[Tensor, dict[str, list[float]]]:
    """A step of TRL's whole trainer, to which the responses are handed as if it had written them."""
    from datasets import Dataset
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    words = Tokenizer(models.WordLevel({f"w{index}": index for index in range(WORDS)}, unk_token="w2"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="w0", eos_token="w1")
    prompts = samples.prompts.tolist()
    advantages: list[Tensor] = []
    gradients: dict[str, list[float]] = {}
    now = SimpleNamespace(case=FIRST)

    def written(*_: Any) -> dict[str, Any]:
        found = [
            ids[: int(length)].tolist() for ids, length in zip(samples.responses, samples.mask.sum(1), strict=True)
        ]
        return {"prompt_ids": prompts, "completion_ids": found, "logprobs": None}

    class Given(GRPOTrainer):
        """Knows which case it is of; without vLLM it takes the ratio to the learning model itself."""

        def _generate_and_score_completions(self, inputs: Any) -> Any:
            batch = super()._generate_and_score_completions(inputs)
            advantages.append(batch["advantages"])
            return {**batch, "old_per_token_logps": samples.old_of(now.case)}

    class Take(TrainerCallback):
        """Takes the gradient away before the optimizer sees it."""

        def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
            gradients[now.case] = samples.gradient()

    given = {**settings, "per_device_train_batch_size": AT_A_TIME, "max_grad_norm": 0.0, "shuffle_dataset": False}
    given |= {
        "use_cpu": True,
        "bf16": False,
        "max_steps": 1,
        "report_to": [],
        "disable_tqdm": True,
        "save_strategy": "no",
    }
    given |= {"gradient_accumulation_steps": GROUPS * SIZE // AT_A_TIME, "gradient_checkpointing": False}
    rows = Dataset.from_list([{"prompt": f"prompt {group}"} for group in range(GROUPS)])
    for now.case in (FIRST, LATER):
        with tempfile.TemporaryDirectory() as directory:
            config = GRPOConfig(directory, **given)
            trainer = Given(
                samples.model,
                lambda **_: samples.rewards.tolist(),
                args=config,
                train_dataset=rows,
                processing_class=tokenizer,
                rollout_func=written,
                callbacks=[Take()],
            )
            trainer.train()
    return advantages[0], gradients


SIDES: dict[str, Callable[[Samples, Settings], tuple[Tensor, dict[str, list[float]]]]] = {
    "easyr1": easyr1,
    "verl": verl,
    "swift": swift,
    "trl": trl,
}


def _at_the_end(samples: Samples) -> Tensor:
    """Return the rewards at the last token of each response, [16, 12], as verl and EasyR1 have them."""
    last = torch.arange(LONGEST) == samples.mask.sum(1, keepdim=True) - 1
    return samples.rewards.unsqueeze(1) * last


def _groups() -> Any:
    import numpy as np

    return np.array([str(index // SIZE) for index in range(GROUPS * SIZE)], dtype=object)


def _truncated(samples: Samples) -> Tensor:
    return samples.mask.sum(1) == LONGEST


def _flag(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    found = [SIDES[request["trainer"]](make_samples(), settings) for settings in request["runs"]]
    print(json.dumps([{"advantages": each.tolist(), "gradients": gradients} for each, gradients in found]))


if __name__ == "__main__":
    main()
