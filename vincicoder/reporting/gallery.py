"""A gallery of a training run: by step, targets beside renders, on one page with a slider that opens offline.

Any number of processes, on any node that sees the directory, add rows to one gallery. Each adds what it has under a
lock, keeps of a step what is best, worst, failed or followed, and writes the page anew. So disk and page stay bounded.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vincicoder._version import __version__
from vincicoder.errors import ConfigError
from vincicoder.reporting.page import write_page
from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image

BEST, WORST, FAILED, FOLLOWED = KINDS = ("best", "worst", "failed", "followed")
"""Why a row is shown; a row may be there for several of these."""

MAX_STEPS = 60
"""Steps that are kept; from then on, of every two neighbours among the older half one goes."""

MAX_FAILURES = 2
"""Rows that are shown of each status that is no success."""

_TEMPLATE = Path(__file__).with_name("gallery_page.html")
_LONGEST_SIDE = 448  # of stored images, in pixels
_LONGEST_TEXT = 3000  # of code or a response, in characters


class Shown(NamedTuple):
    """A row of a gallery.

    Attributes:
        id: What tells it from all others of the gallery; letters, digits and dashes.
        data: What the page says of it, ready for JSON: ``overall``, ``status``, ``message``, ``language``, ``text`` and
            ``prompt`` (a key of its prompt and target).
        images: Its ``target`` and its ``render``, as far as there are any.
        only_followed: Whether it is there only if its prompt is followed.
    """

    id: str
    data: dict[str, Any]
    images: Mapping[str, Image.Image]
    only_followed: bool = False


def chosen(rows: Iterable[Mapping[str, Any]], count: int, followed: Collection[str]) -> dict[str, list[str]]:
    """Return the ids of the rows of a step that are shown, with why each is.

    Args:
        rows: Rows with ``id``, ``overall``, ``status``, ``prompt`` and perhaps ``only_followed``.
        count: Rows of each kind.
        followed: Keys of the prompts that are followed.

    Example:
        >>> row = {"id": "a", "overall": 0.5, "status": "ok", "prompt": "p"}
        >>> chosen([row, {**row, "id": "b", "overall": 0.0, "status": "timeout"}], 1, [])
        {'a': ['best'], 'b': ['failed']}
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    every = sorted(rows, key=lambda row: (-row["overall"], row["id"]))
    free = [row for row in every if not row.get("only_followed")]
    good = [row for row in free if row["status"] == Status.OK.value]
    best = _of_each_prompt(good)[:count]
    worst = [row for row in _of_each_prompt(good[::-1]) if row not in best][:count]
    failures: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in free:
        if row["status"] != Status.OK.value and len(failures[row["status"]]) < MAX_FAILURES:
            failures[row["status"]].append(row)
    kinds = {BEST: best, WORST: worst, FAILED: [row for each in failures.values() for row in each]}
    firsts = {row["prompt"]: row for row in reversed(every)}
    kinds[FOLLOWED] = [firsts[key] for key in followed if key in firsts]
    for kind, some in kinds.items():
        for row in some:
            found[row["id"]].append(kind)
    return dict(found)


