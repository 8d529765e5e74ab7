"""Fuzzers of what reads hostile input. ``python -m fuzz --help`` runs them; ``docs/fuzzing.md`` explains them."""

from __future__ import annotations

from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")
"""A directory a target, with inputs to start from: small ones of every kind, and those that once broke something."""
