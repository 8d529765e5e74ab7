"""Fuzz what reads hostile input, for any length of time.

    PYTHONPATH=tests/support python -m fuzz [--minutes 10] [--jobs 1] [TARGET ...]

It is led by coverage and needs atheris (``pip install atheris``: Python 3.11 to 3.13 on x86-64). Each target starts from
its corpus in ``tests/support/fuzz/corpus``, keeps what it finds interesting in ``runs/fuzz/TARGET/corpus`` for the next time,
and stops at the first input that breaks a promise, takes longer than 10 s or 2 GB; that input and the log lie beside it.
The exit code is 1 if there is one. To try such an input again: ``PYTHONPATH=tests/support python -m fuzz --input FILE TARGET``.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import CORPUS
from .targets import TARGETS
from .watch import ROOT

_LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=1", "-use_value_profile=0")


def fuzz(name: str, minutes: float, directory: Path) -> tuple[str, int, list[Path]]:
    """Fuzz one target.

    Args:
        name: Its name.
        minutes: How long.
        directory: Where its corpus, its log and what it finds are kept.

    Returns:
        The name, how many inputs were tried, and the inputs that break something.
    """
    grown, found = directory / "corpus", directory / "found"
    for each in (grown, found):
        each.mkdir(parents=True, exist_ok=True)
    words = directory / "words.txt"
    words.write_text("".join(f'"{_quoted(word)}"\n' for word in TARGETS[name].words))
    command = [sys.executable, "-m", "fuzz.campaign", name, str(found), *_LIMITS, f"-dict={words}"]
    command += [f"-max_total_time={minutes * 60:.0f}", f"-max_len={TARGETS[name].longest}"]
    command += [f"-artifact_prefix={found}/", str(grown), str(CORPUS / name)]
    with (directory / "log.txt").open("w") as log:
        status = subprocess.run(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, check=False).returncode
    text = (directory / "log.txt").read_text(errors="replace")
    units = re.search(r"number_of_executed_units: (\d+)", text)
    breaking = sorted(found.iterdir()) or ([directory / "log.txt"] if status else [])
    return name, int(units[1]) if units else 0, breaking


def _quoted(word: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in word)


def main() -> int:
    """Print a line for each target."""
    parser = argparse.ArgumentParser(
        prog="python -m fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--minutes", type=float, default=10, help="for each target (default 10)")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time (default 1)")
    parser.add_argument("--directory", type=Path, default=ROOT / "runs" / "fuzz", help="what is kept (runs/fuzz)")
    parser.add_argument("--input", type=Path, help="try this one input instead")
    args = parser.parse_args()
    if unknown := set(args.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    names = args.targets or list(TARGETS)
    if args.input is not None:
        for name in names:
            TARGETS[name].run(args.input.read_bytes())
        return 0
    if importlib.util.find_spec("atheris") is None:
        parser.error("atheris is missing: pip install atheris")
    failed = False
    with ThreadPoolExecutor(args.jobs) as threads:
        for name, tried, found in threads.map(lambda name: fuzz(name, args.minutes, args.directory / name), names):
            print(f"{name:10} {tried:>12,} inputs  {len(found)} found", *map(str, found), flush=True)
            failed = failed or bool(found)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
