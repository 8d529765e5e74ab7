"""Measuring the reward: graded damage to references and hacks, and how often the reward ranks them right.

What is damaged and how, the split of references and the held-out snippets are frozen: whoever chooses weights by these
figures does so on the split ``training``, and reports them on ``held-out``.
"""
