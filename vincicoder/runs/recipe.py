"""A recipe: a rung of the ladder, with its settings for each trainer and the bands in which its log should lie."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vincicoder.errors import ConfigError
from vincicoder.options import from_flat
from vincicoder.planning import Plan, Rates, Run, make_plan
from vincicoder.planning.overrides import Overrides
from vincicoder.runs.measures import MEASURES
from vincicoder.trainers.metrics import LANGUAGE

END = "end"
"""The last step of a run, as a key of a band's steps."""

BASES = ("measured", "assumed")
"""What a band rests on: runs of this very recipe, or reasoning alone."""


@dataclass(frozen=True)
class Band:
    """Where a measure should lie as a run goes on.

    Attributes:
        measure: Name of the measure.
        steps: Lowest and highest value by step; between two steps both ends move in a straight line. The last step of
            a run is -1.
        below: Stop if the measure is below this; None never to stop.
        above: Stop if it is above this.
        basis: One of `BASES`.
        why: The reasoning, or the command that measured it.
    """

    measure: str
    steps: Mapping[int, tuple[float, float]]
    below: float | None
    above: float | None
    basis: str
    why: str

    def at(self, step: int, last: int) -> tuple[float, float]:
        """Return lowest and highest value at a step.

        Args:
            step: The step.
            last: The last step of the run.

        Example:
            >>> band = Band("reward", {0: (0.4, 0.6), -1: (0.6, 0.8)}, None, None, "assumed", "")
            >>> band.at(50, 100)
            (0.5, 0.7)
        """
        ends = sorted((last if at < 0 else at, ends) for at, ends in self.steps.items() if at <= last)
        for (first, low), (second, high) in itertools.pairwise(ends):
            if first <= step <= second:
                share = (step - first) / max(1, second - first)
                below, above = (round(low[n] + share * (high[n] - low[n]), 6) for n in (0, 1))
                return below, above
        return ends[0][1] if step < ends[0][0] else ends[-1][1]


@dataclass(frozen=True)
class Settings:
    """What a recipe sets for one trainer beside what its plan says.

    Attributes:
        prepare: Commands to run once before it, such as those that make its data.
        variables: Environment variables of the trainer's example script; None for one that whoever runs it must give.
        arguments: The trainer's own settings.
    """

    prepare: tuple[str, ...] = ()
    variables: Mapping[str, str | None] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """One rung of the ladder.

    Attributes:
        name: Name of its file without the suffix.
        title: What it is, in a few words.
        what: What it is for, in some sentences.
        kinds: The kinds of GPU that it is for.
        plan: Options of `Run`; empty where nothing is planned, as on a CPU.
        rates: Options of `Rates` that differ from the defaults.
        trainers: Settings by trainer.
        command: What runs it where no trainer's script does; else "".
        bands: Where its log should lie.
    """

    name: str
    title: str
    what: str
    kinds: tuple[str, ...]
    plan: Mapping[str, Any]
    rates: Mapping[str, Any]
    trainers: Mapping[str, Settings]
    command: str
    bands: tuple[Band, ...]

    def options(self, run: Mapping[str, Any], rates: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the options of its plan, with others that take precedence.

        Args:
            run: Options of `Run`; without a trainer the first of the recipe's is taken.
            rates: Options of `Rates`.

        Raises:
            ConfigError: The recipe has no settings for this trainer, or is not for a trainer at all.
        """
        if not self.trainers:
            raise ConfigError(f"the recipe {self.name} has no plan; run: {self.command}")
        trainer = run.get("trainer") or next(iter(self.trainers))
        if trainer not in self.trainers:
            raise ConfigError(f"the recipe {self.name} is not for {trainer}; it is for: {', '.join(self.trainers)}")
        return {**self.plan, **run, "trainer": trainer}, {**self.rates, **rates}

    def planned(self, trainer: str, **given: Any) -> Plan:
        """Return the plan of its run with a trainer.

        Args:
            trainer: The trainer.
            given: Options of `Run` that take precedence.

        Raises:
            ConfigError: The recipe has no settings for this trainer.
        """
        run, rates = self.options({**given, "trainer": trainer}, {})
        return make_plan(from_flat(Run, run), from_flat(Rates, rates))

    def add_to(self, overrides: Overrides, trainer: str) -> Overrides:
        """Return a plan's settings of an example script with the recipe's own, which take precedence."""
        own = self.trainers[trainer]
        variables = {**overrides.variables, **own.variables}
        given = {name: value for name, value in variables.items() if value is not None}
        return replace(overrides, variables=given, arguments=[*overrides.arguments, *own.arguments])

    def last_step(self, trainer: str) -> int | None:
        """Return the last step of its run; None if it is not planned for this trainer."""
        return self.planned(trainer).steps if trainer in self.trainers else None


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe.

    Args:
        path: A YAML file, as in ``recipes/``.

    Raises:
        ConfigError: The file cannot be read, or a value in it cannot be meant.

    Example:
        >>> read_recipe("recipes/r1.yaml").planned("swift").steps  # doctest: +SKIP
        62
    """
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise ConfigError("recipes are YAML files, which need PyYAML; run: pip install pyyaml") from error
    path = Path(path)
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the recipe {str(path)!r} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"the recipe {str(path)!r} is not YAML: {error}") from error
    return _recipe(path, data)


