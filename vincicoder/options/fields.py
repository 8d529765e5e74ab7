"""Options as fields of frozen dataclasses: what is known of each, and how a value is checked and converted."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import math
import os
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field
from typing import Any

from vincicoder.errors import ConfigError

_KEY = "option"
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class Option:
    """What is known of an option beside its type and default; see `option`."""

    help: str
    unit: str = ""
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] | None = None
    changes_scores: bool = True
    of_machine: bool = False
    flat: str | None = None
    flag: str | None = None
    metavar: str | None = None
    shown: str | None = None


def option(default: Any = MISSING, *, default_factory: Any = MISSING, **about: Any) -> Any:
    """Return a dataclass field with what is known of the option.

    Args:
        default: The default, which must be a valid value.
        default_factory: Makes the default where it is mutable.
        about: ``help``, one sentence without a full stop; ``unit``; the range, as ``minimum`` or ``above`` (excluded)
            and ``maximum``; ``choices`` of a text or of the items of a list; ``changes_scores`` (default True), which
            decides whether results made with another value may be mixed; ``of_machine`` (default False) for what
            belongs to the machine: results may be mixed, and a difference is said; ``flat``, the flat name where it is
            not the field's; ``flag``, the flag where it is not ``--flat-name``, which switches a true default off if it
            begins with ``--no-``; ``metavar``; ``shown``, the default in words where the value does not say it.
    """
    return field(default=default, default_factory=default_factory, metadata={_KEY: Option(**about)})


class Config:
    """Base of all configurations: checks and converts every option when it is constructed.

    Raises:
        ConfigError: An option has a value that cannot work; the message names it and says what was expected.
    """

    def __post_init__(self) -> None:
        for each in _own(type(self)):  # type: ignore[arg-type]  # classes are hashable
            object.__setattr__(self, each.field, each.checked(getattr(self, each.field)))


@dataclass(frozen=True)
class Leaf:
    """An option where it stands.

    Attributes:
        name: Its flat name.
        field: Name of its field.
        path: Names of the fields that lead to its configuration.
        type: Its annotation, resolved.
        default: Its default.
        about: What else is known of it.
    """

    name: str
    field: str
    path: tuple[str, ...]
    type: Any
    default: Any
    about: Option

    @property
    def flag(self) -> str:
        """Its flag on the command line."""
        if self.about.flag is not None:
            return self.about.flag
        switched_off = self.type is bool and self.default is True
        return f"--{'no-' if switched_off else ''}{self.name.replace('_', '-')}"

    def checked(self, value: Any) -> Any:
        """Return the value in the option's own type.

        Raises:
            ConfigError: It cannot be converted, or is out of range.
        """
        try:
            converted = converted_to(value, self.type)
        except (ValueError, TypeError, OverflowError):
            raise ConfigError(f"{self.name} is {value!r}; expected {self.expected()}") from None
        if isinstance(converted, int | float) and not isinstance(converted, bool) and not self._in_range(converted):
            raise ConfigError(f"{self.name} is {value!r}; expected {self.expected()}")
        choices = self.about.choices or ()
        texts = (converted,) if isinstance(converted, str) else converted if isinstance(converted, tuple) else ()
        if unknown := [text for text in texts if choices and text not in choices]:
            near = near_match(unknown[0], choices)
            raise ConfigError(f"{self.name} is {value!r}; expected {self.expected()}{near}")
        return converted

    def _in_range(self, number: float) -> bool:
        about = self.about
        return (
            not math.isnan(number)
            and (about.minimum is None or number >= about.minimum)
            and (about.above is None or number > about.above)
            and (about.maximum is None or number <= about.maximum)
        )

    def expected(self) -> str:
        """Return what the option takes, in words: ``a whole number of at least 1, or none``."""
        inner, optional = without_none(self.type)
        kind = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}.get(inner)
        if self.about.choices:
            several = "a list of any of: " if typing.get_origin(inner) is tuple else "one of: "
            kind = several + ", ".join(self.about.choices)
        elif kind is None:
            kind = "a list of texts" if typing.get_origin(inner) is tuple else "a mapping"
        about = self.about
        if about.minimum is not None and about.maximum is not None:
            kind += f" between {about.minimum:g} and {about.maximum:g}"
        elif about.minimum is not None:
            kind += f" of at least {about.minimum:g}"
        elif about.above is not None:
            kind += f" above {about.above:g}"
        return f"{kind}, or none" if optional else kind


def leaves(config: type[Config], path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Yield every option of a configuration and of those inside it, in the order of their fields."""
    hints = typing.get_type_hints(config)
    for each in dataclasses.fields(config):  # type: ignore[arg-type]
        inner = hints[each.name]
        if isinstance(inner, type) and issubclass(inner, Config):
            yield from leaves(inner, (*path, each.name))
        else:
            about: Option = each.metadata[_KEY]
            factory = each.default_factory
            default = factory() if factory is not MISSING else each.default
            yield Leaf(about.flat or each.name, each.name, path, inner, default, about)


@functools.cache
def _own(config: Any) -> list[Leaf]:
    return [leaf for leaf in leaves(config) if not leaf.path]


def near_match(name: str, known: Sequence[str]) -> str:
    """Return ``; did you mean '…'?`` for the known name that is nearest, or "" if none is near."""
    near = difflib.get_close_matches(name, known, 1, 0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def without_none(annotation: Any) -> tuple[Any, bool]:
    """Return an annotation without ``| None``, and whether it had that."""
    if typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return annotation, False
    members = [each for each in typing.get_args(annotation) if each is not type(None)]
    return members[0], len(members) < len(typing.get_args(annotation))


def converted_to(value: Any, annotation: Any) -> Any:
    """Return a value, perhaps a text, as what an annotation says; raises ValueError or TypeError if it is not that."""
    inner, optional = without_none(annotation)
    if value is None or (optional and isinstance(value, str) and value.strip().lower() in ("none", "null", "")):
        if optional:
            return None
        raise ValueError
    origin = typing.get_origin(inner) or inner
    if origin is bool:
        return _boolean(value)
    if origin is int:
        return _whole(value)
    if origin is float:
        if isinstance(value, bool):
            raise ValueError
        return float(value)
    if origin is str:
        return _text(value)
    if origin is tuple:
        return _texts(value)
    if isinstance(value, str):
        value = json.loads(value)
    if isinstance(origin, type) and issubclass(origin, Mapping) and not isinstance(value, Mapping):
        raise ValueError
    return value


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in (*_TRUE, *_FALSE):
        raise ValueError
    return text in _TRUE


def _whole(value: Any) -> int:
    number = float(value)
    if isinstance(value, bool) or not number.is_integer():
        raise ValueError
    return int(number) if isinstance(value, str) else int(value)


def _text(value: Any) -> str:
    if isinstance(value, str | os.PathLike):
        return str(value)
    raise ValueError


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        if not value.startswith("["):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        value = json.loads(value)
    if not isinstance(value, Sequence) or not all(isinstance(each, str) for each in value):
        raise ValueError
    return tuple(value)
