"""Small parsers that find code which cannot render; one file a language.

A file ``NAME.py`` holds ``lint``, for the language of that name. What a language's own program accepts is found out by
rendering anyway: these only spare the rendering. Python is not here, since Ruff takes many programs in one call.
"""

from __future__ import annotations

from collections.abc import Callable

from vincicoder.registry import Registry

LINTERS: Registry[Callable[[str], tuple[str, str] | None]] = Registry("linter", __name__, "lint")
"""By language. Each returns the first fault of code as a name and a message, or None."""
