"""What the rules for HTML and SVG share."""

from __future__ import annotations

import re

_CHARACTER_REFERENCE = re.compile(r"&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(colon|comma|semi|sol|plus));?", re.IGNORECASE)
_NAMED_CHARACTERS = {"colon": ":", "comma": ",", "semi": ";", "sol": "/", "plus": "+"}


def unescape(markup: str) -> str:
    """Replace the character references that could hide a URL; ``html.unescape`` raises on long numbers."""

    def character(reference: re.Match[str]) -> str:
        decimal, hexadecimal, name = reference.groups()
        if name:
            return _NAMED_CHARACTERS[name.lower()]
        number = int(decimal) if decimal else int(hexadecimal, 16)
        return chr(number) if number < 0x110000 else ""

    return _CHARACTER_REFERENCE.sub(character, markup)
