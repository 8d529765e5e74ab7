"""Whether a reward ranks answers as the official metrics of benchmarks do: Kendall's tau within groups of 8 answers.

The metrics are those of :mod:`vincicoder.evaluation`, measured as the benchmark measures them, against the render that
the benchmark's protocol makes of the reference. Metrics that hold weights, or that ask a judge, are left out, so that
the figures are the same everywhere.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.data.answers import fenced
from vincicoder.evaluation.benchmark import Benchmark, Sample
from vincicoder.evaluation.benchmarks import BENCHMARKS
from vincicoder.evaluation.predictions import Prediction
from vincicoder.evaluation.scoring import choose_metrics, score, under_protocol
from vincicoder.evaluation.statistics import DRAWS, differences, intervals
from vincicoder.fidelity.answers import by_reference
from vincicoder.fidelity.figures import honest, ratios
from vincicoder.fidelity.groups import Rows, mixed_groups
from vincicoder.fidelity.judging import beside
from vincicoder.images import compressed
from vincicoder.rendering import RenderPool
from vincicoder.rendering.config import RenderingConfig

if TYPE_CHECKING:
    from vincicoder.fidelity.references import Reference
    from vincicoder.fidelity.runner import Fidelity


@dataclass(frozen=True)
class Official:
    """The official metric of a domain.

    Attributes:
        benchmark: Name of the benchmark.
        metric: Name of its metric that needs no weights.
        columns: The benchmark's columns that are compared; the first one stands for the domain.
    """

    benchmark: str
    metric: str
    columns: tuple[str, ...]


OFFICIAL = {
    "chart": Official("chartmimic", "chartmimic", ("low", "text", "layout", "type", "colour")),
    "web": Official("design2code", "design2code", ("low", "block", "text", "position", "colour")),
    "svg": Official("unisvg", "ssim", ("ssim",)),
    "latex": Official("image2latex", "ems", ("ems",)),
    "chemistry": Official("chemdraw", "tanimoto", ("tanimoto",)),
}
"""The official metric of each domain that has one."""

GROUPS = 3
"""Groups of each reference that are measured; official metrics take up to a second of CPU for each answer."""

_EPSILON = 1e-9


@dataclass(frozen=True)
class Validity:
    """How two rankings of the same groups agree, by domain.

    Attributes:
        presets: Names of the presets.
        tallies: By domain and preset, for each reference ``id`` and ``tally``: by column the sum of tau over its
            groups, and how many these are; by `most_of` a column the same for the highest tau that can be reached.
        left_out: By benchmark, the metrics that were not measured and why.
    """

    presets: tuple[str, ...]
    tallies: Mapping[str, Sequence[list[dict[str, Any]]]]
    left_out: Mapping[str, Mapping[str, str]]

    def to_dict(self, draws: int = DRAWS) -> dict[str, Any]:
        """Return tau by domain, column and preset, with intervals over references, ready for JSON."""
        return {
            "domains": {domain: self._domain(domain, draws) for domain in self.tallies},
            "left_out": {name: dict(reasons) for name, reasons in self.left_out.items()},
        }

    def _domain(self, domain: str, draws: int) -> dict[str, Any]:
        official, sides = OFFICIAL[domain], self.tallies[domain]
        summary = functools.partial(ratios, names=official.columns)
        found = {
            preset: {column: dataclasses.asdict(each) for column, each in intervals(summary, rows, draws).items()}
            for preset, rows in zip(self.presets, sides, strict=True)
        }
        told: dict[str, Any] = {
            "benchmark": official.benchmark,
            "references": len(sides[0]),
            "groups": round(sum(row["tally"].get(official.columns[0], (0, 0))[1] for row in sides[0])),
            "presets": found,
            "most": {column: ratios(sides[0], [most_of(column)])[most_of(column)] for column in official.columns},
        }
        if len(sides) == 2:
            apart = differences(summary, sides[0], sides[1], draws)
            told["differences"] = {column: dataclasses.asdict(each) for column, each in apart.items()}
        return told


def validity(
    fidelity: Fidelity,
    references: Sequence[Reference],
    rendering: RenderingConfig | None = None,
    *,
    output: str | Path | None = None,
    progress: Callable[[bool], object] = lambda fresh: None,
    complain: Callable[[str], object] = lambda message: None,
) -> Validity:
    """Measure answers by official metrics and tell how the reward's ranking agrees with theirs.

    Args:
        fidelity: What was measured of the references.
        references: The same references. Domains without an official metric are left out.
        rendering: How code is rendered; None for the defaults. The benchmarks' own options are added.
        output: The user's file of scores; those of each benchmark are kept in a file beside it.
        progress: Called for each answer, with whether it was measured now.
        complain: Called with a sentence for what could not be used.

    Raises:
        ConfigError: A file cannot be written or holds something else.

    Example:
        >>> told = validity(found, references).to_dict()  # doctest: +SKIP
        >>> told["domains"]["svg"]["presets"]["paper"]["ssim"]["value"]  # doctest: +SKIP
        0.62
    """
    groups = _groups(fidelity)
    rewards = [{(row["reference"], row["id"]): row["overall"] for row in rows} for rows in fidelity.rows]
    tallies: dict[str, Sequence[list[dict[str, Any]]]] = {}
    left_out: dict[str, Mapping[str, str]] = {}
    for domain, official in OFFICIAL.items():
        mine = [each for each in references if each.domain == domain and groups.get(each.name)]
        if not mine:
            continue
        benchmark = BENCHMARKS.get(official.benchmark)
        left = {name: "it holds weights or asks a judge" for name in benchmark.metrics if name != official.metric}
        left.pop("execution", None)  # all answers here render
        metrics = choose_metrics(benchmark, without=list(left))
        left_out[benchmark.name] = {**metrics.left_out, **left}
        if official.metric not in metrics.names:
            complain(f"{domain}: {official.metric} is left out: {metrics.left_out[official.metric]}")
            continue
        config = rendering or RenderingConfig()
        samples = _samples(benchmark, mine, config, complain)
        mine = [each for each in mine if each.name in {sample.id for sample in samples}]
        rows = score(
            benchmark, samples, _predictions(groups, mine), metrics, config,
            output=beside(output, benchmark.name), progress=progress,
        )  # fmt: skip
        values = _values(benchmark, rows if samples else iter(()), complain)
        tallies[domain] = [_tallies(official, mine, groups, values, each) for each in rewards]
    return Validity(fidelity.presets, tallies, left_out)


def answers_measured(fidelity: Fidelity, references: Sequence[Reference]) -> int:
    """Return how many answers `validity` measures, at most."""
    groups = _groups(fidelity)
    return sum(len(group) for each in references if each.domain in OFFICIAL for group in groups.get(each.name, ()))


def kendall(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Kendall's tau-b of two rankings; None where either has no two different values.

    It is ``(C - D) / sqrt((n - t1) (n - t2))`` with concordant and discordant pairs C and D of all n pairs, of which t1
    are ties in the first and t2 in the second (Kendall 1945).

    Example:
        >>> kendall([1, 2, 3, 4], [1, 2, 4, 3])
        0.6666666666666666
    """
    pairs = list(itertools.combinations(range(len(first)), 2))
    ours, theirs = ([_sign(values[a] - values[b]) for a, b in pairs] for values in (first, second))
    untied = sum(map(abs, ours)) * sum(map(abs, theirs))
    return sum(a * b for a, b in zip(ours, theirs, strict=True)) / math.sqrt(untied) if untied else None


