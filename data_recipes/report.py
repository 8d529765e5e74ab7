"""Describe directories of records: ``vincicoder data report``.

DIR/index.html              a page that opens offline
DIR/README.md               a dataset card for the hub; with ``--sets``, beside the sets and DIR
DIR/plots, DIR/gallery      the images of both
"""

from __future__ import annotations

import argparse
import html
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_recipes.engine.card import Table, card_text, front_matter, offered_sets
from data_recipes.engine.drops import Drops
from data_recipes.engine.hub import push
from data_recipes.engine.images import open_image
from data_recipes.engine.options import FINE, Recipe, guarded, parser_of
from data_recipes.engine.records import rows_in
from data_recipes.engine.shards import drops_of, shards_of
from data_recipes.engine.units import readable
from vincicoder.data import Reason, Record
from vincicoder.reporting.page import write_text_page

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 4
"""Images of the gallery for each domain and task."""

_RENDERED = (Reason.BLANK.value, Reason.UNFAITHFUL.value)  # left out only when they had been rendered
_SIDE = 320  # of the gallery's images, in pixels
_KEPT = 20_000  # numbers for plots; beyond that every second one goes, again and again


@dataclass
class Sizes:
    """Numbers for a plot: all of a small set, an even part of a large one."""

    values: list[float] = field(default_factory=list)
    every: int = 1
    seen: int = 0

    def add(self, value: float) -> None:
        """Add a number."""
        if self.seen % self.every == 0:
            self.values.append(value)
            if len(self.values) > _KEPT:
                self.values, self.every = self.values[::2], 2 * self.every
        self.seen += 1


@dataclass
class Facts:
    """What a report says of records.

    Attributes:
        kinds: Rows by domain and task.
        sources: Rows by source and licence.
        defects: Refinements by type of defect.
        outcomes: Refinements by what became of the defective code.
        tokens: Of the code.
        pixels: Of the images.
        similarity: Of what defective code renders.
        gallery: A few records by domain and task.
        taken: Rows that went into the recipes.
        rendered: Rows whose code was rendered.
        failed: Rows whose code could not be rendered.
        drops: What was left out.
    """

    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    sources: Counter[tuple[str, str]] = field(default_factory=Counter)
    defects: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    tokens: Sizes = field(default_factory=Sizes)
    pixels: Sizes = field(default_factory=Sizes)
    similarity: Sizes = field(default_factory=Sizes)
    gallery: dict[tuple[str, str], list[Record]] = field(default_factory=dict)
    taken: int = 0
    rendered: int = 0
    failed: int = 0
    drops: Drops = field(default_factory=Drops)

    def add(self, record: Record) -> None:
        """Count a record."""
        kind, checks = (record.domain, record.task), record.checks
        self.kinds[kind] += 1
        self.sources[record.source or "unknown", record.licence or "unknown"] += 1
        self.tokens.add(checks.get("tokens", 0))
        self.pixels.add(checks.get("width", 0) * checks.get("height", 0))
        if record.task == "refine" and "similarity" in checks:
            self.defects.update(checks.get("defects", ["attempt of a model"]))
            self.outcomes[checks.get("defect_status", "ok")] += 1
            self.similarity.add(checks["similarity"])
        shown = self.gallery.setdefault(kind, [])
        if len(shown) < SHOWN:
            shown.append(record)

    def add_origin(self, taken: int, drops: Drops) -> None:
        """Count the rows that a recipe was given to render, and what it left out."""
        counts = drops.counts.items()
        self.taken += taken
        self.failed += sum(count for label, count in counts if label.startswith(Reason.NOT_RENDERED.value))
        self.rendered += taken - sum(count for label, count in counts if not label.startswith(_RENDERED))
        self.drops.update(drops.to_dict())

    @property
    def success(self) -> float | None:
        """Share of the rows that were rendered among those that were tried; None if none was tried."""
        tried = self.rendered + self.failed
        return self.rendered / tried if tried else None


def gather(directories: Sequence[Path], origins: Sequence[Path] = ()) -> Facts:
    """Read records, and what was left out on the way to them.

    Args:
        directories: Of records.
        origins: Directories that came before them, whose drops count as well.
    """
    facts = Facts()
    for directory in directories:
        facts.drops.update(drops_of(directory)[1].to_dict())
        for path in shards_of(directory):
            for record in readable(rows_in(path), facts.drops):
                facts.add(record)
    for directory in origins:
        facts.add_origin(*drops_of(directory))
    return facts


