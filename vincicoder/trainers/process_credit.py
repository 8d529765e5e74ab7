"""Process credit for TRL's GRPO: what each stroke brought is added to the advantage of its tokens.

``vincicoder.trainers.credit`` has the formula.
"""

from __future__ import annotations

from typing import Any

from vincicoder.errors import ConfigError
from vincicoder.trainers.completions import CompletionReward
from vincicoder.trainers.credit import NO_PREFIXES, Credit, in_tokens


class ProcessCredit:
    """Makes a ``trl.GRPOTrainer`` learn from prefix scores too, as a base class in front of it.

    One of the trainer's rewards must be a `CompletionReward` with prefixes. The log has ``vincicoder/process_credit``,
    the mean over tokens of what was added to their advantage, and ``vincicoder/process_share``, the share of
    completions that had prefixes.

    Args:
        args: What ``GRPOTrainer`` takes.
        process_weight: See `Credit`; with 0 the advantages are TRL's own.
        process_discount: See `Credit`.
        options: What ``GRPOTrainer`` takes.

    Raises:
        ConfigError: No reward scores prefixes, or something is asked for that needs one advantage a completion.

    Example:
        >>> class Trainer(ProcessCredit, GRPOTrainer):  # doctest: +SKIP
        ...     pass
        >>> reward = CompletionReward(encoder="embedded", prefixes=20)  # doctest: +SKIP
        >>> Trainer(model, [reward], train_dataset=rows, process_weight=10).train()  # doctest: +SKIP
    """

    def __init__(self, *args: Any, process_weight: float = 10.0, process_discount: float = 0.9, **options: Any) -> None:
        self._credit = Credit(process_weight, process_discount)
        super().__init__(*args, **options)
        trainer: Any = self
        scoring = [each for each in trainer.reward_funcs if isinstance(each, CompletionReward) and each.scores_prefixes]
        if not scoring:
            raise ConfigError("process credit needs prefix scores; give a reward of CompletionReward(..., prefixes=20)")
        known = {name: getattr(trainer, name, None) for name in ("tools", "environments")}
        known["use_liger_kernel"] = trainer.args.use_liger_kernel
        if refused := [name for name, value in known.items() if value]:
            raise ConfigError(f"process credit gives each token an advantage, which {refused[0]} does not go with")
        self._scoring = scoring[0]

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        """Add process credit to what TRL makes of a batch."""
        import torch

        trainer: Any = self
        batch: dict[str, Any] = super()._generate_and_score_completions(inputs)  # type: ignore[misc]
        if not self._credit.weight:
            return batch
        mask = batch["completion_mask"]
        samples = self._samples(batch["completion_ids"], mask)
        added = torch.as_tensor(self._credit.advantages(samples, mask.shape[1])).to(batch["advantages"]) * mask
        batch["advantages"] = batch["advantages"].unsqueeze(1) + added
        shares = torch.tensor([float(each != NO_PREFIXES) for each in samples], device=added.device)
        metrics = trainer._metrics["train" if trainer.model.training else "eval"]
        for name, values in (("credit", added[mask.bool()]), ("share", shares)):
            mean = trainer.accelerator.gather(values.mean()).mean().item()
            metrics[f"vincicoder/process_{name}"].append(mean)
        return batch

    def _samples(self, completions: Any, mask: Any) -> list[str]:
        """Return the prefix scores of this process's completions, with tokens in place of characters."""
        trainer: Any = self
        tokenizer = getattr(trainer.processing_class, "tokenizer", trainer.processing_class)
        samples = []
        for scores, row, kept in zip(self._scoring.prefixes, completions, mask, strict=True):
            tokens = row[kept.bool()].tolist()
            text = tokenizer.decode(tokens, skip_special_tokens=True)
            samples.append(in_tokens(scores, text, tokens, tokenizer))
        return samples
