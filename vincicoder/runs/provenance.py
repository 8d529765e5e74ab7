"""What a run was made with: its settings without secrets and directories, versions, and a digest of its data."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from vincicoder.errors import ConfigError
from vincicoder.runs.log import Log

PACKAGES = (
    *("vincicoder", "torch", "transformers", "trl", "ms-swift", "verl", "vllm", "ray", "deepspeed", "peft", "datasets"),
    *("numpy", "pillow", "matplotlib", "plotly", "cairosvg", "playwright", "pypdfium2", "rdkit"),
)
"""Distributions whose versions a card holds, if they are installed."""

_SECRET = re.compile(
    r"(api_?key|access_key|secret|passw(or)?d|credentials?|(^|[_.])(token|hub_token|auth|url|host|addr|user|email|ip))$",
    re.IGNORECASE,
)
_PATH = re.compile(r"^(~|\.{0,2}/|[A-Za-z]:\\)|^file:")
_SNAPSHOT = re.compile(r"/snapshots/([0-9a-f]{40})(/|$)")
_LONGEST = 200  # characters of a setting
_CHUNK = 1 << 20


def versions() -> dict[str, str]:
    """Return the versions of Python and of what is installed of `PACKAGES`.

    Example:
        >>> "vincicoder" in versions()
        True
    """
    found = {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}
    return {name: number for name, number in found.items() if number}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def settings_of(log: Log, directory: Path, given: Path | None = None) -> dict[str, Any]:
    """Return the settings of a run, flat, as far as they may be shown.

    What is named like a secret or an address is left out; of an absolute path the last part stays.

    Args:
        log: The run's log, which says where its trainer writes settings.
        directory: The run's directory.
        given: A file of settings, JSON or YAML; None to look for the trainer's own.

    Raises:
        ConfigError: The given file cannot be read.
    """
    if given is not None:
        return dict(shown(_read(given)))
    for pattern in log.reader.settings:
        for path in sorted(directory.rglob(pattern), key=lambda each: each.stat().st_mtime, reverse=True):
            return dict(shown(_read(path)))
    return {}


def _read(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            return json.loads(text)
        import yaml

        return yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(f"the settings {str(path)!r} cannot be read: {error.strerror}") from error
    except ModuleNotFoundError as error:
        raise ConfigError(f"the settings {str(path)!r} need PyYAML; run: pip install pyyaml") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the settings {str(path)!r} are neither JSON nor YAML: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"the settings {str(path)!r} are neither JSON nor YAML: {error}") from error


def shown(settings: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the settings that may be shown, by their dotted names.

    Args:
        settings: Nested mappings, or a list of ``name=value`` as verl keeps it.
        above: Name of what they are in, with a dot.

    Example:
        >>> dict(shown({"data": {"path": "/data/sets/rl"}, "hub_token": "x", "lr": 1e-6}))
        {'data.path': '.../rl', 'lr': 1e-06}
    """
    if isinstance(settings, list) and all(isinstance(each, str) and "=" in each for each in settings):
        settings = dict(each.split("=", 1) for each in settings)
    if not isinstance(settings, Mapping):
        return
    for name, value in settings.items():
        name = f"{above}{name}"
        if isinstance(value, Mapping):
            yield from shown(value, f"{name}.")
        elif value is not None and not _SECRET.search(name):
            yield name, _shown(value)


def _shown(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_shown(each) for each in value][:20]
    text = str(value)
    if _PATH.search(text):
        text = f".../{text.rstrip('/').rpartition('/')[2]}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def data_of(path: Path, revision: str = "") -> dict[str, Any]:
    """Return what identifies data: how many files and bytes, a digest of names and contents, and the revision.

    Args:
        path: A file or a directory.
        revision: The revision of the set; "" to take it from the path, if that is in the cache of Hugging Face.

    Raises:
        ConfigError: There is no such file or directory.
    """
    if not path.exists():
        raise ConfigError(f"data is {str(path)!r}, which does not exist")
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    whole, size = hashlib.sha256(), 0
    for each in files:
        name = each.relative_to(path).as_posix() if path.is_dir() else each.name
        digest = hashlib.sha256()
        with each.open("rb") as content:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
        whole.update(f"{name}\n{digest.hexdigest()}\n".encode())
    found = _SNAPSHOT.search(path.absolute().as_posix())
    return {
        "name": path.name,
        "files": len(files),
        "bytes": size,
        "digest": whole.hexdigest()[:16],
        "revision": revision or (found[1] if found else ""),
    }