def write_report(facts: Facts, directory: Path, name: str, sets: Sequence[Path] = ()) -> Path:
    """Write page, card and images.

    Args:
        facts: What to say.
        directory: Where the page and the images go.
        name: Of the data set.
        sets: Directories beside it that the card offers to ``load_dataset``; the card then lies beside them.

    Raises:
        DataError: One of the sets does not lie beside it, or holds no rows.
    """
    directory.mkdir(parents=True, exist_ok=True)
    root = directory.resolve().parent if sets else directory
    offered = offered_sets(sets, root)
    plots = _plots(facts, directory / "plots")
    gallery = _gallery(facts, directory / "gallery")
    tables = _tables(facts)
    beside = "" if root == directory else f"{directory.resolve().name}/"
    card = root / "README.md"
    shown = {kind: [(f"{beside}{path}", record.id) for path, record in each] for kind, each in gallery.items()}
    about = front_matter(name, [licence for _, licence in facts.sources], facts.kinds.total(), offered)
    text = card_text(name, facts.kinds.total(), list(offered), tables, [f"{beside}{path}" for path in plots], shown)
    card.write_text(about + text, encoding="utf-8")
    write_text_page(directory / "index.html", name, _body(name, tables, plots, gallery), _STYLE)
    data = {
        "kinds": {"/".join(kind): count for kind, count in sorted(facts.kinds.items())},
        "defects": dict(facts.defects.most_common()),
        "outcomes": dict(facts.outcomes.most_common()),
        "taken": facts.taken,
        "rendered": facts.success,
        "drops": facts.drops.to_dict(),
    }
    (directory / "report.json").write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return card


def _tables(facts: Facts) -> list[Table]:
    domains = sorted({domain for domain, _ in facts.kinds})
    kinds = [
        (domain, *(f"{facts.kinds[domain, task]:,}" for task in ("generate", "refine")))
        for domain in domains
    ]  # fmt: skip
    tables: list[Table] = [
        ("Rows", ("domain", "generate", "refine"), list(kinds)),
        ("Sources", ("source", "licence", "rows"), [(*key, f"{n:,}") for key, n in facts.sources.most_common()]),
        ("Sizes", ("of", "least", "median", "most"), _size_rows(facts)),
        ("Left out", ("reason", "rows", "for example"), _drop_rows(facts.drops)),
    ]
    if facts.success is not None:
        tables.append(("Rendering", ("rows that went in", "rendered"), [(f"{facts.taken:,}", f"{facts.success:.2%}")]))
    if facts.defects:
        tables.append(("Defects", ("type", "rows"), [(key, f"{n:,}") for key, n in facts.defects.most_common()]))
        tables.append(("Defective code", ("ends in", "rows"), [(k, f"{n:,}") for k, n in facts.outcomes.most_common()]))
    return tables


