"""What a measure that is off is likely to come from."""

from __future__ import annotations

from vincicoder.runs import window
from vincicoder.runs.log import Log
from vincicoder.trainers.metrics import FLAGS, LANGUAGE

_SHOWN = 0.01  # a share of responses below this explains nothing

_HIGH = {
    "length": "answers run on: look at `cut`, and at responses for repetition",
    "cut": "answers do not end: repetition, or a limit of tokens that is too low for this data",
    "entropy": "the policy is coming apart: lower the learning rate, and look at the divergence from the engine",
    "clip": "more than one update a batch, or an engine whose probabilities differ from the trainer's",
    "kl": "the engine's weights, precision or sampling differ from the trainer's: compare its version and dtype, and "
    "switch on the trainer's correction",
    "grad_norm": "one batch weighs too much: look for very long or repeated responses",
    "reward_share": "rendering or the encoder is slower than the rest of the step: give the nodes more cores for "
    "renders, or the encoder another GPU; `vincicoder plan` says how many cores hide it",
    "below_noise": "most groups have equal rewards, so there is nothing to learn from: choose harder or easier rows",
    "loss": "the learning rate, or rows in another form than the template expects",
    "timeout": "code that hangs, or a machine whose cores are taken by something else",
    "over_limit": "code that draws without end, or images over the limit of pixels",
    "forbidden": "the policy tries what the sandbox forbids: look at the messages of these responses",
    "guarded": "the policy has found blank or copied images: look at responses with these statuses",
    "infrastructure": "this machine failed, not the model: run `vincicoder doctor` on every node",
    "stand_in_unknown": "whole groups failed because of the machine: run `vincicoder doctor` on every node",
    "bad_target": "images of the data cannot be read",
    "bad_request": "rows do not say their language: see the page of the trainer for where it comes from",
}
_LOW = {
    "length": "answers are getting short: the reward may pay for empty or trivial drawings; look at responses",
    "entropy": "the policy has become certain and explores no more: lower the learning rate, or raise the temperature",
    "alignment": "answers in another language, or without a fence: compare the prompt template with that of the stage "
    "before",
    "grad_norm": "nothing is learned: look at `below_noise`, and whether the parameters are frozen",
    "token_accuracy": "the learning rate, or rows in another form than the template expects",
}


def cause(log: Log, measure: str, low: bool) -> str:
    """Return what a measure that is too low or too high is likely to come from, or "" if nothing is known.

    Args:
        log: The log.
        measure: The measure.
        low: Whether it is too low.

    Example:
        >>> cause(Log("trl", None, ()), "cut", low=False)
        'answers do not end: repetition, or a limit of tokens that is too low for this data'
    """
    if measure in ("reward", "execution") or measure.startswith(LANGUAGE):
        return _of_rewards(log, measure) if low else ""
    return (_LOW if low else _HIGH).get(measure, "")


def _of_rewards(log: Log, measure: str) -> str:
    """Say where responses lose their reward, and what grew."""
    losses = {name: window.last(log, name) for name in FLAGS}
    alignment = window.last(log, "alignment")
    losses["no aligned code"] = None if alignment is None else 1 - alignment
    shown = sorted(((share, name) for name, share in losses.items() if share and share >= _SHOWN), reverse=True)[:3]
    parts = [f"{name} {share:.2f}{_grown(log, name)}" for share, name in shown]
    if not measure.startswith(LANGUAGE):
        parts += _languages(log)
    cut = window.last(log, "cut")
    if cut is not None and cut >= 0.05:
        parts.append(f"{cut:.0%} of responses are cut at the limit of tokens")
    if measure == "reward":
        noise = window.last(log, "below_noise")
        if noise is not None and noise > 0.5:
            parts.append(f"{noise:.0%} of groups differ by less than the noise of drawing")
        if not parts and (window.last(log, "execution") or 0) > 0.9:
            return "nearly all code runs, so what is lost is likeness: look at the worst responses in a gallery"
    known = [name for name in losses if log.series(name)]
    if not parts and not known and log.trainer == "verl":
        return "verl's log does not say; set trainer.rollout_data_dir to a directory called rollouts in the run's own"
    return "; ".join(parts)


def _grown(log: Log, name: str) -> str:
    begin = window.first(log, name)
    return f" (was {begin:.2f})" if begin is not None and window.change(log, name) >= _SHOWN else ""


def _languages(log: Log) -> list[str]:
    """Name the language whose code runs least, if it stands out."""
    suffix = "/execution"
    names = [name for name in log.measures if name.startswith(LANGUAGE) and name.endswith(suffix)]
    shares = {name: share for name in names if (share := window.last(log, name)) is not None}
    if len(shares) < 2:
        return []
    worst = min(shares, key=lambda name: shares[name])
    rest = [share for name, share in shares.items() if name != worst]
    if shares[worst] > sum(rest) / len(rest) - 0.1:
        return []
    return [f"{worst.removeprefix(LANGUAGE).removesuffix(suffix)} runs least ({shares[worst]:.2f})"]
