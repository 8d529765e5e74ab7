"""Data recipes: from public or generated sources to sets for fine-tuning and reinforcement learning.

Each recipe is a module with a ``main``, run as ``vincicoder data NAME`` or ``python -m data_recipes.NAME``.
"""

from __future__ import annotations

RECIPES = {
    "demo": "an SFT and an RL set from generated pictures and the sample set, end to end",
    "collect": "rows of a source, cleaned, drawn and verified, as records",
    "sample": "records without duplicates, balanced by domain and difficulty",
    "refine": "refinements: records with code that was damaged on purpose",
    "attempts": "refinements: records with a model's own flawed attempts",
    "rl": "records that a policy can learn from, in chosen shares",
    "export": "records in the layout of a host",
    "validate": "whether the gold code of a set earns its reward",
    "report": "a page and a dataset card about a folder of records",
}
"""What ``vincicoder data --help`` says of each recipe."""
