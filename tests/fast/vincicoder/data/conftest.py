"""Images and rows for the tests of training data."""

from __future__ import annotations

import io

import pytest
from PIL import Image


def encoded(size=(64, 48), colour="red", format="PNG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, format, **options)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def image_bytes():
    """A function that returns an image file's bytes."""
    return encoded


@pytest.fixture(scope="session")
def png() -> bytes:
    return encoded()
