"""Options as frozen dataclasses, and everything that is derived from them.

A configuration is a frozen dataclass that inherits from `Config`. Each of its fields is another configuration or an
`option`, which carries help text, range, and whether it changes scores. The flags of the command line, the names in
trainers' configurations and in the environment, the digest of a results file, the served schema and ``docs/options.md``
are all made from these fields; nothing lists options a second time.

An option may be given by its own *flat* name (``cpu_seconds``) or inside its configuration (``limits: {cpu_seconds}``).
"""

from __future__ import annotations

from vincicoder.options.fields import Config, Leaf, Option, converted_to, leaves, option
from vincicoder.options.forms import add_flags, given_flags, schema, signature, table
from vincicoder.options.values import (
    changed,
    digest_values,
    flat_names,
    flattened,
    from_environment,
    from_flat,
    option_names,
    plain,
    to_flat,
    unknown_option,
)

__all__ = [
    "Config",
    "Leaf",
    "Option",
    "add_flags",
    "changed",
    "converted_to",
    "digest_values",
    "flat_names",
    "flattened",
    "from_environment",
    "from_flat",
    "given_flags",
    "leaves",
    "option",
    "option_names",
    "plain",
    "schema",
    "signature",
    "table",
    "to_flat",
    "unknown_option",
]
