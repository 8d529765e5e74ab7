"""The record of what users and tools rely on: names, keys, flags, statuses, exit codes and scores.

``golden.json`` is compared with what is there now by ``test_golden.py``; ``golden_compare.py`` has the rules, and
``changes.md`` the differences that are intended. Everything is collected through public doors, so that the record
outlives a move of modules: names of ``vincicoder``, its command line, ``verl_rewards/*.py`` and ``swift_plugins/*.py`` by
path, and ``examples/*.sh``.

Record again, all of it or some sections::

    python tests/golden/record.py --write [SECTION ...]

What was added is then held too, and the lines of ``changes.md`` that the new record contains have to go to its second
table. It takes some minutes and needs everything that the tests need. Without ``--write`` it only says what differs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]

import golden_commands  # noqa: E402
import golden_names  # noqa: E402
import golden_scores  # noqa: E402
import golden_scripts  # noqa: E402
import golden_serve  # noqa: E402
import golden_trainers  # noqa: E402
from golden_compare import Difference, at, differences  # noqa: E402
from golden_dinov2 import save_dinov2  # noqa: E402

RECORD = HERE / "golden.json"
CHANGES = HERE / "changes.md"
DINOV2_PAIRS = ("chart", "molecule")
"""Domains of the exact pairs that the tiny DINOv2 compares; their targets have few tiles."""

_WIDTH = 120


def _in_new_directory(collect: Callable[[Path], Any]) -> Any:
    with tempfile.TemporaryDirectory() as directory:
        return collect(Path(directory))


def _dinov2_pairs(directory: Path) -> Any:
    return golden_scores.exact_rows(str(save_dinov2(directory)), DINOV2_PAIRS)


def _dinov2_samples(directory: Path) -> Any:
    return golden_scores.sample_rows(str(save_dinov2(directory)), golden_scores.of_every_status())


SECTIONS: dict[str, Callable[[], Any]] = {
    "machine": golden_scores.machine,
    "names": golden_names.names,
    "cli": partial(_in_new_directory, golden_commands.commands),
    "doctor": lambda: golden_commands.doctor(golden_commands.checks()),
    "recipes": golden_commands.recipes,
    "scripts": golden_scripts.scripts,
    "trainers.easyr1": golden_trainers.easyr1,
    "trainers.verl": golden_trainers.verl,
    "trainers.verl_manager": golden_trainers.verl_manager,
    "trainers.completions": golden_trainers.completions,
    "trainers.swift": golden_trainers.swift,
    "serve": golden_serve.serve,
    "scores.exact": partial(golden_scores.exact_rows, "embedded"),
    "scores.exact_dinov2": partial(_in_new_directory, _dinov2_pairs),
    "scores.options": golden_scores.option_rows,
    "scores.samples": lambda: golden_scores.sample_rows("embedded", [*golden_scores.quick(), *golden_scores.rest()]),
    "scores.dinov2": partial(_in_new_directory, _dinov2_samples),
}
"""Every part of the record by its path, and what collects it."""


def read() -> dict[str, Any]:
    """Return the record."""
    record: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return record


def plain(value: Any) -> Any:
    """Return a measurement as it comes back from JSON, with six decimals."""
    return json.loads(json.dumps(value), parse_float=lambda text: round(float(text), 6))


def compare(section: str, recorded: Any, measured: Any, like_the_record: bool) -> list[Difference]:
    """Return in what a section differs from its record.

    Args:
        section: Its path.
        recorded: The record of it.
        measured: What is there now; of the sample set perhaps a part.
        like_the_record: Whether this machine renders as the one of the record does.
    """
    if section in ("scores.samples", "scores.dinov2"):
        return list(golden_scores.row_differences(recorded, measured, section, like_the_record))
    tolerance = golden_scores.EXACT_TOLERANCE["dinov2" if section.endswith("dinov2") else "embedded"]
    if section.startswith("scores."):
        recorded = {name: {key: each[key] for key in each if key != "pixels"} for name, each in recorded.items()}
    return list(differences(recorded, measured, section, tolerance))


def shown(value: Any, indent: int = 0) -> str:
    """Return JSON that is as short as it can be read: what fits into a line stands in one."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) + indent <= _WIDTH or not isinstance(value, (dict, list)):
        return text
    space = " " * (indent + 1)
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key, ensure_ascii=False)}: {shown(each, indent + 1)}" for key, each in value.items())
        return "{\n" + ",\n".join(space + pair for pair in pairs) + f"\n{' ' * indent}}}"
    lines = [""]
    for each in (json.dumps(each, ensure_ascii=False) for each in value):
        if lines[-1] and len(space + lines[-1] + each) > _WIDTH:
            lines.append("")
        lines[-1] += f"{each}, "
    return "[\n" + "\n".join(space + line.rstrip() for line in lines).rstrip(",") + f"\n{' ' * indent}]"


def _put(record: dict[str, Any], section: str, value: Any) -> None:
    *above, last = section.split(".")
    for key in above:
        record = record.setdefault(key, {})
    record[last] = value


def main(arguments: Sequence[str] | None = None) -> int:
    """Record, or say what differs; return the exit code: 1 if something differs and was not written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of: {', '.join(SECTIONS)} (default: all)")
    parser.add_argument("--write", action="store_true", help="write the record; else only say what differs")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.sections if name not in SECTIONS]:
        parser.error(f"there is no section {unknown[0]}")
    record = read() if RECORD.exists() else {}
    alike = golden_scores.machine() == record.get("machine")
    found: list[Difference] = []
    for section in options.sections or SECTIONS:
        if section == "machine" and not options.write:
            continue
        print(f"collecting {section}", file=sys.stderr)
        measured = plain(SECTIONS[section]())
        if options.write:
            _put(record, section, measured)
            RECORD.write_text(shown(record) + "\n", encoding="utf-8")
        else:
            found += compare(section, at(record, section), measured, alike)
    for difference in found:
        print(difference)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