def highest_tau(wanted: Sequence[float]) -> float | None:
    """Return the tau-b of a ranking that agrees with this one and has no ties; None where this one ranks nothing.

    A reward sees more than a metric does, so it tells apart what the metric does not, and that costs tau-b: no reward
    without ties reaches more than the root of the share of pairs that the metric tells apart.

    Example:
        >>> round(highest_tau([0.2, 0.2, 0.9]), 3)  # two of three pairs
        0.816
    """
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    ranks = [0.0] * len(wanted)
    for rank, place in enumerate(order):
        ranks[place] = float(rank)
    return kendall(wanted, ranks)


def most_of(column: str) -> str:
    """Return the name under which tallies hold the highest tau for a column."""
    return f"most {column}"


def _groups(fidelity: Fidelity) -> dict[str, list[Rows]]:
    return {name: mixed_groups(rows)[:GROUPS] for name, rows in by_reference(honest(fidelity.rows[0])).items()}


def _sign(value: float) -> int:
    return 0 if abs(value) < _EPSILON else (1 if value > 0 else -1)


def _samples(
    benchmark: Benchmark, references: Sequence[Reference], rendering: RenderingConfig, complain: Callable[[str], object]
) -> list[Sample]:
    """Return references as samples, each with the image that the benchmark's protocol makes of its code."""
    complete = benchmark.complete_reference or benchmark.complete
    found = []
    with RenderPool.of(under_protocol(rendering, benchmark)) as pool:
        for each in references:
            render = pool.render(complete(each.code), each.language)
            image = render.image
            if image is None:
                complain(f"{each.name}: not rendered by the rules of {benchmark.title}: {render.message}")
                continue
            image = image if benchmark.finish is None else benchmark.finish(image)
            found.append(Sample(each.name, compressed(image), each.prompt, each.code, each.language))
    return found


def _predictions(groups: Mapping[str, Sequence[Rows]], references: Sequence[Reference]) -> list[Prediction]:
    return [
        Prediction(each.name, fenced(row["code"], each.language), number)
        for each in references
        for number, row in enumerate(row for group in groups[each.name] for row in group)
    ]


def _values(
    benchmark: Benchmark, rows: Iterator[dict[str, Any]], complain: Callable[[str], object]
) -> dict[tuple[str, int], dict[str, float]]:
    """Return the columns of each answer, by its reference and number."""
    found = {}
    for row in rows:
        if row["values"] is None:
            complain(f"{row['id']}: {benchmark.title} cannot measure it: {row['message']}")
        else:
            found[row["id"], row["number"]] = benchmark.sample_summary(row["values"])
    return found


def _tallies(
    official: Official,
    references: Sequence[Reference],
    groups: Mapping[str, Sequence[Rows]],
    values: Mapping[tuple[str, int], Mapping[str, float]],
    rewards: Mapping[tuple[str, str], float],
) -> list[dict[str, Any]]:
    """Return for each reference and column the sum of tau over groups.

    A group in which a metric does not tell answers apart says nothing of the reward. One in which the reward alone does
    not has tau 0.
    """
    found = []
    for each in references:
        tally: dict[str, list[float]] = {}
        numbered = list(enumerate(row for group in groups[each.name] for row in group))
        for start in range(0, len(numbered), len(groups[each.name][0])):
            group = numbered[start : start + len(groups[each.name][0])]
            known = [(values[each.name, number], rewards[each.name, row["id"]]) for number, row in group
                     if (each.name, number) in values]  # fmt: skip
            for column in official.columns:
                wanted = [measured[column] for measured, _ in known]
                most = highest_tau(wanted)
                if most is not None:
                    reached = kendall(wanted, [reward for _, reward in known]) or 0.0
                    for name, tau in ((column, reached), (most_of(column), most)):
                        entry = tally.setdefault(name, [0.0, 0.0])
                        entry[0] += tau
                        entry[1] += 1
        if tally:
            found.append({"id": each.name, "tally": tally})
    return found
