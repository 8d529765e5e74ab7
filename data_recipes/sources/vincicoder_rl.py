"""VinciCoder's own set for reinforcement learning; rows without reference code cannot be verified and are left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from data_recipes.sources._public import Context, PublicSet
from vincicoder.data import Record
from vincicoder.data.public import RL_SOURCE, from_rl


def read(row: Mapping[str, Any], context: Context) -> Record:
    """Return the record of a row; the rules are in ``vincicoder.data.public``."""
    found = from_rl(row)
    return dataclasses.replace(found, target=context.image(found.target), licence=context.set.licence)


SOURCE = PublicSet("vincicoder_rl", RL_SOURCE, "unknown", (("problem",), ("answer",), ("images",)), read)
