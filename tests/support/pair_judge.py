"""A judge of pairs behind an endpoint, which looks at the images that it is sent."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
from PIL import Image


def images_of(body: dict[str, Any]) -> list[Image.Image]:
    """Return the images of a question, target first."""
    parts = body["messages"][0]["content"]
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    return [Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB") for url in urls]


def closeness(target: Image.Image, render: Image.Image) -> int:
    """Return how close two images of one size are, from 0 to 100."""
    difference = np.abs(np.asarray(target, float) - np.asarray(render.resize(target.size), float)).mean()
    return round(100 * (1 - difference / 255))


def judge(body: dict[str, Any]) -> str:
    """Answer a question as ``pair.txt`` asks for it."""
    target, second, third = images_of(body)
    return json.dumps({"second": closeness(target, second), "third": closeness(target, third)})
