"""How trainers load a reward file, and responses whose score is known."""

from __future__ import annotations

import functools
import importlib.util
import sys

from repository import ROOT

REWARDS = ROOT / "verl_rewards"
OPTIONS = {"encoder": "embedded", "workers": 1}


def load_by_path(name: str, **options):
    """Load a reward file as trainers do: executed from its path, options bound with partial."""
    spec = importlib.util.spec_from_file_location("custom_reward_fn", REWARDS / name)
    module = importlib.util.module_from_spec(spec)
    sys.modules["custom_reward_fn"] = module
    spec.loader.exec_module(module)
    return module, functools.partial(module.compute_score, **options)


def svg(*squares: tuple[int, int, str]) -> str:
    """A response that draws 24-pixel squares on a white page of 64 pixels."""
    shapes = "".join(f'<rect x="{x}" y="{y}" width="24" height="24" fill="{fill}"/>' for x, y, fill in squares)
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64">'
    return f'Here:\n```svg\n{head}<rect width="64" height="64" fill="white"/>{shapes}</svg>\n```\n'


PERFECT = svg((8, 8, "red"), (32, 32, "blue"))
WRONG = svg((32, 8, "lime"))
PROSE = "I cannot draw that."
BROKEN = "```svg\n<svg xmlns='http://www.w3.org/2000/svg'><rect\n```"
