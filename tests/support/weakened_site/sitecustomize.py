"""Python runs this at its start: takes layers away in a service that an attack has started."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from weakened import LAYERS

for _layer in os.environ["WEAKENED"].split(","):
    LAYERS[_layer]()
