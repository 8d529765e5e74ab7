"""The nodes of a cluster are asked what they render, so that one with other fonts is found before a job."""

from __future__ import annotations

from pathlib import Path

import pytest
from needed import needs

from vincicoder.cli.job import compared_renders
from vincicoder.rendering.config import RenderingConfig

needs("ray")

FONT = Path("/usr/share/fonts/truetype/liberation/LiberationMono-Bold.ttf")


def other_font(path: Path) -> None:
    """Write a font that calls itself a newer DejaVu Sans, and looks otherwise."""
    from fontTools.ttLib import TTFont

    font = TTFont(FONT)
    names = {1: "DejaVu Sans", 16: "DejaVu Sans", 2: "Book", 17: "Book", 4: "DejaVu Sans", 5: "Version 99.0"}
    for record in font["name"].names:
        record.string = names.get(record.nameID, record.string)
    font["head"].fontRevision, font["head"].macStyle = 99.0, 0
    font["OS/2"].usWeightClass, font["OS/2"].fsSelection = 400, 0x40
    path.parent.mkdir(parents=True)
    font.save(path)


@pytest.mark.skipif(not FONT.exists(), reason="the font that is changed is not installed")
def test_a_node_with_another_font_is_named(tmp_path):
    import ray
    from started_ray import two_nodes

    from vincicoder.cluster.fingerprints import node_fingerprints

    other_font(tmp_path / "vincicoder" / "fonts" / "other.ttf")
    elsewhere = {"num_cpus": 1, "env_vars": {"XDG_DATA_HOME": str(tmp_path)}}
    with two_nodes({"num_cpus": 1}, elsewhere) as cluster:
        ray.shutdown()  # the check connects by itself
        found = node_fingerprints(["svg"], RenderingConfig(workers=1), cluster.address)
    assert len(found) == 2
    assert len({each["svg"] for each in found.values()}) == 2, found
    check = compared_renders(found)
    assert check.failed and check.detail.startswith("svg is ")
    assert all(name in check.detail for name in found)
