"""One small registry for everything that can be added from outside: languages, encoders, components.

A name stands for ``"module:attribute"``, which is imported when it is first asked for. There are two doors:

* **A file of our own package.** Every module of the registry's package is an entry under the module's name; nothing
  else lists it. Delete the file and the entry is gone.
* **An entry point** of another installed package, in the registry's group.

The process that owns the reward scans these doors, once. Its node services and Ray actors scan nothing: they are given
what :func:`exported` returns and hand it to :func:`adopt`, or they are started with :func:`environment`. Its fork
servers are told the one ``"module:attribute"`` that they need.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import json
import logging
import os
import pkgutil
import shlex
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import unquote, urlsplit

from vincicoder.errors import ConfigError

T = TypeVar("T")
Plugins = Mapping[str, Sequence[Mapping[str, str]]]
"""Entries of other packages by group, as plain values that any process can be given."""

_GROUPS = "vincicoder."  # what the names of our groups begin with
_VARIABLE = "VINCICODER_PLUGINS"
_OURS = "vincicoder"
_log = logging.getLogger(__name__)
_plugins: dict[str, list[Entry]] | None = None


@dataclass(frozen=True)
class Entry:
    """Where the value of a name is.

    Attributes:
        name: The name.
        value: ``"module:attribute"``.
        origin: The distribution that brings it.
        directory: Directory that must be on ``sys.path`` to import the module; empty for our own.
    """

    name: str
    value: str
    origin: str = _OURS
    directory: str = ""


class Registry(Generic[T]):
    """A mapping of names to values that are imported on first use.

    Args:
        kind: What the values are, in the singular, for messages: ``"language"``.
        package: Package whose modules are entries; a leading underscore hides a module, and packages in it are none.
        attribute: The attribute of such a module that is the value.
        group: Entry-point group of other packages; empty for a registry without a door to the outside.
        check: Given a name and what was loaded for it, returns what is wrong with it, or "".
        brought_by: Names that are not ours but known, to the package that brings each; for the error message.

    Example:
        >>> from vincicoder.languages import LANGUAGES
        >>> "svg" in LANGUAGES
        True
        >>> LANGUAGES.get("svg").suffixes
        ('.svg',)
    """

    def __init__(
        self,
        kind: str,
        package: str,
        attribute: str,
        group: str = "",
        check: Callable[[str, Any], str] | None = None,
        brought_by: Mapping[str, str] | None = None,
    ) -> None:
        self.kind = kind
        self._package, self._attribute, self._group = package, attribute, group
        self._check = check or (lambda name, value: "")
        self._brought_by = dict(brought_by or {})
        self._lock = threading.RLock()
        self._source: object = None
        self._entries: dict[str, Entry] = {}
        self._loaded: dict[str, T] = {}
        self._faults: dict[str, str] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries())

    def __contains__(self, name: object) -> bool:
        return name in self.entries()

    def __len__(self) -> int:
        return len(self.entries())

    def entries(self) -> Mapping[str, Entry]:
        """Return every name with its entry: our own in the order of their names, then those of other packages."""
        plugins = _known()
        with self._lock:
            if self._source is not plugins:
                self._entries, self._loaded, self._faults, self._source = {}, {}, {}, plugins
                for name in self._modules():
                    self._entries[name] = Entry(name, f"{self._package}.{name}:{self._attribute}")
                for entry in plugins.get(self._group, ()):
                    taken = self._entries.setdefault(entry.name, entry)
                    if taken.value != entry.value:
                        both = f"{taken.origin} and by {entry.origin}"
                        self._fault(entry.name, f"is brought by {both}; uninstall one of them")
            return self._entries

    def get(self, name: str) -> T:
        """Return the value of a name.

        Args:
            name: One of the registry's names.

        Raises:
            ConfigError: There is no such name, two packages bring it, or what it stands for cannot be loaded.
        """
        with self._lock:
            entry = self.entries().get(name)
            if entry is None:
                raise ConfigError(self.unknown(name))
            if name not in self._loaded and name not in self._faults:
                self._load(entry)
            if name in self._faults:
                raise ConfigError(self._faults[name])
            return self._loaded[name]

    def values(self) -> list[T]:
        """Return all values that can be loaded; those that cannot are logged, once each."""
        values = []
        for name in self.entries():
            with contextlib.suppress(ConfigError):
                values.append(self.get(name))
        return values

    def faults(self) -> dict[str, str]:
        """Return why each name that cannot be loaded cannot."""
        self.values()
        return dict(self._faults)

    def unknown(self, name: str) -> str:
        """Return the message for a name that is not here: the package that brings it, or near matches."""
        message = f"there is no {self.kind} {name!r}; there are: {', '.join(self)}"
        if package := self._brought_by.get(name):
            return f"{message}. {name!r} comes with: pip install {package}"
        near = difflib.get_close_matches(name, list(self), 1)
        return f"{message}. Did you mean {near[0]!r}?" if near else message

    def _load(self, entry: Entry) -> None:
        try:
            value = load(entry.value, entry.directory)
            complaint = self._check(entry.name, value)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises must not take the others along
            complaint = f"cannot be loaded: {type(error).__name__}: {error}"
        if complaint:
            self._fault(entry.name, f"of {entry.origin} ({entry.value}) {complaint}")
        else:
            self._loaded[entry.name] = value

    def _fault(self, name: str, reason: str) -> None:
        self._faults[name] = f"the {self.kind} {name!r} {reason}"
        _log.warning("%s", self._faults[name])

    def _modules(self) -> list[str]:
        spec = find_spec(self._package)
        paths = spec.submodule_search_locations if spec is not None else None
        found = pkgutil.iter_modules(paths or [])  # without a path it would list every module there is
        return sorted(each.name for each in found if not (each.ispkg or each.name.startswith("_")))


def load(value: str, directory: str = "") -> Any:
    """Import ``"module:attribute"`` and return the attribute.

    Args:
        value: The name of the module and the attribute.
        directory: Put at the end of ``sys.path`` if given and not there.

    Example:
        >>> load("math:tau") > 6
        True
    """
    if directory and directory not in sys.path:
        sys.path.append(directory)
    module, _, attribute = value.partition(":")
    return getattr(importlib.import_module(module), attribute)


def exported() -> dict[str, list[dict[str, str]]]:
    """Return the entries of other packages as plain values, for the ``adopt`` of another process."""
    return {group: [asdict(entry) for entry in entries] for group, entries in _known().items()}


def adopt(plugins: Plugins) -> None:
    """Take over what :func:`exported` returned in the process that owns the reward, instead of scanning.

    Call it before anything of a plugin is used; what was scanned before is forgotten.
    """
    global _plugins
    _plugins = {group: [Entry(**entry) for entry in entries] for group, entries in plugins.items()}


def environment() -> dict[str, str]:
    """Return the environment variable that makes a process adopt what this one has found."""
    return {_VARIABLE: json.dumps(exported())}


def _known() -> dict[str, list[Entry]]:
    global _plugins
    if _plugins is None and (given := os.environ.get(_VARIABLE)):
        adopt(json.loads(given))
    if _plugins is None:
        points = entry_points()
        groups = sorted(group for group in points.groups if group.startswith(_GROUPS))
        _plugins = {
            group: sorted(map(_entry_of, points.select(group=group)), key=lambda entry: entry.name) for group in groups
        }
    return _plugins


def _entry_of(point: EntryPoint) -> Entry:
    origin = point.dist.name if point.dist is not None else "an unknown package"
    spec = None
    with contextlib.suppress(ImportError, ValueError):
        spec = find_spec(point.value.partition(":")[0].partition(".")[0])
    places = list(spec.submodule_search_locations or [spec.origin or ""]) if spec is not None else []
    return Entry(point.name, point.value, origin, str(Path(places[0]).parent) if places else "")


def install_command(extra: str) -> str:
    """Return the command that installs an extra of this package, from where the package came: a clone, a wheel or PyPI.

    Args:
        extra: Its name in ``pyproject.toml``.

    Example:
        >>> install_command("ray")  # doctest: +SKIP
        "pip install -e 'clone/of/vincicoder[ray]'"
    """
    clone = Path(__file__).resolve().parents[1]
    if (clone / "pyproject.toml").is_file():
        return f"pip install -e {shlex.quote(f'{clone}[{extra}]')}"
    origin = _installed_from() or "vincicoder"
    return f"pip install {shlex.quote(f'{origin}[{extra}]')}"


def _installed_from() -> str | None:
    """Return the directory or wheel that this package was installed from, if it is still there."""
    try:
        origin = json.loads(distribution("vincicoder").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return None
    url = urlsplit(origin.get("url", ""))
    path = unquote(url.path)
    return path if url.scheme == "file" and Path(path).exists() else None
