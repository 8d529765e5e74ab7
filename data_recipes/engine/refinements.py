"""What recipes that make refinements share: how much of an image changed, and the record that asks for a fix."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from vincicoder.data import Record, write_prompt

if TYPE_CHECKING:
    from PIL import Image

_LEVELS = 24
"""Of 256, by which a channel must differ for its pixel to count as changed."""


def changed_share(target: Image.Image, render: Image.Image) -> float:
    """Return the share of the target's pixels that another image shows differently; 1 for an image of another size."""
    if target.size != render.size:
        return 1.0
    difference = np.abs(np.asarray(target, np.int16) - np.asarray(render, np.int16)).max(axis=2)
    return float((difference > _LEVELS).mean())


def refinement(record: Record, defective: str, checks: dict[str, Any], seed: int) -> Record:
    """Return the refinement of a record that begins with defective code.

    Args:
        record: The record to refine.
        defective: Code to fix.
        checks: What was measured of the defective code.
        seed: Of the choice of wordings.
    """
    name = f"{record.id}-{hashlib.blake2b(defective.encode(errors='replace'), digest_size=4).hexdigest()}"
    return dataclasses.replace(
        record,
        id=name,
        task="refine",
        prompt=write_prompt(record.domain, record.language, defective, key=name, seed=seed),
        defective_code=defective,
        answer=None,
        checks={**record.checks, **checks},
    )
