"""What goes over the line to a worker arrives as it was sent."""

from __future__ import annotations

import socket
import threading

import numpy as np
import pytest
from PIL import Image

from vincicoder.reward.worker_process import Line


def sent(message: object) -> object:
    ours, theirs = map(Line, socket.socketpair())
    thread = threading.Thread(target=ours.send, args=[message])
    thread.start()
    try:
        return theirs.receive(20)
    finally:
        thread.join()
        ours.close()
        theirs.close()


@pytest.mark.parametrize("size", [(0, 3), (2, 1), (640, 480)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_images_arrive_whole(mode: str, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    image = Image.new(mode, size) if 0 in size else Image.fromarray(noise).convert(mode)
    found = sent([{"target": image, "render": image}])
    assert isinstance(found, list)
    assert found[0]["target"] is found[0]["render"]
    assert (found[0]["target"].mode, found[0]["target"].size) == (mode, size)
    assert found[0]["target"].tobytes() == image.tobytes()


def test_so_do_arrays_and_long_texts() -> None:
    array, text = np.arange(300_000), "x" * 3_000_000
    found = sent((array, text, [array[:3]] * 3))
    assert isinstance(found, tuple)
    assert (found[0] == array).all() and found[1] == text and found[2][2].tolist() == [0, 1, 2]


def test_more_images_arrive_than_one_message_takes_files() -> None:
    images = [Image.new("RGB", (200, 120), (number, 0, 0)) for number in range(70)]
    found = sent(images)
    assert isinstance(found, list)
    assert [each.getpixel((9, 9)) for each in found] == [(number, 0, 0) for number in range(70)]


def test_silence_and_the_end_are_told_apart() -> None:
    ours, theirs = map(Line, socket.socketpair())
    with pytest.raises(TimeoutError):
        ours.receive(0.01)
    theirs.close()
    with pytest.raises(EOFError):
        ours.receive(5)
    ours.close()
