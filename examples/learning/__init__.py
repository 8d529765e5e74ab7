"""What `learn_on_cpu.py` is made of: scenes and their words, the policy, one run, and the figures of all runs."""

ARMS = ("visual", "random", "shuffled")
"""How a policy is rewarded: by the image it was shown, by chance, by the image of another scene."""
