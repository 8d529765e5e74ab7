"""How to get what rendering needs, as commands of bash: what ``install`` prints is what it runs."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from vincicoder._version import __version__
from vincicoder.languages import LANGUAGES, Language
from vincicoder.registry import install_command
from vincicoder.rendering.sandbox.user_directory import user_directory

FONTS = {"latin-font": ("fonts-dejavu-core", "fonts-liberation"), "cjk-font": ("fonts-noto-cjk",)}
"""Checks of fonts, and the Debian packages that bring what they look for."""

_NOTO_CJK = "https://github.com/notofonts/noto-cjk/releases/download/Sans2.004/03_NotoSansCJK-OTC.zip"


@dataclass(frozen=True)
class Step:
    """Something to install.

    Attributes:
        name: What for: a language, "fonts", "packages" or "weights".
        commands: Lines of bash; empty where no way is known.
        note: What to do where there is no way, or what to know.
    """

    name: str
    commands: tuple[str, ...]
    note: str = ""


def script(steps: Collection[Step]) -> str:
    """Return the steps as a script of bash."""
    parts = ["#!/usr/bin/env bash\nset -euo pipefail"]
    for step in steps:
        note = f": {step.note}" if step.note else ""
        parts.append("\n".join([f"# {step.name}{note}", *step.commands]))
    return "\n\n".join(parts)


# Where an administrator installs


def apt(packages: str) -> str:
    """Return the command that installs Debian packages."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get update && {sudo}apt-get install -y --no-install-recommends {packages}"


def is_debian() -> bool:
    """Return whether this is Debian itself; other systems have other packages, or the same that need a snap."""
    try:
        return platform.freedesktop_os_release().get("ID", "") == "debian"
    except OSError:
        return False


def system_steps(missing: Collection[str]) -> list[Step]:
    """Return how an administrator installs what is missing.

    Args:
        missing: Names of languages, and of checks of fonts.
    """
    steps = [Step(each.name, (renderer_fix(each, None),)) for each in LANGUAGES.values() if each.name in missing]
    fonts = " ".join(package for name, packages in FONTS.items() if name in missing for package in packages)
    return [*steps, Step("fonts", (apt(f"fontconfig {fonts}"),))] if fonts else steps


def renderer_fix(language: Language, python: str | None) -> str:
    """Return the command that installs what a renderer lacks, as far as it is known.

    Args:
        language: The language.
        python: Interpreter for generated Python, if it is another than this one.
    """
    needs = language.install
    command = needs.command.format(python=shlex.quote(sys.executable))
    pip = _pip(language, python)
    if pip:
        return f"{pip} && {command}" if command else pip
    if command and not is_debian():
        return command
    return apt(" ".join(needs.apt)) if needs.apt else ""


def _pip(language: Language, python: str | None) -> str:
    in_python = "python" in language.uses  # under an interpreter whose packages are not ours to see
    missing = [package for package in language.install.pip if in_python or not is_installed(package)]
    interpreter = python if python and in_python else sys.executable
    return f"{shlex.quote(interpreter)} -m pip install {' '.join(missing)}" if missing else ""


def is_installed(package: str) -> bool:
    """Return whether a Python package is installed for this interpreter."""
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


# Where an ordinary user does


def user_steps(missing: Collection[str], directory: Path | None = None, browsers: Path | None = None) -> list[Step]:
    """Return how an ordinary user installs what is missing, without root.

    Args:
        missing: Names of languages, and of checks of fonts.
        directory: Where TeX and fonts go; None for where renderers look for them.
        browsers: Where the browser goes; None for where Playwright looks for it.
    """
    places = {
        "python": shlex.quote(sys.executable),
        "directory": shlex.quote(str(directory or user_directory())),
        "browsers": shlex.quote(str(browsers or browser_directory())),
        "machine": {"aarch64": "arm64"}.get(platform.machine(), platform.machine()),
    }
    return list(_user_steps(missing, places))


