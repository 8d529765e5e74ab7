"""``vincicoder doctor --attack``: try the attacks on this machine and show what stopped each."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable

from vincicoder.attacks.attack import Result, Verdict
from vincicoder.cli.parser import FAULT, FINE

_DETAIL = 100  # characters shown of what is as it should be


def attack(options: argparse.Namespace) -> int:
    """Try what was asked for, print it, and return the exit code."""
    from vincicoder.attacks.collection import ATTACKS, select
    from vincicoder.attacks.runner import Options, run

    chosen = list(ATTACKS) if options.only is None else select(options.only)
    settings = Options(options.python, options.browser, options.namespaces is not False, options.workers)
    done = 0

    def progress(result: Result) -> None:
        nonlocal done
        done += 1
        if sys.stderr.isatty():
            print(f"\r{done}/{len(chosen)} {result.attack.title:<40}", end="", file=sys.stderr, flush=True)

    results = run(chosen, settings, progress)
    if sys.stderr.isatty():
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    fine = not any(result.failed for result in results)
    if options.json:
        found = {"ok": fine, "counts": counts(results), "attacks": [result.to_dict() for result in results]}
        print(json.dumps(found))
    else:
        print(table(results))
    return FINE if fine else FAULT


def counts(results: Iterable[Result]) -> dict[str, int]:
    """Return how many results there are of each verdict."""
    found = Counter(result.verdict for result in results)
    return {verdict.value: found[verdict] for verdict in Verdict}


def table(results: Iterable[Result]) -> str:
    """Return the results as text, what failed once more at the end."""
    results = list(results)
    lines = [_line(result) for result in results]
    failed = [f"{_line(result)}\n{'':<10} it tried to {result.attack.tries}" for result in results if result.failed]
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts(results).items() if count)
    return "\n".join([*lines, *(["", "failed:", *failed] if failed else []), "", summary])


def _line(result: Result) -> str:
    layer = str(result.layer or "-")
    layer = layer if result.observed or result.layer is None else f"({layer})"
    detail = result.detail if result.failed or result.verdict is Verdict.NOT_RUN else result.detail[:_DETAIL]
    return f"{result.verdict.value:<11} {result.attack.title:<37} {layer:<22} {detail}".rstrip()
