"""Name the environment variables that are nearly, but not quite, those of a script: ``misspelt.py SCRIPT [FILE ...]``.

Exit status 2 if there is one, so that a run with ``NNODE=4`` does not start on one node.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path


def main() -> None:
    """Compare the environment with what the files read."""
    script = Path(sys.argv[1])
    text = "".join(Path(name).read_text(encoding="utf-8") for name in sys.argv[1:])
    known = set(re.findall(r"\$\{?([A-Z][A-Z0-9_]+)", text)) | set(re.findall(r"^#   ([A-Z][A-Z0-9_]+)", text, re.M))
    for name in sorted(os.environ.keys() - known):
        near = min(known, key=lambda each: (distance(name, each), each))
        if distance(name, near) <= (1 if len(near) < 9 else 2) and len(near) > 3:
            sys.stderr.write(f"{script.name}: {name} is set, but the variable is called {near}; rename or unset it\n")
            sys.exit(2)


def distance(one: str, other: str) -> int:
    """Return how many letters must be added, removed, changed or swapped with the next to turn one into the other."""
    if abs(len(one) - len(other)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, mine in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, theirs in enumerate(other, 1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (mine != theirs))
            if i > 1 and j > 1 and (mine, theirs) == (other[j - 2], one[i - 2]):
                least = min(least, earlier[j - 2] + 1)
            row.append(least)
    return row[-1]


if __name__ == "__main__":
    main()
