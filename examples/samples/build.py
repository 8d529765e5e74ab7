"""Build the sample set: render the targets and write ``index.jsonl``.

A sample is a directory ``<domain>/<id>`` with a reference, a prompt and responses, all of them plain files that
people edit. Everything else is made from them here:

    python examples/samples/build.py                  # render the targets that are missing, write the index
    python examples/samples/build.py --render         # render all targets again, write the index
    python examples/samples/build.py --render rocket  # render one target again, write the index
    python examples/samples/build.py --check          # change nothing; exit 1 if something is out of date

A dozen of the samples go into the package too, for ``vincicoder quickstart``.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from vincicoder.languages import get_language
from vincicoder.status import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLES = Path(__file__).resolve().parent
INDEX = SAMPLES / "index.jsonl"

PACKAGED = SAMPLES.parents[1] / "vincicoder" / "cli" / "samples"
"""What ``vincicoder quickstart`` scores."""

QUICKSTART = (
    "bike-rides-step", "plotly-sales-bars", "quarterly-revenue-bars", "kanban-board", "plant-shop-grid", "icon-calendar",
    "map-pins", "mountain-sunset", "commutative-diagram", "maxwell-equations", "caffeine", "glucose-stereo",
)  # fmt: skip
"""Ids of its samples: small images, every domain, and most of what can become of a response."""

LANGUAGE = {"chart": "python", "web": "html", "svg": "svg", "latex": "latex", "molecule": "python"}
"""Domain to the language of its references, in the order of the index."""

SUFFIX = {"python": ".py", "html": ".html", "svg": ".svg", "latex": ".tex"}

EXPECTED = {
    "perfect": Status.OK,
    "several_blocks": Status.OK,
    "thinking": Status.OK,
    "slight": Status.OK,
    "bad": Status.OK,
    "blank": Status.BLANK,
    "no_code": Status.NO_CODE,
    "wrong_language": Status.WRONG_LANGUAGE,
    "truncated": Status.TRUNCATED,
    "syntax_error": Status.SYNTAX_ERROR,
    "crash": Status.RUNTIME_ERROR,
    "endless_loop": Status.TIMEOUT,
    "no_output": Status.NO_OUTPUT,
    "raster": Status.RASTER,
}
"""Kind of response to the status that it must get, in the order of the index."""

LONGEST_SIDE = {"chart": 1000, "web": 1280, "svg": 1000, "latex": 720, "molecule": 1000}
"""Pixels. Larger renders are scaled down: stored targets seldom have the size of a fresh render."""

_PHOTO_SIDE = 360
"""Pixels of the longest side of the photograph of the target that the kind ``raster`` embeds."""

_RASTER_RESPONSE = {
    "python": """The safest way to match the picture is to show it:

```python
import base64
import io

import matplotlib.pyplot as plt
from PIL import Image

data = (
{lines}
)
picture = Image.open(io.BytesIO(base64.b64decode(data)))
fig = plt.figure(figsize=({width} / 100, {height} / 100))
ax = fig.add_axes([0, 0, 1, 1])
ax.imshow(picture)
ax.axis('off')
plt.savefig('output.png', dpi=100)
```
""",
    "html": """```html
<!DOCTYPE html>
<html>
<body style="margin: 0">
<img width="{width}" height="{height}" src="data:image/jpeg;base64,{data}">
</body>
</html>
```
""",
    "svg": """```svg
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">
  <image width="{width}" height="{height}" href="data:image/jpeg;base64,{data}"/>
</svg>
```
""",
    "latex": r"""```latex
\documentclass{standalone}
\usepackage{graphicx}
\begin{document}
\includegraphics[width=12cm]{target.png}
\end{document}
```
""",
}


@dataclass(frozen=True)
class Sample:
    """One reference with its prompt, target and responses.

    Attributes:
        directory: Its directory, ``<domain>/<id>``.
    """

    directory: Path

    @property
    def id(self) -> str:
        """Name of the sample, unique in the set."""
        return self.directory.name

    @property
    def domain(self) -> str:
        """One of the keys of ``LANGUAGE``."""
        return self.directory.parent.name

    @property
    def reference(self) -> Path:
        """The code that drew the target."""
        return self.directory / f"reference{SUFFIX[LANGUAGE[self.domain]]}"

    @property
    def target(self) -> Path:
        """The image of the reference."""
        return self.directory / "target.png"

    def prompt(self) -> tuple[str | None, str]:
        """Return the language that is asked for by name, or None, and the prompt.

        A prompt file may begin with ``---``, ``language: NAME``, ``---``; without it the language is left to
        what the prompt says.
        """
        text = (self.directory / "prompt.md").read_text(encoding="utf-8").strip()
        if not text.startswith("---\n"):
            return None, text
        head, _, body = text.removeprefix("---\n").partition("\n---\n")
        language = head.removeprefix("language:").strip()
        get_language(language)  # raises for a name that nobody knows
        return language, body.strip()

    def responses(self) -> Iterator[tuple[str, str]]:
        """Yield kind and text of every response, in the order of ``EXPECTED``."""
        for kind in EXPECTED:
            path = self.directory / "responses" / f"{kind}.md"
            if path.is_file():
                yield kind, path.read_text(encoding="utf-8")


def samples() -> list[Sample]:
    """Return all samples, by domain in the order of ``LANGUAGE`` and then by id."""
    return [Sample(directory) for domain in LANGUAGE for directory in sorted((SAMPLES / domain).iterdir()) if directory.is_dir()]


def rows() -> Iterator[dict[str, Any]]:
    """Yield one row of the index per response; paths are relative to this directory."""
    for sample in samples():
        language, prompt = sample.prompt()
        for kind, response in sample.responses():
            yield {
                "id": f"{sample.id}/{kind}",
                "group": sample.id,
                "domain": sample.domain,
                "kind": kind,
                "expected_status": EXPECTED[kind].value,
                "language": language,
                "prompt": prompt,
                "target": sample.target.relative_to(SAMPLES).as_posix(),
                "reference": sample.reference.relative_to(SAMPLES).as_posix(),
                "response": response,
            }


def index_text() -> str:
    """Return what ``index.jsonl`` must hold."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows())


