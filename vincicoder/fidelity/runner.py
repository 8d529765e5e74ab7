"""Score all answers to some references, go on from where a run stopped, and tell how the reward ranks them."""

from __future__ import annotations

import dataclasses
import hashlib
import resource
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.errors import ConfigError
from vincicoder.fidelity.answers import Answer, answers_to, target_of, unrelated_code
from vincicoder.fidelity.figures import by_kind, compared, counts, figures
from vincicoder.fidelity.judging import Judges, digest_of
from vincicoder.fidelity.references import SNIPPETS, Reference, read_references
from vincicoder.reporting import ResultsFile, is_judged
from vincicoder.reward.settings import reweighed
from vincicoder.similarity.config import DEFAULT_ENCODER

if TYPE_CHECKING:
    from PIL import Image

    from vincicoder.reward import RewardRequest, RewardResult, VisualReward


@dataclass(frozen=True)
class Fidelity:
    """What was measured of one or two rewards.

    Attributes:
        encoder: Name of the encoder.
        presets: Names of the presets, the second one only where two were compared.
        rows: For each preset, the scored answers: ``reference``, ``language``, ``domain``, ``role``, ``kind``,
            ``strength``, ``render_key`` (a digest of the render), and what ``RewardResult.to_dict`` gives.
        cpu_ms: CPU milliseconds for each answer that was scored now, in all processes, rendering and their start
            included; None if all were scored before.

    Example:
        >>> found = measure(["records.jsonl"], encoder="embedded", workers=2)  # doctest: +SKIP
        >>> found.to_dict()["presets"]["paper"]["all"]["figures"]["pairs"]["value"]  # doctest: +SKIP
        0.976
    """

    encoder: str
    presets: tuple[str, ...]
    rows: tuple[list[dict[str, Any]], ...]
    cpu_ms: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return every figure by preset and group, ready for JSON.

        The groups are ``all``, each language, and each domain of a language that has several, as ``python/chart``.
        """
        told = {
            preset: {name: _told(group) for name, group in _groups(rows).items()}
            for preset, rows in zip(self.presets, self.rows, strict=True)
        }
        found = {"encoder": self.encoder, "cpu_ms": self.cpu_ms, "presets": told}
        if len(self.rows) == 2:
            found["differences"] = {
                name: dataclasses.asdict(each) for name, each in compared(self.rows[0], self.rows[1]).items()
            }
        return found


def measure(
    sources: Sequence[str | Path] = (SNIPPETS,),
    encoder: str = DEFAULT_ENCODER,
    *,
    split: str = "all",
    languages: Iterable[str] = (),
    compare: str | None = None,
    without_references: bool = False,
    output: str | Path | None = None,
    limit: int | None = None,
    progress: Callable[[bool], object] = lambda fresh: None,
    complain: Callable[[str], object] = lambda message: None,
    **options: Any,
) -> Fidelity:
    """Damage references by program, score all answers, and tell how the reward ranks them.

    Args:
        sources: Files of records, or ``snippets``; see :func:`vincicoder.fidelity.references.read_references`.
        encoder: Name of the encoder.
        split: ``training``, ``held-out`` or ``all``.
        languages: The languages that are wanted; empty for all.
        compare: Name of a second preset, which judges the same renders.
        without_references: Whether the reward is not told the references' code, as for data that have none.
        output: File of scores in JSON lines that a later run goes on from; None writes none. Weights may change
            between runs, since component scores are kept.
        limit: Only this many references.
        progress: Called for each reference that is done, with whether anything of it was scored now.
        complain: Called with a sentence for each row or reference that cannot be used.
        options: Options of the reward, as :class:`vincicoder.reward.VisualReward` takes them.

    Raises:
        ConfigError: An option, a file or a name of a preset is wrong, or no reference is left.
        EncoderError: The encoder cannot be loaded.

    Example:
        >>> measure(["snippets"], "embedded", languages=["svg"], preset="paper").presets  # doctest: +SKIP
        ('paper',)
    """
    from vincicoder.reward import VisualReward

    references = read_references(sources, split, languages, complain)[:limit]
    judges = Judges.of(encoder, compare, options)
    config = judges.config
    settings = judges.settings(without_references=without_references)
    results = None if output is None else ResultsFile(output, settings)
    before = _cpu_seconds()
    try:
        with VisualReward(config.encoder, rendering=config.rendering, scoring=config.scoring, keep_renders="all") as to:
            name = to.encoder
            run = _Run(to, references, results, progress, complain, without_references)
            rows = sorted(run.rows(), key=lambda row: (row["reference"], row["id"]))  # whatever came first
    finally:
        if results is not None:
            results.close()
    if not rows:
        raise ConfigError("no answer could be scored: no reference has an image")
    cpu_ms = 1000 * (_cpu_seconds() - before) / run.fresh if run.fresh else None
    judged = tuple([reweighed(row, scoring) for row in rows] for scoring in judges.scorings)
    return Fidelity(name, judges.names, judged, cpu_ms)


class _Run:
    """The answers to all references on their way through a reward.

    Attributes:
        fresh: How many answers were scored, and not taken from an earlier run.
    """

    def __init__(
        self,
        reward: VisualReward,
        references: Sequence[Reference],
        results: ResultsFile | None,
        progress: Callable[[bool], object],
        complain: Callable[[str], object],
        without_references: bool,
    ) -> None:
        self._reward, self._references, self._results = reward, references, results
        self._without_references = without_references
        self._progress, self._complain = progress, complain
        self._earlier: list[dict[str, Any]] = []
        self._under_way: dict[int, Answer] = {}
        self._left: Counter[str] = Counter()
        self._whole: set[str] = set()
        self.fresh = 0

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield scored answers as they come, then those of an earlier run."""
        for index, result in self._reward.stream(self._requests()):
            answer = self._under_way.pop(index)
            row = {**answer.labels, "render_key": _render_key(result.image()), **_without_tiles(result)}
            if self._results is not None:
                self._results.write(_key(answer.request), row)
            self.fresh += 1
            self._left[answer.reference] -= 1
            if not self._left[answer.reference] and answer.reference in self._whole:
                self._progress(True)
            if is_judged(row["status"]):
                yield row
            else:
                self._complain(f"{answer.request.id}: {row['status']}: {row['message']}")
        yield from self._earlier

    def _requests(self) -> Iterator[RewardRequest]:
        begun = 0
        for reference in self._references:
            target = target_of(reference, self._reward.render, self._complain)
            asked = 0
            for answer in () if target is None else self._answers(reference, target):
                kept = None if self._results is None else self._results.take(_key(answer.request))
                if kept is not None:
                    self._earlier.append(kept)
                    continue
                self._under_way[begun] = answer
                self._left[reference.name] += 1
                begun, asked = begun + 1, asked + 1
                yield answer.request
            self._whole.add(reference.name)
            if not self._left[reference.name]:
                self._progress(asked > 0)

    def _answers(self, reference: Reference, target: Image.Image) -> Iterator[Answer]:
        for answer in answers_to(reference, target, unrelated_code(reference, self._references)):
            withheld = dataclasses.replace(answer.request, reference=None)
            yield dataclasses.replace(answer, request=withheld) if self._without_references else answer


