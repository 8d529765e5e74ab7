"""All attacks and functional checks, in the order in which they are tried."""

from __future__ import annotations

from vincicoder.attacks import (
    honest,
    html,
    http_service,
    markup,
    native,
    node_service,
    python_endings,
    python_files,
    python_forgeries,
    python_processes,
    target,
)
from vincicoder.attacks.attack import SURFACES, Attack
from vincicoder.errors import ConfigError

ATTACKS: tuple[Attack, ...] = (
    *honest.ATTACKS,
    *python_files.ATTACKS,
    *python_processes.ATTACKS,
    *python_endings.ATTACKS,
    *python_forgeries.ATTACKS,
    *html.ATTACKS,
    *markup.ATTACKS,
    *native.ATTACKS,
    *target.ATTACKS,
    *http_service.ATTACKS,
    *node_service.ATTACKS,
)


def select(names: str) -> list[Attack]:
    """Return the attacks that a list names.

    Args:
        names: Surfaces, or surfaces and names such as ``svg/laughs``, separated by commas.

    Raises:
        ConfigError: There is none of such a name.

    Example:
        >>> [attack.title for attack in select("svg/laughs, svg/uses")]
        ['svg/laughs', 'svg/uses']
    """
    asked = [name.strip() for name in names.split(",") if name.strip()]
    titles = [attack.title for attack in ATTACKS]
    for name in asked:
        if name not in titles and name not in SURFACES:
            raise ConfigError(f"--only names {name!r}; it knows {', '.join(SURFACES)} and names such as {titles[0]}")
    return [attack for attack in ATTACKS if attack.surface in asked or attack.title in asked]