def _user_steps(missing: Collection[str], places: dict[str, str]) -> Iterator[Step]:
    make = f"mkdir -p {places['directory']}"
    for language in LANGUAGES.values():
        needs = language.install
        if language.name not in missing:
            continue
        pip = _pip(language, None)
        commands = (pip,) if pip else ()
        if needs.user:
            yield Step(language.name, (make, *commands, *(each.format_map(places) for each in needs.user)))
        else:
            note = (
                f"an administrator installs {' '.join(needs.apt)}, or conda does from conda-forge" if needs.apt else ""
            )
            yield Step(language.name, commands, note)
    packages = " ".join(package for name, some in FONTS.items() if name in missing for package in some)
    if packages:
        yield Step("fonts", (make, *_user_fonts(packages, places)))


def _user_fonts(packages: str, places: dict[str, str]) -> list[str]:
    """Return commands that put fonts where renderers look: Debian's, unpacked, or else those that Debian packs."""
    fonts = f"{places['directory']}/fonts"
    if shutil.which("apt-get") and shutil.which("dpkg-deb"):
        return [
            f"cd {places['directory']} && rm -rf packages && mkdir packages && cd packages",
            f"apt-get download {packages}",
            'for each in *.deb; do dpkg-deb --extract "$each" .; done',
            f"mkdir -p {fonts} && cp -R usr/share/fonts/. {fonts}/ && cd .. && rm -rf packages",
        ]
    bundled = "import matplotlib; print(matplotlib.get_data_path())"
    return [
        f"mkdir -p {fonts} && cd {fonts}",
        f"curl --fail --location --retry 3 --output cjk.zip {_NOTO_CJK}",
        f"{places['python']} -m zipfile --extract cjk.zip . && rm cjk.zip",
        f"cp \"$({places['python']} -c '{bundled}')\"/fonts/ttf/DejaVu*.ttf .",
    ]


def browser_directory() -> Path:
    """Return where Playwright looks for its browsers."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    return Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or cache / "ms-playwright")


# Where there is no network


def download_steps(directory: Path, extras: str, encoder: str | None) -> list[Step]:
    """Return how to fetch everything for machines without a network; they must be of this kind, with this Python.

    Args:
        directory: Where it goes.
        extras: Of the package, separated by commas.
        encoder: Whose weights to fetch as well; None for none.
    """
    found = [language.name for language in LANGUAGES.values() if language.install.user]
    place = shlex.quote(str(directory))
    wheels = f"{shlex.quote(sys.executable)} -m pip wheel --wheel-dir {place}/wheels {_requirement(extras)}"
    steps = [Step("packages", (f"mkdir -p {place}", wheels))]
    steps += user_steps([*found, *FONTS], directory, directory / "browsers")
    if encoder:
        weights = shlex.quote(str(weights_directory(directory, encoder)))
        steps.append(Step("weights", (f"hf download {shlex.quote(encoder)} --local-dir {weights}",)))
    return steps


def _requirement(extras: str) -> str:
    """Return what pip is asked for: the clone or wheel that this comes from, or this version."""
    requirement = shlex.split(install_command(extras))[-1]
    requirement += f"=={__version__}" if requirement.startswith("vincicoder[") else ""
    return shlex.quote(requirement.replace("[]", ""))


def weights_directory(directory: Path, encoder: str) -> Path:
    """Return where the weights of an encoder are among what was downloaded."""
    return directory / "weights" / encoder.rpartition("/")[2]


def offline_steps(directory: Path) -> list[Step]:
    """Return how to install what was downloaded: it is copied to where renderers look.

    Args:
        directory: Where `download_steps` put it.
    """
    home = user_directory()
    places = {
        "html": (directory / "browsers", browser_directory()),
        "latex": (directory / ".TinyTeX", home / ".TinyTeX"),
        "fonts": (directory / "fonts", home / "fonts"),
    }
    steps = []
    for name, (source, target) in places.items():
        if source.is_dir():
            into = shlex.quote(str(target))
            steps.append(Step(name, (f"mkdir -p {into}", f"cp -R {shlex.quote(str(source))}/. {into}/")))
    return steps
