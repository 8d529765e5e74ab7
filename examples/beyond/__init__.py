"""What `beyond_on_cpu.py` is made of: scenes, the policy and its warm-up, the arms, one run, and the figures."""