def packaged_files() -> dict[str, bytes]:
    """Return the files that the package must hold, by name."""
    files = {f"{sample.id}.png": sample.target.read_bytes() for sample in samples() if sample.id in QUICKSTART}
    lines = []
    for row in rows():
        if row["group"] in QUICKSTART:
            kept = {name: value for name, value in row.items() if name != "reference"}
            kept |= {"target": f"{row['group']}.png", "language": LANGUAGE[row["domain"]]}
            lines.append(json.dumps(kept, ensure_ascii=False) + "\n")
    return {"requests.jsonl": "".join(lines).encode(), **files}


def problems() -> list[str]:
    """Return what is wrong with the files, in one sentence each; an empty list if all is well."""
    found = []
    allowed = {"build.py", "README.md", "index.jsonl", "__pycache__", *LANGUAGE}
    found += [f"{path.name} does not belong here" for path in SAMPLES.iterdir() if path.name not in allowed]
    for sample in samples():
        files = {path.relative_to(sample.directory).as_posix() for path in sample.directory.rglob("*") if path.is_file()}
        needed = {sample.reference.name, "prompt.md", "target.png", "responses/perfect.md"}
        known = needed | {f"responses/{kind}.md" for kind in EXPECTED}
        found += [f"{sample.domain}/{sample.id}: {name} is missing" for name in sorted(needed - files)]
        found += [f"{sample.domain}/{sample.id}: {name} is not known" for name in sorted(files - known)]
    if not found and (not INDEX.is_file() or INDEX.read_text(encoding="utf-8") != index_text()):
        found.append("index.jsonl is out of date; run examples/samples/build.py")
    if not found and packaged_files() != {path.name: path.read_bytes() for path in PACKAGED.iterdir()}:
        found.append(f"{PACKAGED} is out of date; run examples/samples/build.py")
    return found


def render_targets(chosen: Sequence[Sample]) -> None:
    """Render the references of ``chosen`` and write their targets, then the responses made from them.

    Raises:
        SystemExit: A reference cannot be rendered; the message names it.
    """
    from vincicoder.rendering import RenderPool

    with RenderPool() as pool:
        futures = [
            pool.submit(sample.reference.read_text(encoding="utf-8").strip(), LANGUAGE[sample.domain])
            for sample in chosen
        ]
        for sample, future in zip(chosen, futures, strict=True):
            render = future.result()
            if render.image is None:
                sys.exit(f"{sample.reference} cannot be rendered: {render.status}: {render.message}")
            image = render.image.convert("RGB")
            longest = LONGEST_SIDE[sample.domain]
            image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
            image.save(sample.target, optimize=True)
            if (sample.directory / "responses" / "raster.md").is_file():
                _write_raster_response(sample, image)


def _write_raster_response(sample: Sample, image: Image.Image) -> None:
    width, height = image.size
    photo = image.copy()
    photo.thumbnail((_PHOTO_SIDE, _PHOTO_SIDE))
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=60)
    data = base64.b64encode(buffer.getvalue()).decode()
    lines = "\n".join(f"    '{data[start : start + 96]}'" for start in range(0, len(data), 96))
    text = _RASTER_RESPONSE[LANGUAGE[sample.domain]]
    for name, value in {"width": width, "height": height, "data": data, "lines": lines}.items():
        text = text.replace(f"{{{name}}}", str(value))
    (sample.directory / "responses" / "raster.md").write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Render the targets of the sample set and write index.jsonl.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if something is out of date")
    parser.add_argument(
        "--render",
        nargs="*",
        metavar="ID",
        help="render the targets of these samples again; of all if none is named",
    )
    options = parser.parse_args(arguments)
    if not options.check:
        chosen = [sample for sample in samples() if not sample.target.is_file()]
        if options.render is not None:
            names = set(options.render) or {sample.id for sample in samples()}
            if unknown := names - {sample.id for sample in samples()}:
                parser.error(f"no sample is called {', '.join(sorted(unknown))}; ids are the directories' names")
            chosen += [sample for sample in samples() if sample.id in names and sample not in chosen]
        if chosen:
            render_targets(chosen)
        INDEX.write_text(index_text(), encoding="utf-8")
        PACKAGED.mkdir(exist_ok=True)
        for path in PACKAGED.iterdir():
            path.unlink()
        for name, content in packaged_files().items():
            (PACKAGED / name).write_bytes(content)
    found = problems()
    for problem in found:
        print(problem, file=sys.stderr)
    if not found:
        print(f"{len(samples())} samples, {sum(1 for _ in rows())} responses: complete and up to date")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
