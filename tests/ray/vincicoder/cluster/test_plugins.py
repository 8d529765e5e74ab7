"""Plugins on Ray: actors use what the driver found, and scan nothing."""

from __future__ import annotations

from pathlib import Path

from needed import needs
from plugin import run_with
from repository import SUPPORT

needs("ray", "the extra 'ray' is not installed")

CODE = """
import sys
sys.path.append({site!r})  # only this process finds the package; its actors are told where it is
import io
import ray
from started_ray import one_node
from vincicoder import RenderPool, RewardRequest
from vincicoder.cluster import ClusterReward


def scan():
    from importlib.metadata import entry_points
    return [point.name for point in entry_points(group="vincicoder.languages")]


target = io.BytesIO()
with RenderPool(1) as pool:
    pool.render("digraph {{ a -> b -> c }}", "dot").image.save(target, "PNG")
with one_node(num_cpus=2):
    reward = ClusterReward({{"encoder": "grey:14", "components": {{"ink": 1.0}}, "workers": 1}})
    answers = ["digraph {{ a -> b -> c }}", "graph {{ a; b; c; d }}", "digraph {{ a ->"]
    requests = [RewardRequest(f"```gv\\n{{code}}\\n```", target.getvalue(), language="dot") for code in answers]
    same, other, broken = (result for _, result in sorted(reward.stream(requests), key=lambda each: each[0]))
    found = ray.get(ray.remote(scan).remote())
    reward.close()
assert (same.status, same.language, same.encoder) == ("ok", "dot", "grey:14"), same
assert same.overall > 0.99 > other.overall and same.scores["ink"] == 1.0 > other.scores["ink"] > 0, (same, other)
assert broken.status == "syntax_error", broken
assert scan() == ["dot"] and found == [], f"the test proves nothing: a worker finds the package by itself: {{found}}"
print("on ray")
"""


def test_an_actor_uses_a_language_an_encoder_and_a_component_of_another_package(dot_site: Path) -> None:
    assert run_with(CODE.format(site=str(dot_site)), SUPPORT, timeout=280).endswith("on ray\n")
