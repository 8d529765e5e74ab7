"""Metrics: what is measured of one prediction. One file here, whose attribute ``METRIC`` is a `Metric`, is one metric.

The names of the arguments of ``measure`` say what it needs:

==================  ================================================================================================
On offer            what it is
==================  ================================================================================================
``target``          the image to reproduce, RGB, in its own size
``render``          the render of the prediction, RGB, in its own size, after the benchmark's ``finish``
``code``            the program that was run for the prediction, after the benchmark's ``complete``
``reference``       the program that was run for the target, after ``complete_reference``, or None
``reference_render``  its render, or None where there is no reference; one without a render is a fault of the data
``language``        of the sample
``metadata``        of the sample
``run``             ``run(code, language) -> Render``: renders anything in the sandbox, under the benchmark's
                    options; what a machine fails raises a `vincicoder.errors.MachineFault`
``network``         ``network(function, *arguments)``: calls a function of a module where the weights that it loads are
                    loaded once for all workers
``judge``           a `vincicoder.endpoint.Endpoint`; a metric that needs it is left out where the user names none
``prepared``        what the metric's own ``prepare`` returned for the sample
==================  ================================================================================================

``prepare`` takes any of these but ``render``, ``code`` and ``prepared``, is called once per sample, and what it returns
is cached: it must be picklable. It raises `BadReference` where the reference does not work, so that no prediction is
blamed for it. Model-written code, the reference included, runs by way of ``run`` only.

What is measured of sets of predictions, and not of one, is functions in `vincicoder.evaluation.sets`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from vincicoder.registry import Registry, install_command

ON_OFFER = frozenset(
    (
        *("target", "render", "code", "reference", "reference_render", "language", "metadata"),
        *("run", "network", "judge", "prepared"),
    )
)
"""What a metric may ask for."""

PREPARABLE = ON_OFFER - {"render", "code", "prepared"}
"""What a metric's ``prepare`` may ask for."""


class BadReference(ValueError):
    """A reference that does not work, so that nothing can be compared with it: a fault of the data."""


_BROUGHT_BY = {"cv2": "opencv-python-headless", "bs4": "beautifulsoup4"}


def missing(*modules: str) -> str:
    """Return that modules are missing and how to get them, or "" if all are there.

    Example:
        >>> missing("json")
        ''
        >>> missing("json", "no_such_module").startswith("needs no_such_module: ")
        True
    """
    absent = [_BROUGHT_BY.get(name, name) for name in modules if find_spec(name) is None]
    return f"needs {', '.join(absent)}: {install_command('eval')}" if absent else ""


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
        name: The name of its file.
        gives: Names of the values that it measures.
        measure: Measures one prediction that has a render; returns all of ``gives``.
        failed: The values of a prediction without a render.
        prepare: Computes what is worth computing once per sample, or None.
        unavailable: Returns why it cannot work here, such as weights that are missing and how to get them, or "". Such
            a metric is left out and named; no other one depends on it.
        verified: What it was compared with; "" where nothing official could be run, which every report says.

    Example:
        >>> sorted(METRICS.get("ems").needs)
        ['prepared', 'render', 'target']
    """

    name: str
    gives: tuple[str, ...]
    measure: Callable[..., Mapping[str, float]] = field(repr=False)
    failed: Mapping[str, float] = field(repr=False)
    prepare: Callable[..., Any] | None = field(default=None, repr=False)
    unavailable: Callable[[], str] = field(default=missing, repr=False)
    verified: str = field(default="", repr=False)

    @property
    def needs(self) -> frozenset[str]:
        """Names of what ``measure`` needs, a subset of `ON_OFFER`."""
        return frozenset(inspect.signature(self.measure).parameters)

    @property
    def prepare_needs(self) -> frozenset[str]:
        """Names of what ``prepare`` needs, a subset of `PREPARABLE`; none where there is no ``prepare``."""
        return frozenset(inspect.signature(self.prepare).parameters) if self.prepare is not None else frozenset()


def check_metric(name: str, value: object) -> str:
    """Return what is wrong with a metric that is registered under a name, or ""."""
    if not isinstance(value, Metric):
        return f"is {type(value).__name__}; expected a vincicoder.evaluation.metrics.Metric"
    if value.name != name:
        return f"calls itself {value.name!r}; the two names must be the same"
    if set(value.failed) != set(value.gives):
        return "does not document the value of a failure for all that it gives"
    unknown = (value.needs - ON_OFFER) | (value.prepare_needs - PREPARABLE)
    return f"asks for {', '.join(sorted(unknown))}; on offer are: {', '.join(sorted(ON_OFFER))}" if unknown else ""


METRICS: Registry[Metric] = Registry("metric", __name__, "METRIC", check=check_metric)
