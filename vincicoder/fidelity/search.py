"""A search for programs that earn more than honest work: an adversary with a budget, for each target and preset.

The search begins with the hacks and goes on with children of the best programs so far. It stops at the first program
that earns more than the median of the target's mediocre answers, or when its evaluations are used up. It is seeded, and
an earlier run's scores are taken from a file, so the same command goes on where it stopped.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.data.answers import fenced
from vincicoder.evaluation.statistics import DRAWS, intervals
from vincicoder.fidelity.answers import MEDIOCRE, target_of
from vincicoder.fidelity.breeding import Breeder, Program
from vincicoder.fidelity.figures import honest
from vincicoder.fidelity.judging import Judges, beside, digest_of
from vincicoder.fidelity.scenes import PROGRAMS, Line
from vincicoder.images import compressed
from vincicoder.rendering import RenderPool
from vincicoder.reporting import ResultsFile, is_judged
from vincicoder.reward import RewardRequest
from vincicoder.reward.settings import reweighed

if TYPE_CHECKING:
    from vincicoder.fidelity.references import Reference
    from vincicoder.fidelity.runner import Fidelity
    from vincicoder.reward import VisualReward

_BROOD = 24  # programs of one generation
_PARENTS = 10  # best programs that have children
_EPSILON = 1e-9


@dataclass(frozen=True)
class Attempt:
    """What a search found for one target under one preset.

    Attributes:
        reference: Name of the target's reference.
        language: Of the programs.
        preset: Name of the preset.
        bar: What a mediocre answer earns.
        best: What the best program earns; 0 if none could be judged.
        evaluations: Programs that were scored.
        origin: Hacks that the best program comes from.
        row: The best program's result, as ``RewardResult.to_dict`` gives it.
    """

    reference: str
    language: str
    preset: str
    bar: float
    best: float
    evaluations: int
    origin: tuple[str, ...]
    row: Mapping[str, Any]

    @property
    def found(self) -> bool:
        """Whether the best program earns more than a mediocre answer."""
        return self.best > self.bar + _EPSILON


def search(
    fidelity: Fidelity,
    references: Sequence[Reference],
    judges: Judges,
    evaluations: int,
    *,
    output: str | Path | None = None,
    seed: int = 0,
    progress: Callable[[bool], object] = lambda fresh: None,
    complain: Callable[[str], object] = lambda message: None,
) -> list[Attempt]:
    """Search for programs that earn more than honest work, one target after the other.

    Args:
        fidelity: What was measured of the same references; it says what mediocre answers earn.
        references: Those whose targets are searched for. Languages that nobody has written scenes for, and references
            without a mediocre answer, are left out.
        judges: The presets.
        evaluations: Programs that are scored for each target and preset, at most.
        output: The user's file of scores; those of the search are kept in another one beside it.
        seed: Of the random numbers.
        progress: Called for each target, with whether anything was scored now.
        complain: Called with a sentence for what could not be used.

    Raises:
        ConfigError: The file cannot be written or holds something else.
        EncoderError: The encoder cannot be loaded.

    Example:
        >>> attempts = search(found, references, judges, 2000)  # doctest: +SKIP
        >>> sum(each.found for each in attempts)  # doctest: +SKIP
        0
    """
    from vincicoder.reward import VisualReward

    bars = [_bars(rows) for rows in fidelity.rows]
    path = beside(output, "search")
    results = None if path is None else ResultsFile(path, judges.settings(seed=seed))
    config = judges.config
    found = []
    try:
        with (
            VisualReward(config.encoder, rendering=config.rendering, scoring=config.scoring, keep_renders="none") as to,
            RenderPool.of(config.rendering) as pool,
        ):
            for reference in references:
                if reference.language not in PROGRAMS or reference.name not in bars[0]:
                    progress(False)
                    continue
                hunt = _Hunt(to, pool, reference, judges, results, complain)
                if hunt.target is not None:
                    for number, preset in enumerate(judges.names):
                        bar = bars[number][reference.name]
                        found.append(hunt.attempt(number, preset, bar, evaluations, f"{seed}/{reference.name}"))
                progress(hunt.fresh > 0)
    finally:
        if results is not None:
            results.close()
    return found


def told(attempts: Sequence[Attempt], draws: int = DRAWS) -> dict[str, Any]:
    """Return by preset for how many targets no program was found, with an interval, and each attempt, ready for JSON.

    Example:
        >>> told([Attempt("a", "svg", "paper", 0.8, 0.9, 24, ("blank",), {})])["paper"]["none_found"]["value"]
        0.0
    """
    presets: dict[str, Any] = {}
    for preset in dict.fromkeys(each.preset for each in attempts):
        mine = [each for each in attempts if each.preset == preset]
        rows = [{"id": each.reference, "language": each.language, "none_found": not each.found} for each in mine]
        share = intervals(_share, rows, draws)["none_found"]
        languages = {
            name: _share([row for row in rows if row["language"] == name])["none_found"]
            for name in sorted({each.language for each in mine})
        }
        presets[preset] = {
            "targets": len(mine),
            "none_found": {"value": share.value, "low": share.low, "high": share.high},
            "languages": languages,
            "attempts": [
                {
                    **{name: getattr(each, name) for name in ("reference", "language", "bar", "best", "evaluations")},
                    "origin": list(each.origin),
                    "found": each.found,
                }
                for each in mine
            ],
        }
    return presets


class _Hunt:
    """The searches for one target; a program that both presets' searches make is scored once.

    Attributes:
        target: The image, or None if there is none.
        fresh: How many programs were scored now, and not taken from an earlier run.
    """

    def __init__(
        self,
        reward: VisualReward,
        pool: RenderPool,
        reference: Reference,
        judges: Judges,
        results: ResultsFile | None,
        complain: Callable[[str], object],
    ) -> None:
        self._reward, self._reference, self._judges = reward, reference, judges
        self._results, self._complain = results, complain
        self._known: dict[str, tuple[float, ...] | None] = {}
        self.fresh = 0
        self.target = target_of(reference, pool.render, complain)
        self._texts: list[Line] = []
        if self.target is not None:
            self._given = compressed(self.target)
            self._key = digest_of([reference.name, reference.prompt, self._given.hex()])
            self._texts = _texts_of(reference, pool, self.target.size)

    def attempt(self, judge: int, preset: str, bar: float, evaluations: int, seed: str) -> Attempt:
        """Search under one of the presets and return what came of it."""
        assert self.target is not None
        breeder = Breeder(self.target, self._texts, self._reference.prompt, random.Random(f"{seed}/{preset}"))
        language = self._reference.language
        waiting = breeder.first()
        ranked = [(0.0, 0, waiting[0])]  # reward, place behind the others, program
        tried: set[str] = set()
        while len(tried) < evaluations and ranked[0][0] <= bar + _EPSILON:
            brood: dict[str, tuple[Program, str]] = {}
            for _ in range(10 * _BROOD):  # children that were there before do not count
                program = waiting.pop(0) if waiting else breeder.child([each for _, _, each in ranked])
                code = program.code(language)
                if (key := self._key_of(code)) not in tried:
                    brood.setdefault(key, (program, code))
                if len(brood) == min(_BROOD, evaluations - len(tried)):
                    break
            if not brood:
                break
            self._score({key: code for key, (_, code) in brood.items()})
            for place, (key, (program, _)) in enumerate(brood.items(), start=len(tried)):
                if (rewards := self._known[key]) is not None:
                    ranked.append((rewards[judge], -place, program))
            tried |= brood.keys()
            ranked = sorted(ranked, key=lambda each: each[:2], reverse=True)[:_PARENTS]
        best, _, program = ranked[0]
        [result] = self._reward.score([self._request(program.code(language))])  # once more: scores alone are kept
        row = {**reweighed(result.to_dict(), self._judges.scorings[judge]), "preset": preset}
        name, origin = self._reference.name, tuple(sorted(program.origin))
        return Attempt(name, language, preset, bar, best, len(tried), origin, row)

    def _score(self, codes: Mapping[str, str]) -> None:
        """See to it that the rewards of each code, by its key, are known; None where the machine failed."""
        for key in codes.keys() - self._known.keys():
            row = None if self._results is None else self._results.take(key)
            if row is not None:
                self._known[key] = self._judged(row)
        asked = [key for key in codes if key not in self._known]
        for index, result in self._reward.stream(self._request(codes[key]) for key in asked):
            row = {"reference": self._reference.name, "status": result.status.value, "scores": dict(result.scores)}
            self.fresh += 1
            if self._results is not None:
                self._results.write(asked[index], row)
            self._known[asked[index]] = self._judged(row)
            if not is_judged(row["status"]):
                self._complain(f"{self._reference.name}: {row['status']}: {result.message}")

    def _request(self, code: str) -> RewardRequest:
        reference = self._reference
        return RewardRequest(
            fenced(code, reference.language), self._given, reference.prompt, reference.language,
            id=f"{reference.name}/search", reference=reference.code, metadata={"uid": reference.name},
        )  # fmt: skip

    def _judged(self, row: Mapping[str, Any]) -> tuple[float, ...] | None:
        return self._judges.rewards(row["scores"], row["status"]) if is_judged(row["status"]) else None

    def _key_of(self, code: str) -> str:
        return digest_of([self._key, code])


def _bars(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return for each reference what a mediocre answer earns: the median."""
    found: dict[str, list[float]] = {}
    for row in honest(rows):
        if row["role"] == MEDIOCRE:
            found.setdefault(row["reference"], []).append(row["overall"])
    return {name: statistics.median(rewards) for name, rewards in found.items()}


def _texts_of(reference: Reference, pool: RenderPool, size: tuple[int, int]) -> list[Line]:
    """Return the texts that the reference shows, at their places in the target."""
    render = pool.render(reference.code, reference.language, facts=True)
    if render.image is None or render.facts is None:
        return []
    x, y = size[0] / render.image.width, size[1] / render.image.height
    found = []
    for span in render.facts.spans:
        left, top, _, bottom = span.box
        colour = "#{:02x}{:02x}{:02x}".format(*(span.colour or (34, 34, 34)))
        found.append(Line(left * x, bottom * y, (bottom - top) * y, span.text, colour))
    return found


def _share(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    return {"none_found": sum(row["none_found"] for row in rows) / len(rows)}
