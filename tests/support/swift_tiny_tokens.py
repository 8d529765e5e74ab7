"""Plugin for ms-swift, with the tiny models of ``tiny_vlm.py``: the ids of their image tokens."""

from __future__ import annotations

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).resolve().parents[2] / "examples" / "smoke_tokens.py"))