def _of_each_prompt(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the first row of each prompt, so that one group does not fill the page."""
    firsts: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        firsts.setdefault(row["prompt"], row)
    return list(firsts.values())


class Gallery:
    """The gallery in a directory.

    Args:
        directory: Where it is; made if need be.
        count: Rows of each kind in a step.
        title: Heading of the page.

    Raises:
        ConfigError: The directory cannot be made.

    Example:
        >>> gallery = Gallery("gallery", 4)  # doctest: +SKIP
        >>> gallery.add(10, rows, followed=["9f3a"])  # doctest: +SKIP
    """

    def __init__(self, directory: str | Path, count: int = 4, title: str = "Training") -> None:
        self.directory = Path(directory)
        self._count = count
        self._title = title
        self._images = self.directory / "images"
        self._steps = self.directory / "steps"
        self._clock = self.directory / "counted.json"
        try:
            for each in (self._images, self._steps):
                each.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"gallery_dir is {str(directory)!r}, which cannot be made: {error.strerror}") from error

    @property
    def page(self) -> Path:
        """The file to open."""
        return self.directory / "index.html"

    def last_step(self) -> int:
        """Return the latest step of the gallery; 0 if it has none."""
        return max(self.steps(), default=0)

    def counted(self) -> int:
        """Return the step that `count` was told last; 0 if it never was."""
        try:
            return int(self._clock.read_text("utf-8"))
        except (OSError, ValueError):
            return 0

    def count(self, step: int) -> None:
        """Tell all processes the step of training, where one counts it and the others do not know it."""
        self._write(self._clock, step)

    def rows(self, step: int) -> list[dict[str, Any]]:
        """Return the rows of a step, as the page has them; paths of images are relative to the directory."""
        path = self._steps / f"{step:08d}.json"
        rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.is_file() else []
        return rows

    def steps(self) -> list[int]:
        """Return the steps that are kept."""
        return sorted(int(path.stem) for path in self._steps.glob("*.json"))

    def followed(self) -> list[str]:
        """Return the keys of the prompts that are followed."""
        path = self.directory / "followed.json"
        keys: list[str] = json.loads(path.read_text("utf-8")) if path.is_file() else []
        return keys

    def add(self, step: int, rows: Sequence[Shown], followed: Sequence[str] = ()) -> None:
        """Add rows of a step, and write the page.

        Args:
            step: The trainer's step.
            rows: Rows that are new.
            followed: Keys of prompts that came back; the first ``count`` of all processes are followed from now on.
        """
        with self._locked():
            keys = self._follow(followed)
            known = {row["id"]: row for row in self.rows(step)}
            for row in rows:
                known[row.id] = {"id": row.id, "step": step, "only_followed": row.only_followed, **_shortened(row.data)}
                known[row.id] |= {name: self._stored(row, name) for name in ("target", "render")}
            kinds = chosen(known.values(), self._count, keys)
            kept = [{**row, "kinds": kinds[row["id"]]} for row in known.values() if row["id"] in kinds]
            self._write(self._steps / f"{step:08d}.json", kept)
            steps = self._thinned()
            self._sweep(steps)
            self._write_page(steps, keys)

    def _follow(self, candidates: Sequence[str]) -> list[str]:
        keys = self.followed()
        new = [key for key in dict.fromkeys(candidates) if key not in keys][: max(0, self._count - len(keys))]
        if new:
            self._write(self.directory / "followed.json", keys + new)
        return keys + new

    def _thinned(self) -> dict[int, list[dict[str, Any]]]:
        """Return the rows of all steps, after some of the older steps went if there are too many."""
        steps = self.steps()
        if len(steps) > MAX_STEPS:
            for step in steps[1 : len(steps) // 2 : 2]:  # the first stays
                (self._steps / f"{step:08d}.json").unlink()
        return {step: self.rows(step) for step in self.steps()}

    def _sweep(self, steps: Mapping[int, Sequence[Mapping[str, Any]]]) -> None:
        """Remove images that no row shows any more."""
        used = {
            row[name]["src"] for rows in steps.values() for row in rows for name in ("target", "render") if row[name]
        }
        for path in self._images.iterdir():
            if f"images/{path.name}" not in used:
                path.unlink(missing_ok=True)

    def _stored(self, row: Shown, name: str) -> dict[str, Any] | None:
        """Store an image of a row and return where it is and how large; None if there is none."""
        from PIL import Image

        image = row.images.get(name)
        if image is None:
            return None
        small = image.convert("RGB")
        small.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Image.Resampling.LANCZOS)
        stem = f"target-{row.data['prompt']}" if name == "target" else f"render-{row.id}"
        path = self._images / f"{stem}.webp"
        if name == "render" or not path.is_file():
            small.save(path, "WEBP", quality=80, method=2)
        return {"src": f"images/{path.name}", "width": small.width, "height": small.height}

    def _write_page(self, steps: Mapping[int, Sequence[Mapping[str, Any]]], followed: Sequence[str]) -> None:
        data = {
            "title": self._title,
            "version": __version__,
            "faults": {status.value: status.fault.value for status in Status},
            "followed": list(followed),
            "steps": [{"step": step, "rows": list(rows)} for step, rows in steps.items()],
        }
        write_page(self.page, _TEMPLATE, self._title, data)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the gallery's lock; where the file system knows no locks, go on without."""
        with (self.directory / ".lock").open("w") as lock:
            with contextlib.suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @staticmethod
    def _write(path: Path, value: Any) -> None:
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(value), encoding="utf-8", errors="replace")
        partial.replace(path)


def _shortened(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: f"{value[:_LONGEST_TEXT]} …" if isinstance(value, str) and len(value) > _LONGEST_TEXT else value
        for name, value in data.items()
    }