def _groups(rows: Sequence[Mapping[str, Any]]) -> dict[str, Sequence[Mapping[str, Any]]]:
    domains: dict[str, set[str]] = {}
    for row in rows:
        domains.setdefault(row["language"], set()).add(row["domain"])
    found = {"all": rows}
    for language in sorted(domains):
        found[language] = [row for row in rows if row["language"] == language]
        for domain in sorted(domains[language]) if len(domains[language]) > 1 else ():
            found[f"{language}/{domain}"] = [row for row in found[language] if row["domain"] == domain]
    return found


def _told(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    values = {name: dataclasses.asdict(each) for name, each in figures(rows).items()}
    return {**counts(rows), "figures": values, "kinds": by_kind(rows)}


def _without_tiles(result: RewardResult) -> dict[str, Any]:
    """Return the result without what takes much room and says nothing about a rank."""
    return {**result.to_dict(), "tiles": [], "grid": None}


def _render_key(image: Image.Image | None) -> str | None:
    if image is None:
        return None
    return hashlib.blake2b(repr(image.size).encode() + image.convert("RGB").tobytes(), digest_size=8).hexdigest()


def _key(request: RewardRequest) -> str:
    assert isinstance(request.target, bytes)
    return digest_of([request.id, request.prompt, request.response, hashlib.blake2b(request.target).hexdigest()])


def _cpu_seconds() -> float:
    """Return the CPU time of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
