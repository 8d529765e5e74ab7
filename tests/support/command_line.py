"""Code and responses that the tests of the command line use, and how it is called in a process of its own."""

from __future__ import annotations

import sys

ICON = "<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'><rect width='40' height='40' fill='red'/></svg>"
GOOD = f"Here it is:\n\n```svg\n{ICON}\n```\n"
SLOW = "```python\nimport threading\nthreading.Event().wait(1000)\n```"
COMMAND = [sys.executable, "-m", "vincicoder"]
