"""Components: one measured aspect of a sample each, a number in [0, 1].

A component is the attribute ``COMPONENT`` of a file here, or an entry point in the group ``vincicoder.components``: a
plain function, or a small class where it has options or state. The names of its arguments say what it needs::

    def ink_overlap(target: Image, render: Image) -> float: ...

=======================================  ============================================================================
On offer                                 what it is
=======================================  ============================================================================
``target`` ``render``                    RGB images of equal size, the render brought to the target's
``target_size`` ``render_size``          ``(width, height)`` as they came
``comparison``                           ``Comparison``: coarse, fine, tiles, grid
``blank_comparison``                     the same for a page of the target's background colour; cached per target
``target_tokens`` ``render_tokens``      patch tokens, float32, shape ``[tiles, patches, D]``
``code`` ``reference``                   the response's code; known-good code, never in a fence, or None
``facts`` ``reference_facts``            what the renderer knows of the render, of the reference's render; or None
``reference_size``                       ``(width, height)`` of the reference's render; None where it gives none
``language`` ``prompt`` ``response``     of the request
``metadata``                             of the request
``prepared``                             what the component's own ``prepare`` returned; cached per target
=======================================  ============================================================================

Two optional methods, whose arguments are any of ``target``, ``reference``, ``language``, ``reference_facts`` and
``reference_size``; the reference is rendered only where one of the last two is asked for, and once per group:

* ``applies(...) -> bool`` decides whether a component applies, by the data and never by the response. A response that
  gives an applicable component nothing to measure scores 0 in it, and so does one without a render. It may ask for
  ``prepared`` too: then the work is done by ``prepare``, which runs in the pixel workers.
* ``prepare(...)`` returns what is worth computing once per target; it must be picklable.

A coroutine function runs in the endpoint stage, one that needs only comparisons where the comparison arrives, and every
other one in the pixel workers. A component that raises is a machine fault of the sample.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from vincicoder.errors import ConfigError
from vincicoder.options import converted_to, unknown_option
from vincicoder.registry import Registry

COMPONENTS: Registry[Any] = Registry(
    "component", package=__name__, attribute="COMPONENT", group="vincicoder.components"
)

COMPARED = frozenset(("comparison", "blank_comparison", "target_tokens", "render_tokens"))
"""What only the encoder can give."""

OF_REFERENCE = frozenset(("reference_facts", "reference_size"))
"""What only a render of the reference can give."""

_PER_TARGET = frozenset(("target", "reference", "language")) | OF_REFERENCE
_CHEAP = frozenset(("comparison", "blank_comparison", "target_size", "render_size", "language"))
ON_OFFER = COMPARED | _PER_TARGET | _CHEAP | {"render", "code", "facts", "prompt", "response", "metadata", "prepared"}


@dataclass(frozen=True)
class Component:
    """A component with its options, ready to measure.

    Attributes:
        name: Its name.
        options: Its own options.
        measure: What measures; takes what it needs by name.
        needs: Names of what it needs, a subset of `ON_OFFER`.
        stage: "inline", "pixels" or "endpoint".
        applies: Decides whether it applies, or None if it always does.
        prepare: Computes what is worth computing once per target, or None.
    """

    name: str
    options: Mapping[str, Any]
    measure: Callable[..., Any]
    needs: frozenset[str]
    stage: str
    applies: Callable[..., bool] | None = None
    prepare: Callable[..., Any] | None = None


def load_component(name: str, options: Mapping[str, Any]) -> Component:
    """Return the component of a name with its own options.

    Raises:
        ConfigError: There is no such component, it has no such option, or it needs what is not on offer.

    Example:
        >>> sorted(load_component("paper", {}).needs)
        ['comparison']
    """
    found = COMPONENTS.get(name)
    if inspect.isclass(found):
        found = _constructed(name, found, options)
    elif options:
        raise ConfigError(f"component {name!r} has no option {next(iter(options))!r}; it has none at all")
    applies, prepare = getattr(found, "applies", None), getattr(found, "prepare", None)
    needs = _needs(name, found, ON_OFFER)
    _needs(name, applies, _PER_TARGET | {"prepared"})
    _needs(name, prepare, _PER_TARGET)
    called = found if inspect.isroutine(found) else found.__call__
    stage = "inline" if needs <= _CHEAP else "pixels"
    if inspect.iscoroutinefunction(called):
        stage = "endpoint"
    return Component(name, dict(options), found, needs, stage, applies, prepare)


def chosen(function: Callable[..., Any], offered: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the offered values that a function names as its arguments."""
    return {name: offered[name] for name in asked_for(function) if name in offered}


def asked_for(function: Callable[..., Any]) -> frozenset[str]:
    """Return the names of a function's arguments."""
    return frozenset(inspect.signature(function).parameters)


def checked_score(score: Any) -> float:
    """Return a score as a float.

    Args:
        score: What a component returned.

    Raises:
        ValueError: It is no number in [0, 1].

    Example:
        >>> checked_score(True)
        1.0
    """
    value = float(score)
    if not 0 <= value <= 1:  # NaN too
        raise ValueError(f"it returned {score!r}; expected a number between 0 and 1")
    return value


def _constructed(name: str, made: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    known = inspect.signature(made).parameters
    hints = get_type_hints(made.__init__)
    values = {}
    for option, value in options.items():
        if option not in known:
            raise ConfigError(f"component {name!r}: {unknown_option(option, list(known))}")
        try:
            values[option] = converted_to(value, hints[option]) if option in hints else value
        except (ValueError, TypeError):
            raise ConfigError(f"component {name!r}: {option} is {value!r}; expected {hints[option]}") from None
    needed = [option for option, each in known.items() if each.default is each.empty and option not in values]
    if needed:
        raise ConfigError(f"component {name!r} must be told its {' and its '.join(needed)}")
    try:
        return made(**values)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"component {name!r} cannot work with {dict(options)}: {error}") from error


def _needs(name: str, function: Callable[..., Any] | None, offered: frozenset[str]) -> frozenset[str]:
    if function is None:
        return frozenset()
    names = asked_for(function)
    if unknown := sorted(names - offered):
        raise ConfigError(
            f"component {name!r} asks for {', '.join(map(repr, unknown))}; on offer are: {', '.join(sorted(offered))}"
        )
    return names
