"""What results depend on besides what was asked: when a later run may add to a file of them, and what it says."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.options import digest_values, leaves, plain

if TYPE_CHECKING:
    from vincicoder.options import Config

_LONGEST = 60  # characters of a value in a message


@dataclass(frozen=True)
class Settings:
    """What results depend on besides what was asked.

    Results may be mixed where everything that both runs name has one value. What only the earlier run names was
    measured besides, and does no harm. What only the later one names must be at its default: such an option is younger
    than the results.

    Attributes:
        values: Values by name, ready for JSON.
        of_machine: Names of those that belong to the machine, such as the path of a browser. A mended one is no reason
            to throw results away, so a difference is said and no more.
        defaults: Default values of those that have one.

    Example:
        >>> now = Settings({"encoder": "embedded", "young": 1}, defaults={"young": 1})
        >>> now.refused({"encoder": "strokes", "dropped": 2}), now.refused({"encoder": "embedded"})
        ({'encoder': ('strokes', 'embedded')}, {})
    """

    values: Mapping[str, Any]
    of_machine: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Config, leave: Iterable[str] = (), **more: Any) -> Settings:
        """Return the settings that a configuration is, with others.

        Args:
            config: The configuration; its options that change scores count.
            leave: Names of options that do not count.
            more: Other values by name, which have no default.
        """
        left = set(leave)
        values = {name: value for name, value in digest_values(config).items() if name not in left}
        known = [leaf for leaf in leaves(type(config)) if leaf.name in values]
        of_machine = frozenset(leaf.name for leaf in known if leaf.about.of_machine)
        defaults = {leaf.name: plain(leaf.default) for leaf in known}
        return cls(values, of_machine, defaults).with_values(**more)

    def with_values(self, **more: Any) -> Settings:
        """Return these settings with others by name, which have no default."""
        return dataclasses.replace(self, values={**self.values, **more})

    @property
    def run(self) -> str:
        """A digest of the values, which stands in every result."""
        text = json.dumps(self.values, sort_keys=True, default=repr)
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()

    def refused(self, earlier: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Return, by name, the two values of what keeps results of earlier values from being added to."""
        return {name: pair for name, pair in self._differences(earlier).items() if name not in self.of_machine}

    def mended(self, earlier: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Return, by name, the two values of what belongs to the machine and is another now."""
        return {name: pair for name, pair in self._differences(earlier).items() if name in self.of_machine}

    def _differences(self, earlier: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        now = json.loads(json.dumps(self.values, default=repr))
        before = {**self.defaults, **earlier}
        return {name: (before.get(name), value) for name, value in now.items() if before.get(name) != value}


def settings_beside(path: str | Path) -> Path:
    """Return the file with the settings of a file of results: those of every run that has added to it.

    Example:
        >>> settings_beside("scores/unisvg.jsonl").name
        'unisvg.settings.json'
    """
    return Path(path).with_suffix(".settings.json")


def told(differences: Mapping[str, tuple[Any, Any]]) -> str:
    """Return differences in words.

    Example:
        >>> told({"browser": (None, "/opt/chrome"), "pixels": (16, 4)})
        'browser: none there, /opt/chrome now; pixels: 16 there, 4 now'
    """
    return "; ".join(f"{name}: {_short(then)} there, {_short(now)} now" for name, (then, now) in differences.items())


def _short(value: Any) -> str:
    text = "none" if value is None else value if isinstance(value, str) else json.dumps(value, default=repr)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
