"""Fixtures: the target of ``reward_files.PERFECT`` in each form that trainers hand over."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw


@pytest.fixture(scope="session")
def target_image() -> Image.Image:
    """What ``reward_files.PERFECT`` draws."""
    image = Image.new("RGB", (64, 64), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((8, 8, 31, 31), fill="red")
    draw.rectangle((32, 32, 55, 55), fill="blue")
    return image


@pytest.fixture(scope="session")
def png(target_image) -> bytes:
    buffer = io.BytesIO()
    target_image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def directory(tmp_path_factory, png) -> Path:
    """A directory with the target as ``sub/target.png``."""
    directory = tmp_path_factory.mktemp("images")
    (directory / "sub").mkdir()
    (directory / "sub" / "target.png").write_bytes(png)
    return directory


@pytest.fixture(scope="session")
def base64_png(png) -> str:
    return base64.b64encode(png).decode()
