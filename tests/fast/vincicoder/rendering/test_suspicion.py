"""When failing renders are reason enough to render the sample again."""

from __future__ import annotations

from vincicoder.rendering.suspicion import Suspicion
from vincicoder.status import Status


def turns(suspicion: Suspicion, status: Status, count: int) -> list[int]:
    """Return at which of so many equal endings it was aroused."""
    return [turn for turn in range(1, count + 1) if suspicion.aroused(status)]


def test_faults_of_the_machine_weigh_twice_as_much_as_failures_of_the_code() -> None:
    assert turns(Suspicion(), Status.INFRASTRUCTURE, 4) == [4]
    assert turns(Suspicion(), Status.SYNTAX_ERROR, 8) == [8]
    mixed = Suspicion()
    assert turns(mixed, Status.INFRASTRUCTURE, 2) == []
    assert turns(mixed, Status.TIMEOUT, 4) == [4]


def test_one_success_starts_over() -> None:
    suspicion = Suspicion()
    for _ in range(3):
        assert turns(suspicion, Status.INFRASTRUCTURE, 3) == []
        assert turns(suspicion, Status.OK, 1) == []
    assert turns(suspicion, Status.INFRASTRUCTURE, 4) == [4]


def test_code_that_never_works_costs_fewer_and_fewer_samples() -> None:
    suspicion = Suspicion()
    assert turns(suspicion, Status.RUNTIME_ERROR, 1000) == [8, 24, 56, 120, 248, 504]
    suspicion.aroused(Status.OK)
    assert turns(suspicion, Status.RUNTIME_ERROR, 10) == [8]
