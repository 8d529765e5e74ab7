"""Reward files for EasyR1 and verl, which load them by path."""
