"""LaTeX: environments and braces that match."""

from __future__ import annotations

import re

_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([^{}]+)\}")
_VERBATIM = re.compile(r"\\begin\{(verbatim|lstlisting|comment|minted)\}.*?\\end\{\1\}", re.DOTALL)


def lint(code: str) -> tuple[str, str] | None:
    """Return the first fault of a document or snippet as a name and a message, or None."""
    text = _VERBATIM.sub("", code)
    text = re.sub(r"\\verb(\W).*?\1", "", text)
    text = re.sub(r"(?<!\\)((?:\\\\)*)%.*", r"\1", text)
    stack: list[str] = []
    for kind, name in _ENVIRONMENT.findall(text):
        if kind == "begin":
            stack.append(name)
        elif not stack or stack.pop() != name:
            return "environments", f"\\end{{{name}}} ends what did not begin"
    if stack:
        return "environments", f"\\begin{{{stack[-1]}}} never ends"
    plain = re.sub(r"\\\\|\\[{}]", "", text)
    if plain.count("{") != plain.count("}"):
        return "braces", f"{plain.count('{')} opening braces and {plain.count('}')} closing ones"
    return None