def _size_rows(facts: Facts) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for name, sizes in (("tokens of code, about", facts.tokens), ("pixels of images", facts.pixels)):
        if values := sorted(sizes.values):
            rows.append((name, *(f"{values[place]:,.0f}" for place in (0, len(values) // 2, -1))))
    return rows


def _drop_rows(drops: Drops) -> list[Sequence[str]]:
    return [(label, f"{count:,}", drops.examples[label][0]) for label, count in drops.counts.most_common()]


def _plots(facts: Facts, directory: Path) -> list[str]:
    """Write the plots and return their paths within the report."""
    directory.mkdir(exist_ok=True)
    names = []
    domains = sorted({domain for domain, _ in facts.kinds})

    def rows(axes: Axes) -> None:
        left = [0] * len(domains)
        for task in ("generate", "refine"):
            counts = [facts.kinds[domain, task] for domain in domains]
            axes.barh(domains, counts, left=left, label=task)
            left = [a + b for a, b in zip(left, counts, strict=True)]
        axes.legend()

    def defects(axes: Axes) -> None:
        axes.barh(*zip(*facts.defects.most_common()[::-1], strict=True))

    plots: list[tuple[str, str, Any]] = [("rows", "Rows by domain and task", rows)]
    for name, title, sizes in (
        ("tokens", "Tokens of code, about", facts.tokens),
        ("pixels", "Pixels of images", facts.pixels),
        ("similarity", "Similarity of what defective code renders", facts.similarity),
    ):
        if sizes.values:
            plots.append((name, title, lambda axes, values=sizes.values: axes.hist(values, bins=40)))
    if facts.defects:
        plots.append(("defects", "Refinements by type of defect", defects))
    for name, title, plot in plots:
        _plot(directory / f"{name}.png", title, plot)
        names.append(f"plots/{name}.png")
    return names


def _plot(path: Path, title: str, plot: Any) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 6 if path.stem == "defects" else 3.5), layout="constrained")
    axes = figure.subplots()
    plot(axes)
    axes.set_title(title)
    figure.savefig(path, dpi=100, metadata={"Software": None})


def _gallery(facts: Facts, directory: Path) -> dict[tuple[str, str], list[tuple[str, Record]]]:
    """Write small images and return their paths within the report."""
    from PIL import Image

    directory.mkdir(exist_ok=True)
    found: dict[tuple[str, str], list[tuple[str, Record]]] = {}
    for kind, records in sorted(facts.gallery.items()):
        for number, record in enumerate(records):
            image = open_image(record.target)
            image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
            path = f"{kind[0]}-{kind[1]}-{number}.png"
            buffer = io.BytesIO()
            image.save(buffer, "PNG")
            (directory / path).write_bytes(buffer.getvalue())
            found.setdefault(kind, []).append((f"gallery/{path}", record))
    return found


_Gallery = dict[tuple[str, str], list[tuple[str, Record]]]


_STYLE = """
body { max-width: 1240px; margin: 0 auto; padding: 24px 20px 40px; }
h2 { margin: 28px 0 8px; font-size: 18px; } h3 { margin: 18px 0 8px; font-size: 14px; }
.panel { padding: 12px 16px; overflow-x: auto; }
td, th { border-top: 1px solid var(--line); padding: 5px 16px 5px 0; text-align: left; vertical-align: top; }
tr:first-child th { border-top: 0; }
img { max-width: 100%; background: #fff; border: 1px solid var(--line); border-radius: 8px; }
.row { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(230px, 100%), 1fr)); gap: 12px; }
figure.card { padding: 10px; } pre { max-height: 190px; }
"""


def _body(name: str, tables: Iterable[Table], plots: Sequence[str], gallery: _Gallery) -> str:
    parts = [f"<h1>{html.escape(name)}</h1>"]
    for heading, columns, rows in tables:
        head = "".join(f"<th>{html.escape(each)}</th>" for each in columns)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(each)}</td>" for each in row) + "</tr>" for row in rows)
        parts.append(f'<h2>{heading}</h2><div class="panel"><table><tr>{head}</tr>{body}</table></div>')
    parts += ["<h2>Plots</h2>", *(f'<img src="{path}" alt="">' for path in plots), "<h2>Gallery</h2>"]
    for kind, shown in gallery.items():
        figures = "".join(
            f'<figure class="card"><img src="{path}" alt=""><figcaption>{html.escape(record.id)}: '
            f"{html.escape(', '.join(record.checks.get('defects', [])))}</figcaption>"
            f"<pre>{html.escape((record.defective_code or record.code)[:3000])}</pre></figure>"
            for path, record in shown
        )
        parts.append(f'<h3>{kind[0]}, {kind[1]}</h3><div class="row">{figures}</div>')
    return "\n".join(parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("report", __doc__)
    parser.add_argument("records", type=Path, nargs="+", metavar="DIR", help="directories of records")
    parser.add_argument("--from", dest="origins", type=Path, nargs="*", default=[], metavar="DIR",
                        help="directories they were made from, to count what was left out (default: none)")  # fmt: skip
    parser.add_argument("--sets", type=Path, nargs="*", default=[], metavar="DIR",
                        help="exported sets beside --out that the card offers (default: none)")  # fmt: skip
    parser.add_argument("--push", metavar="USER/NAME",
                        help="upload the sets, card and images to the hub (default: nowhere)")  # fmt: skip
    parser.add_argument(
        "--public", action="store_true", help="let everybody see what --push uploads, if it is new there"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="directory for the report")
    parser.add_argument("--name", help="name of the data set (default: that of the directory)")
    options: argparse.Namespace = parser.parse_args(arguments)
    if options.push and not options.sets:
        parser.error("--push needs --sets, the exported sets to upload")
    name = options.name or options.out.resolve().parent.name
    card = write_report(gather(options.records, options.origins), options.out, name, options.sets)
    told = {"report": str(options.out / "index.html"), "card": str(card)}
    if options.push:
        images = [f"{options.out.resolve().name}/{each}/*.png" for each in ("plots", "gallery")]
        rows = [f"{path.resolve().name}/{each}" for path in options.sets for each in ("*.parquet", "*/*.parquet")]
        told["hub"] = push(card.parent, options.push, ["README.md", *rows, *images], options.public)
    print(json.dumps(told))
    return FINE


RECIPE = Recipe("describe records in a page and a dataset card", main)

if __name__ == "__main__":
    raise SystemExit(guarded(main))
