"""SVG: well-formed XML with the right root element."""

from __future__ import annotations


def lint(code: str) -> tuple[str, str] | None:
    """Return the first fault of an SVG document as a name and a message, or None."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(code.encode())
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        return "not well-formed", str(error) or type(error).__name__
    return None if str(root.tag).rpartition("}")[2] == "svg" else ("root", f"the root element is {root.tag}")
