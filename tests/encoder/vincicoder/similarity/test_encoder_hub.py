"""A hub that cannot be reached: weights on disk are used, and missing ones are an error that says how to get them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from repository import ROOT

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.dinov2

NAME = "facebook/dinov2-small"
SCRIPT = f"""
import json, sys, time
sys.path.insert(0, {str(ROOT)!r})
import numpy as np
from vincicoder.errors import EncoderError
from vincicoder.similarity import TILE, load_encoder
import transformers
began = time.monotonic()
try:
    encoder = load_encoder({NAME!r}, device="cpu")
    found = {{"shape": encoder.encode(np.zeros((1, TILE, TILE, 3), np.uint8)).shape}}
except EncoderError as error:
    found = {{"error": str(error)}}
print(json.dumps({{**found, "seconds": time.monotonic() - began}}))
"""


def loaded(home: Path) -> dict[str, object]:
    """Load the encoder in a process whose hub refuses every connection."""
    environment = {**os.environ, "HF_HOME": str(home), "HF_ENDPOINT": "http://127.0.0.1:9", "OMP_NUM_THREADS": "1"}
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_CACHE", "TRANSFORMERS_CACHE"):
        environment.pop(name, None)
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
def test_missing_weights_are_an_error_that_says_how_to_get_them(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert NAME in str(found["error"])
    assert "hf download" in str(found["error"])
    assert float(str(found["seconds"])) < 240


@pytest.mark.slow
def test_downloaded_weights_are_used(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / f"models--{NAME.replace('/', '--')}"
    snapshot = repository / "snapshots" / ("0" * 40)
    config = transformers.Dinov2Config(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, patch_size=14, image_size=70, mlp_ratio=2
    )
    transformers.Dinov2Model(config).save_pretrained(snapshot)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    assert loaded(tmp_path)["shape"] == [1, 32]
