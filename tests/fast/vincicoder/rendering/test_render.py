"""A render on its way to another process: nothing is lost, and what is no render is refused."""

from __future__ import annotations

import io
import pickle
import struct

import numpy as np
import pytest
from PIL import Image

from vincicoder.rendering import Render
from vincicoder.rendering.facts import Facts, Span
from vincicoder.status import Status


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("size", [(1, 1), (640, 480), (20_000, 3)])
def test_every_pixel_and_field_survives(size: tuple[int, int]) -> None:
    render = Render(Status.OK, noise(*size), "", 1.25, 0.5, Facts((Span("图", (0, 0, 5, 5), (1, 2, 3)),)), "a note")
    again = Render.from_bytes(render.to_bytes())
    assert again.image is not None and render.image is not None
    assert again.image.mode == "RGB"
    assert again.image.size == size
    assert again.image.tobytes() == render.image.tobytes()
    fields = ("status", "message", "seconds", "cpu_seconds", "facts", "note")
    assert [getattr(again, name) for name in fields] == [getattr(render, name) for name in fields]


def test_a_plain_image_is_packed_small_and_is_pickled_like_that() -> None:
    render = Render(Status.OK, Image.new("RGB", (1280, 720), "white"), facts=Facts())
    assert len(render.to_bytes()) < 5_000
    assert len(pickle.dumps(render)) < 6_000
    again = pickle.loads(pickle.dumps(render))
    assert again.image.tobytes() == render.image.tobytes()
    assert (again.status, again.facts) == (render.status, render.facts)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.OK])
def test_what_has_no_image_survives(status: Status) -> None:
    render = Render(status, message="line 3: \ud800 图", seconds=2.0)
    assert Render.from_bytes(render.to_bytes()) == render


def encoded(kind: str) -> bytes:
    content = io.BytesIO()
    noise(20, 10).save(content, kind)
    return content.getvalue()


TGA = encoded("TGA")
HUGE = struct.pack("<IiiHHIIiiII", 40, 40_000, 40_000, 1, 24, 0, 0, 0, 0, 0, 0)  # of a bitmap
WHOLE = Render(Status.OK, noise(20, 10), facts=Facts()).to_bytes()
BAD = {
    "nothing": b"",
    "a length alone": WHOLE[:4],
    "half a header": WHOLE[:20],
    "no image": WHOLE[: WHOLE.index(b"RIFF")],
    "half an image": WHOLE[:-100],
    "an absurd length": b"\xff" * 8,
    "another object": b"\x00\x00\x00\x02{}",
    "a list": b"\x00\x00\x00\x02[]",
    "an unknown status": WHOLE.replace(b'"ok"', b'"xx"'),
    "an unknown field": WHOLE.replace(b'"note"', b'"nose"'),
    "a header nested too deeply": (100_000).to_bytes(4, "big") + b"[" * 100_000,
    "an image of another format": WHOLE[: WHOLE.index(b"RIFF")] + TGA,
    "an image of a billion pixels": WHOLE[: WHOLE.index(b"RIFF")] + b"BM" + bytes(12) + HUGE,
    "wrong facts": WHOLE.replace(b"spans", b"spams"),
}


@pytest.mark.parametrize("name", BAD)
def test_other_bytes_are_a_value_error(name: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        Render.from_bytes(BAD[name])
