"""The pixel stage: components of one sample go to one worker together, and none takes another along."""

from __future__ import annotations

from collections.abc import Iterator

import measured
import pytest
from PIL import Image

from vincicoder import registry
from vincicoder.errors import MachineFault
from vincicoder.reward.components import load_component
from vincicoder.reward.pixels import PixelWorkers


@pytest.fixture(scope="module")
def workers() -> Iterator[PixelWorkers]:
    before = registry.exported()
    measured.adopt()
    workers = PixelWorkers(count=1, nice=5)
    yield workers
    workers.close()
    registry.adopt(before)


def test_each_component_of_a_message_has_its_own_answer_also_where_one_raises_or_ends_the_worker(
    workers: PixelWorkers,
) -> None:
    image = Image.new("RGB", (40, 30), "red")
    names = ("overlap", "raises", "dies", "overlap")
    calls = [(load_component(name, {}), "measure", {"target": image, "render": image}) for name in names]
    first, raised, died, last = workers.submit_all(calls)
    assert first.result() == last.result() == 1
    assert isinstance(raised.exception(), MachineFault)
    assert str(raised.exception()) == "component 'raises' failed: RuntimeError: no such font"
    assert "component 'dies': its worker process ended twice" in str(died.exception())
    assert workers.submit(*calls[0]).result() == 1


def test_nobody_waits_for_workers_that_are_closed() -> None:
    closed = PixelWorkers(count=1, nice=5)
    closed.close()
    with pytest.raises(RuntimeError):
        closed.submit(load_component("hog", {}), "prepare", {"target": Image.new("RGB", (9, 9))})
