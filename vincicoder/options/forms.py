"""The forms in which people meet options: flags, signatures, a JSON schema, a table in the docs."""

from __future__ import annotations

import argparse
import inspect
import typing
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from vincicoder.errors import ConfigError
from vincicoder.options.fields import Config, Leaf, leaves, without_none
from vincicoder.options.values import plain


def add_flags(
    parser: Any,
    config: type[Config],
    leave_out: Sequence[str] = (),
    defaults: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Add a flag for each option to a parser, or to a group of one.

    A flag that was not given has the value None; ``given_flags`` leaves it out.

    Args:
        parser: What gets the flags.
        config: Whose options.
        leave_out: Flat names of options that get no flag.
        defaults: What ``--help`` shows as the default, by flat name, where a command has a default of its own.
    """
    for leaf in leaves(config):
        if leaf.name in leave_out:
            continue
        choices = f"; {leaf.expected()}" if leaf.about.choices else ""
        text = f"{_described(leaf)}{choices} (default: {defaults.get(leaf.name, _shown(leaf))})"
        if leaf.type is bool:
            parser.add_argument(
                leaf.flag, dest=leaf.name, action="store_const", const=not leaf.default, default=None,
                help=leaf.about.help if leaf.default is False else f"do not {leaf.about.help}",
            )  # fmt: skip
        else:
            parser.add_argument(leaf.flag, dest=leaf.name, metavar=leaf.about.metavar or _metavar(leaf),
                                type=_parser_of(leaf), default=None, help=text.replace("%", "%%"))  # fmt: skip


def given_flags(namespace: argparse.Namespace, config: type[Config]) -> dict[str, Any]:
    """Return, by flat name, the options that were given as flags; `from_flat` takes them."""
    values = {leaf.name: getattr(namespace, leaf.name, None) for leaf in leaves(config)}
    return {name: value for name, value in values.items() if value is not None}


def signature(config: type[Config], *first: inspect.Parameter) -> inspect.Signature:
    """Return the signature of a function that takes every option as a keyword, for ``help()`` and editors."""
    taken = {each.name for each in first}
    keywords = [
        inspect.Parameter(leaf.name, inspect.Parameter.KEYWORD_ONLY, default=leaf.default, annotation=leaf.type)
        for leaf in leaves(config)
        if leaf.name not in taken
    ]
    return inspect.Signature([*first, *keywords])


def schema(config: type[Config]) -> dict[str, Any]:
    """Return a JSON schema of the options by flat name."""
    properties = {}
    for leaf in leaves(config):
        properties[leaf.name] = {**_json_type(leaf), "description": _described(leaf), "default": plain(leaf.default)}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def table(config: type[Config]) -> str:
    """Return the options as a Markdown table, for ``docs/options.md``."""
    rows = ["| option | flag | default | | changes scores |", "|---|---|---|---|---|"]
    for leaf in leaves(config):
        yes = "is named" if leaf.about.of_machine else "yes" if leaf.about.changes_scores else ""
        text = f"{_described(leaf)}. Expects {leaf.expected()}."
        rows.append(f"| `{leaf.name}` | `{leaf.flag}` | {_shown(leaf)} | {text.replace('|', chr(92) + '|')} | {yes} |")
    return "\n".join(rows) + "\n"


def _described(leaf: Leaf) -> str:
    return f"{leaf.about.help}, in {leaf.about.unit}" if leaf.about.unit else leaf.about.help


def _parser_of(leaf: Leaf) -> Any:
    def parse(text: str) -> Any:
        try:
            return leaf.checked(text)
        except ConfigError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def _metavar(leaf: Leaf) -> str:
    inner, _ = without_none(leaf.type)
    return {int: "N", float: "X", str: "NAME"}.get(inner, "LIST" if typing.get_origin(inner) is tuple else "JSON")


def _shown(leaf: Leaf) -> str:
    value = leaf.default
    if leaf.about.shown is not None:
        return leaf.about.shown
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) and value >= 100_000 else f"{value:g}"
    return "none" if value is None or value == {} else str(value)


def _json_type(leaf: Leaf) -> dict[str, Any]:
    inner, optional = without_none(leaf.type)
    kind = {int: "integer", float: "number", bool: "boolean", str: "string"}.get(inner)
    result: dict[str, Any] = {"type": kind or ("array" if typing.get_origin(inner) is tuple else "object")}
    if result["type"] == "array":
        result["items"] = {"type": "string"}
    if optional:
        result["type"] = [result["type"], "null"]
    limits = {"minimum": leaf.about.minimum, "exclusiveMinimum": leaf.about.above, "maximum": leaf.about.maximum}
    return result | {name: value for name, value in limits.items() if value is not None}
