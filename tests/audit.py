"""Known faults in what the package asks for: are the oldest versions that it allows safe?

    make audit        or: python tests/audit.py [--installed]

The first part needs no network: no lower bound in ``pyproject.toml`` may allow a version of `FIRST_SAFE`'s list. The
second asks PyPI's database of advisories by pip-audit (``pip install pip-audit``), about every lower bound, and with
``--installed`` about every package that is installed, which takes minutes. Where pip-audit is missing or the database
cannot be reached, it says "not run" and is no failure.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

FIRST_SAFE = {
    "cairosvg": ("2.7.0", "CVE-2023-27586"),
    "fastapi": ("0.109.1", "CVE-2024-24762"),
    "ms-swift": ("3.7.0", "CVE-2025-50460"),
    "opencv-python-headless": ("4.8.1.78", "CVE-2023-4863"),
    "pillow": ("10.3.0", "CVE-2024-28219"),
    "pyarrow": ("14.0.1", "CVE-2023-47248"),
    "ray": ("2.52.0", "CVE-2025-62593"),
    "tqdm": ("4.66.3", "CVE-2024-34062"),
}
"""The first version without a fault that can matter here, and the fault; one entry for each package, the newest."""

ACCEPTED = {
    "torch": "torch.load runs what a file of weights holds (CVE-2025-32434); weights come by safetensors",
    "transformers": "models that are never loaded here (CVE-2024-11392 to 11394); DINOv2 is not among them",
}
"""Packages whose lower bound allows known faults, and why these cannot matter. Trainers pin them, so it stays low."""

_SECONDS = 60


def lower_bounds() -> dict[str, str]:
    """Return the oldest version that the package allows of each that it asks for, developers' tools left out."""
    found = {}
    for requirement in map(Requirement, metadata.requires("vincicoder") or []):
        lowest = [each.version for each in requirement.specifier if each.operator in (">=", "==")]
        if lowest and (requirement.marker is None or 'extra == "dev"' not in str(requirement.marker)):
            found[requirement.name.lower()] = lowest[0]
    return found


def unsafe_bounds() -> list[str]:
    """Return the lower bounds that allow a fault in our list."""
    bounds = lower_bounds()
    return [
        f"{name}>={bounds[name]} allows {fault}; ask for {name}>={safe}"
        for name, (safe, fault) in FIRST_SAFE.items()
        if name in bounds and Version(bounds[name]) < Version(safe)
    ]


def advisories(*arguments: str, seconds: float = _SECONDS) -> list[str] | None:
    """Return a line for each advisory that pip-audit knows; None if it was not run, having said why."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "5"]
    try:
        run = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=seconds, check=False)
        packages = json.loads(run.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError) as error:
        reason = [] if isinstance(error, subprocess.TimeoutExpired) else run.stderr.strip().splitlines()
        print(f"not run: {reason[-1][:300] if reason else error}")
        return None
    known = [each for each in packages if "vulns" in each]
    if not known:
        print(f"not run: the database knows none of {len(packages)} packages, so it is not PyPI's")
        return None
    print(f"{len(known)} of {len(packages)} packages looked up")
    return [
        f"{each['name']} {each['version']}: {fault['id']} {', '.join(fault.get('aliases', []))}, fixed in "
        f"{', '.join(fault['fix_versions']) or 'no version'}"
        for each in known
        for fault in each["vulns"]
        if each["name"].lower() not in ACCEPTED
    ]


def _findings() -> Iterator[str]:
    print("lower bounds, by our list:")
    yield from unsafe_bounds()
    print("lower bounds, by the database of advisories:")
    with tempfile.TemporaryDirectory() as directory:
        pins = Path(directory) / "requirements.txt"
        pins.write_text("".join(f"{name}=={version}\n" for name, version in lower_bounds().items()))
        yield from advisories("--requirement", str(pins), "--no-deps", "--disable-pip") or []
    if "--installed" in sys.argv:
        print("what is installed, by the database of advisories:")
        yield from advisories("--skip-editable", seconds=20 * _SECONDS) or []


def main() -> int:
    """Print what is found; the exit code is 1 if anything is."""
    found = 0
    for finding in _findings():
        print(f"  {finding}")
        found += 1
    print(f"{found} findings")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
