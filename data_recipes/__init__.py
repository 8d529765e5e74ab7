"""Data recipes: from public or generated sources to sets for fine-tuning and reinforcement learning.

Each recipe is a command, ``vincicoder data NAME`` or ``python -m data_recipes.NAME``, in a file of its own that offers
``RECIPE``. What the recipes work with is in :mod:`data_recipes.engine`.
"""
