"""Options of the reward from the environment and from a YAML file that it names, as ms-swift's plugin takes them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vincicoder.errors import ConfigError

PREFIX = "VINCICODER_REWARD_"
"""What the names of the variables begin with."""

_CONFIG = f"{PREFIX}CONFIG"


def reward_options(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Read the reward's options from the environment and the YAML file that ``VINCICODER_REWARD_CONFIG`` names.

    Args:
        environ: The environment; its variables win over the file.

    Raises:
        ConfigError: The file cannot be read, or is not a YAML mapping.

    Example:
        >>> reward_options({"VINCICODER_REWARD_ENCODER": "embedded", "HOME": "/root"})
        {'encoder': 'embedded'}
    """
    import yaml

    options: dict[str, Any] = {}
    if path := environ.get(_CONFIG):
        try:
            options = yaml.safe_load(Path(path).expanduser().read_text(encoding="utf-8")) or {}
        except (OSError, yaml.YAMLError) as error:
            why = " ".join(str(error).split())
            raise ConfigError(f"{_CONFIG} names {path}, which cannot be read: {why}") from error
        if not isinstance(options, dict):
            raise ConfigError(f"{path} holds no options; expected lines such as `encoder: facebook/dinov2-large`")
    for name, value in environ.items():
        if name.startswith(PREFIX) and name != _CONFIG:
            options[name.removeprefix(PREFIX).lower()] = yaml.safe_load(value)
    return options
