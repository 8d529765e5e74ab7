"""What `learn_on_cpu.py` is made of: scenes and their words, the policy, its judge, one run, and the figures."""

ARMS = ("paper", "paper-drawing", "robust", "shuffled")
"""How a policy is taught: by the preset ``paper``; by the same, without the word for a mosaic; by ``robust``; by
``robust`` and the image of another scene."""
