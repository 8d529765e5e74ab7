"""Extra scores: a user's own function of a request and its result, beside the components.

An extra is named where the options are, ``extra="my_terms:short"``, and needs no package and no entry point. It runs in
the process that asked for the score, so that services know nothing of it. Its numbers join the components by weight.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vincicoder.errors import ConfigError
from vincicoder.registry import load
from vincicoder.reward.components import COMPONENTS, checked_score
from vincicoder.reward.result import NAMED_SCORES, RewardRequest, RewardResult
from vincicoder.status import Fault, Status

_FORM = "expected 'module:function' or '/path/to/file.py:function'"


class Extra(NamedTuple):
    """A function that scores beside the components.

    Attributes:
        function: Takes a `RewardRequest` and a `RewardResult`. Returns a number in [0, 1], or None where the score does
            not apply to the row; with several ``names``, a mapping of each to such a number.
        names: Names of its scores: its attribute ``scores`` if it has one, else its own name.
    """

    function: Callable[[RewardRequest, RewardResult], Any]
    names: tuple[str, ...]


@functools.cache
def load_extra(value: str) -> Extra:
    """Return the extra that a text such as ``"my_terms:short"`` names.

    Args:
        value: Module and function; the module may be the path of a Python file. Modules are also looked for in the
            working directory.

    Raises:
        ConfigError: It cannot be imported, is no function, or has a name that is taken.

    Example:
        >>> load_extra("math:hypot").names
        ('hypot',)
    """
    place, _, name = value.rpartition(":")
    if not place or not name:
        raise ConfigError(f"extra is {value!r}; {_FORM}")
    try:
        function = _from_file(Path(place), name) if place.endswith(".py") else load(value, str(Path.cwd()))
    except (Exception, SystemExit) as error:  # whatever a user's module raises is said in one sentence
        raise ConfigError(
            f"extra names {value!r}, which cannot be loaded: {type(error).__name__}: {error}; {_FORM}, with the module "
            "on PYTHONPATH or in the working directory"
        ) from error
    if not callable(function):
        raise ConfigError(f"extra names {value!r}, which is {function!r} and no function; {_FORM}")
    names = tuple(getattr(function, "scores", (name,)))
    for each in names:
        if each in COMPONENTS or each in NAMED_SCORES:
            raise ConfigError(f"extra {value!r} gives a score {each!r}, but we have one of that name; choose another")
    return Extra(function, names)


def names_of(extras: Sequence[str]) -> frozenset[str]:
    """Return the names of all scores that extras give.

    Raises:
        ConfigError: One of them cannot be loaded, or two give a score of one name.
    """
    names = [name for value in extras for name in load_extra(value).names]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"extra is {', '.join(extras)}, which gives the score {twice[0]!r} twice; rename one")
    return frozenset(names)


def with_extras(
    request: RewardRequest, result: RewardResult, extras: Sequence[str], running: Collection[str]
) -> RewardResult:
    """Return a result with the scores of extras beside those of components.

    They are asked about responses whose status is ok; as with components, the others score 0. An extra that raises, or
    returns what is no score, is a fault of the machine: the sample becomes ``infrastructure``.

    Args:
        request: What was asked.
        result: What became of it.
        extras: The extras, as ``ScoringConfig.extra`` has them.
        running: Names of the scores that count or are logged.

    Example:
        >>> request = RewardRequest("", b"")
        >>> failed = RewardResult.failed(request, Status.NO_CODE, "there is no code block")
        >>> with_extras(request, failed, ["math:hypot"], ["hypot"]).scores["hypot"]
        0.0
    """
    zero: dict[str, float | None] = {
        name: 0.0 for value in extras for name in load_extra(value).names if name in running
    }
    own = dict(zero)
    for value in extras if result.status.fault is Fault.NONE else ():
        try:
            found = _scores(load_extra(value), request, result)
        except Exception as error:  # noqa: BLE001 - whatever a user's function raises, the run must hear of it
            return _broken(result, zero, f"extra {value!r}: {type(error).__name__}: {error}")
        own |= {name: score for name, score in found.items() if name in running}
    return dataclasses.replace(result, scores={**result.scores, **own})


def _broken(result: RewardResult, zero: Mapping[str, float | None], message: str) -> RewardResult:
    """Return what becomes of a result whose extra failed: its components say nothing, as after any machine fault."""
    kept = {name: result.scores[name] for name in ("alignment", "execution")}
    none = {name: score and 0.0 for name, score in result.scores.items()}
    return dataclasses.replace(result, status=Status.INFRASTRUCTURE, message=message, scores={**none, **zero, **kept})


def _scores(extra: Extra, request: RewardRequest, result: RewardResult) -> dict[str, float | None]:
    answer = extra.function(request, result)
    values = answer if isinstance(answer, Mapping) else dict.fromkeys(extra.names, answer)
    if set(values) != set(extra.names) or (len(extra.names) > 1 and not isinstance(answer, Mapping)):
        raise ValueError(f"it returned {answer!r}; expected a mapping with {', '.join(extra.names)}")
    return {name: None if score is None else checked_score(score) for name, score in values.items()}


def _from_file(path: Path, name: str) -> Any:
    """Return an attribute of a Python file that no package has."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}")
    module_name = f"vincicoder_extra_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses and pickle look it up
    spec.loader.exec_module(module)
    return getattr(module, name)