def _recipe(path: Path, data: Any) -> Recipe:
    known = {"title", "what", "kinds", "plan", "rates", "trainers", "command", "bands"}
    data = _mapping(path, "it", data, known)
    lacking = [name for name in ("title", "what", "bands") if name not in data]
    if lacking:
        raise ConfigError(f"the recipe {str(path)!r} lacks {', '.join(lacking)}")
    trainers = _mapping(path, "trainers", data.get("trainers", {}))
    return Recipe(
        name=path.stem,
        title=str(data["title"]),
        what=" ".join(str(data["what"]).split()),
        kinds=tuple(map(str, data.get("kinds", ()))),
        plan=_mapping(path, "plan", data.get("plan", {})),
        rates=_mapping(path, "rates", data.get("rates", {})),
        trainers={name: _settings(path, name, each or {}) for name, each in trainers.items()},
        command=str(data.get("command", "")),
        bands=tuple(_band(path, name, each) for name, each in _mapping(path, "bands", data["bands"]).items()),
    )


def _settings(path: Path, trainer: str, data: Any) -> Settings:
    data = _mapping(path, f"trainers: {trainer}", data, {"prepare", "variables", "arguments"})
    variables = _mapping(path, "variables", data.get("variables", {}))
    return Settings(
        tuple(map(str, data.get("prepare", ()))),
        {name: None if value is None else str(value) for name, value in variables.items()},
        tuple(map(str, data.get("arguments", ()))),
    )


def _band(path: Path, measure: str, data: Any) -> Band:
    where = f"bands: {measure}"
    data = _mapping(path, where, data, {"steps", "stop_below", "stop_above", "basis", "why"})
    if measure not in MEASURES and not measure.startswith(LANGUAGE):
        raise ConfigError(
            f"the recipe {str(path)!r} has a band of {measure!r}, which is no measure; expected one of: "
            f"{', '.join(MEASURES)}, {LANGUAGE}NAME/execution"
        )
    steps = {_step(path, where, at): _ends(path, where, ends) for at, ends in (data.get("steps") or {}).items()}
    if not steps:
        raise ConfigError(f"the recipe {str(path)!r}, {where}: steps are missing, such as 1: [0.5, 0.9]")
    if data.get("basis") not in BASES or not data.get("why"):
        raise ConfigError(
            f"the recipe {str(path)!r}, {where}: basis must be one of {', '.join(BASES)}, and why must say more"
        )
    stops = (None if data.get(name) is None else float(data[name]) for name in ("stop_below", "stop_above"))
    below, above = stops
    return Band(measure, steps, below, above, data["basis"], " ".join(str(data["why"]).split()))


def _step(path: Path, where: str, at: Any) -> int:
    if at == END:
        return -1
    if isinstance(at, int) and not isinstance(at, bool) and at >= 0:
        return at
    raise ConfigError(f"the recipe {str(path)!r}, {where}: a step is {at!r}; expected a whole number or {END!r}")


def _ends(path: Path, where: str, ends: Any) -> tuple[float, float]:
    numbers = [float(each) for each in ends if isinstance(each, int | float)] if isinstance(ends, list) else []
    if len(numbers) != 2 or numbers[0] > numbers[1]:
        raise ConfigError(f"the recipe {str(path)!r}, {where}: a range is {ends!r}; expected [lowest, highest]")
    return numbers[0], numbers[1]


def _mapping(path: Path, where: str, data: Any, known: set[str] | None = None) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ConfigError(f"the recipe {str(path)!r}: {where} is {data!r}; expected names with values")
    unknown = [str(name) for name in data if known is not None and name not in known]
    if unknown:
        raise ConfigError(
            f"the recipe {str(path)!r}: {where} has {', '.join(unknown)}; expected of {', '.join(sorted(known or ()))}"
        )
    return data
