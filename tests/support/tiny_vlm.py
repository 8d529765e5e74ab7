"""The tiny models of ``examples/smoke_model.py``, for tests."""

from __future__ import annotations

import importlib.util

from repository import EXAMPLES

_spec = importlib.util.spec_from_file_location("smoke_model", EXAMPLES / "smoke_model.py")
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

make_tiny_vlm = _module.make_tiny_vlm

TOKENS_PLUGIN = EXAMPLES / "smoke_tokens.py"
"""What ms-swift must load with such a model."""
