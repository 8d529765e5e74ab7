"""Configurations from plain options, and plain options from configurations."""

from __future__ import annotations

import dataclasses
import json
import os
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from vincicoder.errors import ConfigError
from vincicoder.options.fields import Config, Leaf, leaves, near_match

_C = TypeVar("_C", bound=Config)


def flat_names(config: type[Config]) -> list[str]:
    """Return the flat names of all options.

    Example:
        >>> from vincicoder.rendering.config import Limits
        >>> flat_names(Limits)[:2]
        ['cpu_seconds', 'wall_seconds']
    """
    return [leaf.name for leaf in leaves(config)]


def option_names(config: type[Config]) -> frozenset[str]:
    """Return every name that `from_flat` takes: the flat names, and those of the configurations inside.

    Args:
        config: The configuration's class.

    Example:
        >>> from vincicoder.rendering.config import RenderingConfig
        >>> {"cpu_seconds", "limits"} <= option_names(RenderingConfig)
        True
    """
    return frozenset(flat_names(config)) | frozenset(name for name, _ in _sections(config))


def from_flat(config: type[_C], given: Mapping[str, Any], also: Sequence[str] = ()) -> _C:
    """Build a configuration from options by flat name, by the name of a configuration inside it, or both.

    Args:
        config: The configuration's class.
        given: Options. A configuration inside it may be an object or a mapping of its own options; a flat name wins
            over it.
        also: Names that the caller keeps for itself, for the message only.

    Raises:
        ConfigError: A name is unknown (the message names the nearest one) or a value cannot work.

    Example:
        >>> from vincicoder.rendering.config import RenderingConfig
        >>> from_flat(RenderingConfig, {"cpu_seconds": "5", "sandbox": {"namespaces": False}}).limits.cpu_seconds
        5.0
    """
    return _built(config, flattened(config, given, also))


def flattened(config: type[Config], given: Mapping[str, Any], also: Sequence[str] = ()) -> dict[str, Any]:
    """Return options by flat name, as `from_flat` takes them but with nothing nested.

    Raises:
        ConfigError: A name is unknown.
    """
    known = set(flat_names(config))
    sections = dict(_sections(config))
    nested: dict[str, Any] = {}
    flat: dict[str, Any] = {}
    for name, value in given.items():
        if name in sections and isinstance(value, Config):
            nested.update(to_flat(value))
        elif name in sections and isinstance(value, Mapping):
            nested.update(flattened(sections[name], _by_flat_name(sections[name], value)))
        elif name in known:
            flat[name] = value
        else:
            raise ConfigError(unknown_option(name, [*known, *sections, *also]))
    return nested | flat


def unknown_option(name: str, known: Sequence[str]) -> str:
    """Return the message for an option that does not exist."""
    near = near_match(name, known)
    return f"there is no option {name!r}{near}" + (
        "" if near else f"; the options are: {', '.join(sorted(set(known)))}"
    )


def to_flat(config: Config) -> dict[str, Any]:
    """Return every option by its flat name, ready for JSON; `from_flat` builds the configuration again from it."""
    return {leaf.name: value_of(config, leaf) for leaf in leaves(type(config))}


def changed(config: Config) -> dict[str, Any]:
    """Return, by flat name, the options that differ from their defaults.

    Example:
        >>> from vincicoder.rendering.config import Limits
        >>> changed(Limits(pixels=4_000_000))
        {'pixels': 4000000}
    """
    return {
        leaf.name: value for leaf in leaves(type(config)) if (value := value_of(config, leaf)) != plain(leaf.default)
    }


def digest_values(config: Config) -> dict[str, Any]:
    """Return, by flat name, the options that change scores: results may be mixed exactly where these are equal."""
    return {leaf.name: value_of(config, leaf) for leaf in leaves(type(config)) if leaf.about.changes_scores}


def from_environment(config: type[Config], prefix: str, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the options that the environment sets, by name: ``PREFIX_CPU_SECONDS=5``.

    Values are texts that `from_flat` converts: numbers, ``true``, lists with commas, mappings as JSON.

    Args:
        config: The configuration's class.
        prefix: Begins the name of each variable, such as ``VINCICODER_REWARD_``.
        environ: The environment.

    Example:
        >>> from vincicoder.rendering.config import Limits
        >>> from_environment(Limits, "MY_", {"MY_CPU_SECONDS": "5", "HOME": "/root"})
        {'cpu_seconds': '5'}
    """
    names = [*flat_names(config), *dict(_sections(config))]
    return {name: _parsed(environ[f"{prefix}{name.upper()}"]) for name in names if f"{prefix}{name.upper()}" in environ}


def value_of(config: Any, leaf: Leaf) -> Any:
    """Return the value of an option in a configuration, ready for JSON."""
    for name in (*leaf.path, leaf.field):
        config = getattr(config, name)
    return plain(config)


def plain(value: Any) -> Any:
    """Return a value with lists for tuples and dicts for mappings."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, tuple | list) else value


def _built(config: type[_C], flat: Mapping[str, Any]) -> _C:
    sections = {name: _built(inner, flat) for name, inner in _own_sections(config)}
    own = {leaf.field: flat[leaf.name] for leaf in leaves(config) if not leaf.path and leaf.name in flat}
    return config(**sections, **own)


def _by_flat_name(config: type[Config], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a section, which may be called by their fields there: ``encoder: {name: …}``."""
    names = {leaf.field: leaf.name for leaf in leaves(config) if not leaf.path}
    return {names.get(name, name): value for name, value in given.items()}


def _own_sections(config: type[Config]) -> Iterator[tuple[str, type[Config]]]:
    hints = typing.get_type_hints(config)
    for each in dataclasses.fields(config):  # type: ignore[arg-type]
        if isinstance(hints[each.name], type) and issubclass(hints[each.name], Config):
            yield each.name, hints[each.name]


def _sections(config: type[Config]) -> Iterator[tuple[str, type[Config]]]:
    """Yield the name and class of every configuration inside one."""
    for name, inner in _own_sections(config):
        yield name, inner
        yield from _sections(inner)


def _parsed(text: str) -> Any:
    """Return the mapping or list that a text holds as JSON, or the text."""
    if text[:1] in ("{", "["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
