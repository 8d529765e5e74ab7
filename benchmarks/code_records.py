"""Make a file of records from directories of code, such as a clone of a gallery or of an icon set.

    python benchmarks/code_records.py references/ examples:14 icons:12 figures:10
    vincicoder fidelity references/records.jsonl --preset paper --compare robust

The files of a directory are looked at in an order that depends on their names alone. Each is rendered in the sandbox,
and kept if it gives one image with something on it, until there are as many as the number behind the colon. Code that
is much shorter or longer than what models write is left out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from vincicoder import RenderPool
from vincicoder.guards import is_blank
from vincicoder.languages import LANGUAGES

_CHARACTERS = range(200, 4000)
_SIDES = range(100, 3000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, metavar="DIR", help="where records.jsonl and the images go")
    parser.add_argument("wanted", nargs="+", metavar="DIR:N", help="a directory of code, and how many files of it")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    with RenderPool(workers=2) as pool, (options.output / "records.jsonl").open("w", encoding="utf-8") as lines:
        for directory, _, count in (each.rpartition(":") for each in options.wanted):
            kept = tried = 0
            for path, language in files(Path(directory)):
                if kept == int(count):
                    break
                tried += 1
                code = path.read_text(encoding="utf-8")
                image = pool.render(code, language).image
                if image is None or not all(side in _SIDES for side in image.size) or is_blank(image):
                    continue
                name = f"{path.parent.name}-{path.stem}".replace(" ", "-")  # two directories may have the same names
                image.save(options.output / f"{name}.png")
                record = {"id": name, "target": f"{name}.png", "code": code, "language": language}
                lines.write(json.dumps(record, ensure_ascii=False) + "\n")
                kept += 1
            print(f"{directory}: {kept} kept of {tried} tried")


def files(directory: Path) -> Iterator[tuple[Path, str]]:
    """Yield files of code with their languages, in an order by the digest of their names."""
    suffixes = {suffix: each.name for each in LANGUAGES.values() for suffix in each.suffixes}
    paths = [path for path in directory.rglob("*") if path.suffix in suffixes and path.is_file()]
    for path in sorted(paths, key=lambda path: hashlib.blake2b(path.name.encode()).digest()):
        if path.stat().st_size in _CHARACTERS:
            yield path, suffixes[path.suffix]


if __name__ == "__main__":
    main()
