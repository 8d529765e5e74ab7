"""One small registry for everything that can be added from outside: languages, encoders, components.

A name stands for ``"module:attribute"``, which is imported when it is first asked for. There are two doors:

* **A file in our own package.** Every module of the registry's package is an entry under the module's name; nothing
  else lists it. Delete the file and the entry is gone.
* **An entry point** of another installed package, in the registry's group.

The process that owns the reward scans these doors. Its fork servers, node services and Ray actors scan nothing: they
get what :func:`exported` returns and hand it to :func:`adopt`.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, TypeVar

from vincicoder.errors import ConfigError

T = TypeVar("T")

_registries: dict[str, Registry[Any]] = {}


@dataclass(frozen=True)
class Entry:
    """Where the value of a name is.

    Attributes:
        value: ``"module:attribute"``.
        origin: Name of the distribution that brings it, or "vincicoder".
        folder: Folder that must be on ``sys.path`` to import the module, or "" for our own.
    """

    value: str
    origin: str = "vincicoder"
    folder: str = ""

    def load(self) -> Any:
        """Import the module and return the attribute."""
        if self.folder and self.folder not in sys.path:
            sys.path.append(self.folder)
        module, _, attribute = self.value.partition(":")
        return getattr(importlib.import_module(module), attribute)


class Registry(Generic[T]):
    """A mapping of names to values that are imported on first use.

    Args:
        kind: What the values are, in the singular, for messages: ``"language"``.
        package: Package whose modules are entries; a leading underscore hides a module.
        attribute: The attribute of such a module that is the value.
        group: Entry-point group of other packages; None for a registry without a door to the outside.
        brought_by: Names that are not ours but known, to the package that brings each; for the error message.

    Example:
        >>> from vincicoder.languages import LANGUAGES
        >>> sorted(LANGUAGES)
        ['html', 'latex', 'python', 'svg']
    """

    def __init__(
        self,
        kind: str,
        package: str,
        attribute: str,
        group: str | None = None,
        brought_by: Mapping[str, str] | None = None,
    ) -> None:
        self.kind = kind
        self._package = package
        self._attribute = attribute
        self._group = group
        self._brought_by = dict(brought_by or {})
        self._entries: dict[str, Entry] | None = None
        self._loaded: dict[str, T] = {}
        if group is not None:
            _registries[group] = self

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries())

    def __contains__(self, name: object) -> bool:
        return name in self.entries()

    def __len__(self) -> int:
        return len(self.entries())

    def entries(self) -> Mapping[str, Entry]:
        """Return every name with its entry: our own in the order of their names, then those of other packages.

        Raises:
            ConfigError: Two packages bring the same name.
        """
        if self._entries is None:
            found = {name: Entry(f"{self._package}.{name}:{self._attribute}") for name in self._modules()}
            for point in entry_points(group=self._group) if self._group else ():
                self._add(found, point.name, _entry_of(point))
            self._entries = found
        return self._entries

    def get(self, name: str) -> T:
        """Return the value of a name.

        Raises:
            ConfigError: There is no such name, or what it stands for cannot be imported.
        """
        if name not in self._loaded:
            entry = self.entries().get(name)
            if entry is None:
                raise ConfigError(self.unknown(name))
            try:
                self._loaded[name] = entry.load()
            except (ImportError, AttributeError) as error:
                raise ConfigError(
                    f"the {self.kind} {name!r} of {entry.origin} cannot be loaded from {entry.value}: {error}"
                ) from error
        return self._loaded[name]

    def values(self) -> list[T]:
        """Return all values, imported now if they were not yet."""
        return [self.get(name) for name in self.entries()]

    def unknown(self, name: str) -> str:
        """Return the message for a name that is not here: near matches, or the package that brings it."""
        message = f"there is no {self.kind} {name!r}; there are: {', '.join(self)}"
        if package := self._brought_by.get(name):
            return f"{message}. {name!r} comes with: pip install {package}"
        near = difflib.get_close_matches(name, list(self), 1, 0.6)
        return f"{message}. Did you mean {near[0]!r}?" if near else message

    def add(self, name: str, entry: Entry) -> None:
        """Add one entry.

        Raises:
            ConfigError: The name is taken by another one.
        """
        self.entries()
        assert self._entries is not None
        self._add(self._entries, name, entry)

    def _add(self, entries: dict[str, Entry], name: str, entry: Entry) -> None:
        taken = entries.get(name)
        if taken is not None and taken.value != entry.value:
            raise ConfigError(
                f"the {self.kind} {name!r} is brought by {taken.origin} and by {entry.origin}; uninstall one of them"
            )
        entries.setdefault(name, entry)

    def _modules(self) -> list[str]:
        spec = find_spec(self._package)
        paths = spec.submodule_search_locations if spec is not None else None
        return sorted(each.name for each in pkgutil.iter_modules(paths) if not each.name.startswith("_"))


def exported() -> dict[str, dict[str, dict[str, str]]]:
    """Return the entries of other packages, by group and name, as plain values for another process."""
    return {
        group: {name: vars(entry).copy() for name, entry in registry.entries().items() if entry.folder}
        for group, registry in _registries.items()
    }


def adopt(plugins: Mapping[str, Mapping[str, Mapping[str, str]]]) -> None:
    """Take over what :func:`exported` returned in the process that owns the reward."""
    for group, entries in plugins.items():
        if group in _registries:
            for name, entry in entries.items():
                _registries[group].add(name, Entry(**entry))


def _entry_of(point: EntryPoint) -> Entry:
    origin = point.dist.name if point.dist is not None else "an unknown package"
    module = find_spec(point.value.partition(":")[0].partition(".")[0])
    where = (module.submodule_search_locations or [module.origin or ""]) if module is not None else None
    folder = str(Path(str(next(iter(where)))).parent) if where else ""
    return Entry(point.value, origin, folder)
