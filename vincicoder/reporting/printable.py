"""Text of unknown origin, made safe to print on a terminal."""

from __future__ import annotations

import unicodedata

_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, direction and other formatting, surrogates, line separators


def printable(text: str) -> str:
    r"""Return text with escapes for all that steers a terminal, changes the direction, or cannot be encoded.

    New lines stay.

    Example:
        >>> printable("\x1b[2Jgone \u202eright to left")
        '\\x1b[2Jgone \\u202eright to left'
    """
    return "".join(_escaped(each) for each in text)


def _escaped(character: str) -> str:
    if character == "\n" or unicodedata.category(character) not in _UNSAFE:
        return character
    return ascii(character)[1:-1]
