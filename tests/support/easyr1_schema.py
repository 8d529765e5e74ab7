"""Lists the settings of an EasyR1 checkout, one ``name type`` a line, without importing it.

python tests/support/easyr1_schema.py ~/EasyR1 > tests/support/easyr1_keys.txt
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

PARTS = ("actor", "critic", "reward", "rollout")
SOURCES = ["trainer/config.py", "workers/config.py", *(f"workers/{part}/config.py" for part in PARTS)]


def settings(home: str | Path) -> list[str]:
    """Return every setting that a user may give, read from the dataclasses of EasyR1's schema."""
    classes: dict[str, list[ast.AnnAssign]] = {}
    for source in SOURCES:
        tree = ast.parse((Path(home) / "verl" / source).read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
                classes[node.name] = [each for each in fields if "init=False" not in ast.unparse(each)]

    def walk(name: str, prefix: str) -> list[str]:
        found = []
        for field in classes[name]:
            kind = ast.unparse(field.annotation)
            key = prefix + ast.unparse(field.target)
            found += walk(kind, key + ".") if kind in classes else [f"{key} {kind.replace(' ', '')}"]
        return found

    return walk("PPOConfig", "")


if __name__ == "__main__":
    print("\n".join(settings(sys.argv[1])))
