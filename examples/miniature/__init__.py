"""What `paper_in_miniature.py` is made of: scenes, model, two stages, judge and report."""

ARMS = ("sft", "paper", "robust", "robust-direct")
"""How a model is taught: by the supervised stage alone; then by the preset ``paper``; by ``robust`` instead; by
``robust`` after a supervised stage without refinement rows."""
