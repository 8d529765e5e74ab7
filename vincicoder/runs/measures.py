"""What is read from a log: one name for each measure, whatever a trainer calls it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vincicoder.trainers.metrics import BY_LANGUAGE, FLAGS, LANGUAGE, UNKNOWN

MEASURES: dict[str, str] = {
    "reward": "mean reward that the trainer learns from",
    "execution": "share of responses whose code gave an image",
    "alignment": "share of responses in the requested language",
    "length": "mean response, in tokens",
    "cut": "share of responses that reached the limit of tokens",
    "entropy": "mean entropy of a token, in nats",
    "clip": "share of tokens whose ratio was clipped",
    "kl": "divergence between the engine that writes and the model that is trained, in nats a token",
    "grad_norm": "norm of the gradient, before it is clipped",
    "below_noise": "share of groups whose rewards differ by less than drawing them again does",
    "run_seconds": "seconds of the whole run, once it is over",
    "step_seconds": "seconds of a step",
    "reward_seconds": "seconds of a step that the trainer waits for the reward; for TRL and ms-swift at least so many",
    "reward_share": "reward_seconds over step_seconds",
    "loss": "loss of supervised fine-tuning",
    "token_accuracy": "share of tokens that were predicted right, in supervised fine-tuning",
    **{name: f"share of responses with the flag `{name}`" for name in FLAGS},
    UNKNOWN: "share of faults of the machine without a stand-in of their own prompt",
}
"""Every measure that is the same for all languages, with what it is. `LANGUAGE` metrics are measures too."""

OURS = ("execution", "alignment", *FLAGS, UNKNOWN)
"""Measures that are our own metrics, under their own names."""

Names = Mapping[str, tuple[str, ...]]
"""Names in a trainer's log by measure: the first that is there counts. ``a+b`` is the sum of two."""


def measured(raw: Mapping[str, float], names: Names, prefix: str) -> dict[str, float]:
    """Return the measures that a trainer's row has.

    Args:
        raw: Numbers by the trainer's names.
        names: The trainer's names of measures.
        prefix: What the trainer puts before the names of our metrics.

    Example:
        >>> measured({"a": 1.0, "b": 2.0, "x/execution": 0.5}, {"clip": ("a+b",)}, "x/")
        {'clip': 3.0, 'execution': 0.5}
    """
    ours = {name: (f"{prefix}{name}",) for name in OURS}
    found = dict(_found(raw, {**names, **ours}))
    found |= _of_languages(raw, f"{prefix}{LANGUAGE}")
    if "reward_seconds" in found and found.get("step_seconds", 0) > 0:
        found["reward_share"] = found["reward_seconds"] / found["step_seconds"]
    return found


def _of_languages(raw: Mapping[str, float], prefix: str) -> dict[str, float]:
    """Return the metrics of each language as means over its own samples; none for a language without any."""
    share = f"/{BY_LANGUAGE[0]}"
    found: dict[str, float] = {}
    for name, value in raw.items():
        if name.startswith(prefix) and name.endswith(share) and value > 0:
            language = name.removeprefix(prefix).removesuffix(share)
            named = {each: raw.get(f"{prefix}{language}/{each}") for each in BY_LANGUAGE[1:]}
            found |= {f"{LANGUAGE}{language}/{each}": of / value for each, of in named.items() if of is not None}
    return found


def _found(raw: Mapping[str, float], names: Names) -> Iterator[tuple[str, float]]:
    for measure, alternatives in names.items():
        for alternative in alternatives:
            parts = alternative.split("+")
            if all(part in raw for part in parts):
                yield measure, sum(raw[part] for part in parts)
                break
