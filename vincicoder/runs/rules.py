"""What is off in any run, whatever its recipe. Each rule says where its threshold comes from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from vincicoder.runs import window
from vincicoder.runs.causes import cause
from vincicoder.runs.finding import Finding, Level
from vincicoder.runs.log import Log
from vincicoder.trainers.metrics import LANGUAGE

FLAT_AFTER = 20  # steps; the mean of five at either end is then good to 0.01 even for small batches
FLAT = 0.005  # what the reward changes by where only the rendering differs: the default of the option `noise`
FALL = 0.05  # of a share of responses; ten times what chance moves the mean of five steps of 2,048
SHORTER = 0.6  # of the first length. Learning to stop takes off some, but not nearly half of working code
SURER = 0.2  # of the first entropy
MACHINE = 0.01  # share of responses; a healthy node has none, and a fault now and then is made up for by siblings
GUARDED = 0.05  # share of responses; an honest policy now and then leaves a page blank
SLOW = 0.25  # share of a step; `vincicoder plan` has at most a tenth for settings that fit
FEW = 3  # entries below which nothing is judged


def findings(log: Log) -> list[Finding]:
    """Return what is off in a log by the rules for all runs.

    Args:
        log: The log.
    """
    return [found for rule in _RULES for found in rule(log)]


def _finding(log: Log, level: Level, measure: str, message: str, low: bool) -> Finding:
    step, value = log.series(measure)[-1]
    mean = window.last(log, measure)
    return Finding(level, measure, step, value if mean is None else mean, message, cause(log, measure, low))


def _not_finite(log: Log) -> Iterator[Finding]:
    for measure in log.measures:
        step, value = log.series(measure)[-1]
        if not math.isfinite(value):
            message = f"{measure} is no longer a number"
            yield Finding(
                Level.STOP, measure, step, value, message, "go back to the last checkpoint with a lower learning rate"
            )


def _flat(log: Log) -> Iterator[Finding]:
    steps = log.series("reward")
    if len(steps) < FLAT_AFTER or not math.isfinite(window.change(log, "reward")):
        return
    gain = window.change(log, "reward")
    if gain < -FALL:
        yield _finding(log, Level.STOP, "reward", f"the reward has fallen by {-gain:.3f} since the first steps", True)
    elif gain < FLAT:
        message = f"the reward is flat: {gain:+.3f} in {steps[-1][0] - steps[0][0]} steps"
        yield _finding(log, Level.OFF, "reward", message, True)


def _execution(log: Log) -> Iterator[Finding]:
    by_language = [name for name in log.measures if name.startswith(LANGUAGE) and name.endswith("/execution")]
    for measure in ["execution", *by_language]:
        highest, now = window.best(log, measure), window.last(log, measure)
        if highest is not None and now is not None and highest - now > FALL:
            name = measure.split("/")[1] if measure in by_language else ""
            whose = f"of {name} code" if name else "of all code"
            message = f"the share {whose} that runs has fallen from {highest:.2f} to {now:.2f}"
            yield _finding(log, Level.OFF, measure, message, True)


def _length(log: Log) -> Iterator[Finding]:
    begin, now = window.first(log, "length"), window.last(log, "length")
    if len(log.series("length")) < 2 * window.STEPS or begin is None or now is None:
        return
    if now < SHORTER * begin:
        message = f"responses have shrunk from {begin:,.0f} to {now:,.0f} tokens"
        yield _finding(log, Level.OFF, "length", message, True)


def _entropy(log: Log) -> Iterator[Finding]:
    begin, now = window.first(log, "entropy"), window.last(log, "entropy")
    if len(log.series("entropy")) < 2 * window.STEPS or begin is None or now is None:
        return
    if now < SURER * begin:
        yield _finding(log, Level.OFF, "entropy", f"entropy has fallen from {begin:.3f} to {now:.3f}", True)


def _above(measure: str, limit: float, level: Level, message: str) -> Callable[[Log], Iterator[Finding]]:
    def rule(log: Log) -> Iterator[Finding]:
        now = window.last(log, measure)
        if len(log.series(measure)) >= FEW and now is not None and now > limit:
            yield _finding(log, level, measure, message.format(now), False)

    return rule


_RULES: tuple[Callable[[Log], Iterator[Finding]], ...] = (
    _not_finite,
    _flat,
    _execution,
    _length,
    _entropy,
    _above("infrastructure", MACHINE, Level.OFF, "the machine failed to score {:.1%} of responses"),
    _above(
        "stand_in_unknown", MACHINE, Level.OFF, "{:.1%} of responses have the mean of other prompts as their reward"
    ),
    _above("bad_target", 0.0, Level.NOTE, "the target of {:.1%} of responses cannot be read"),
    _above("bad_request", 0.0, Level.NOTE, "{:.1%} of responses are to rows that cannot be used"),
    _above("guarded", GUARDED, Level.OFF, "{:.1%} of responses are blank, copied or forged images"),
    _above("reward_share", SLOW, Level.NOTE, "the trainer waits for the reward in {:.0%} of a step"),
)
