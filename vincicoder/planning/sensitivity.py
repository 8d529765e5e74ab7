"""Which of the assumptions matter: each moved by a quarter, one at a time."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from vincicoder.options import leaves
from vincicoder.planning.memory import memory_of
from vincicoder.planning.plan import Plan
from vincicoder.planning.settings import Rates

CHANGE = 0.25


@dataclass(frozen=True)
class Effect:
    """What a quarter less and a quarter more of one rate does, with the GPUs used as before.

    Attributes:
        name: The rate.
        value: What the plan has.
        hours: Hours of the run with less of it, and with more.
        memory: The most bytes on a GPU with less of it, and with more.
    """

    name: str
    value: float
    hours: tuple[float, float]
    memory: tuple[float, float]

    def change_of_hours(self, plan: Plan) -> float:
        """Return the larger change of the hours, as a share."""
        return max(abs(each - plan.hours) for each in self.hours) / plan.hours

    def change_of_memory(self, plan: Plan) -> float:
        """Return the larger change of the memory, as a share."""
        return max(abs(each - plan.memory.peak) for each in self.memory) / plan.memory.peak


def effects_of(plan: Plan) -> list[Effect]:
    """Return the effect of each rate, that on the hours first.

    A share cannot exceed 1, so its upper value may be less than a quarter more.

    Example:
        >>> from vincicoder.planning.plan import make_plan
        >>> from vincicoder.planning.settings import Run
        >>> [effect.name for effect in effects_of(make_plan(Run()))][:2]
        ['tensor_parallel_efficiency', 'response_tokens']
    """
    highest = {leaf.name: leaf.about.maximum for leaf in leaves(Rates)}
    found = []
    for field in fields(Rates):
        value = getattr(plan.rates, field.name)
        if value is None:
            continue
        moved = []
        for factor in (1 - CHANGE, 1 + CHANGE):
            amount = min(value * factor, highest[field.name] or float("inf"))
            rates = replace(plan.rates, **{field.name: round(amount) if isinstance(value, int) else amount})
            moved.append(_with(plan, rates))
        less, more = moved
        found.append(Effect(field.name, value, (less.hours, more.hours), (less.memory.peak, more.memory.peak)))
    return sorted(found, key=lambda effect: _size(effect, plan))


def _with(plan: Plan, rates: Rates) -> Plan:
    return replace(plan, rates=rates, memory=memory_of(plan.run, plan.shape, plan.split, rates))


def _size(effect: Effect, plan: Plan) -> tuple[float, float]:
    return -effect.change_of_hours(plan), -effect.change_of_memory(plan)
