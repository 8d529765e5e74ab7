"""Official metrics are measured on the answers of a measurement, and taken over by the next run."""

from __future__ import annotations

import dataclasses

import pytest

from vincicoder.fidelity import Fidelity
from vincicoder.fidelity.damages import ladders
from vincicoder.fidelity.references import snippets
from vincicoder.fidelity.validity import answers_measured, validity
from vincicoder.rendering.config import RenderingConfig

_REFERENCE = next(each for each in snippets() if each.name == "traffic-light")
_CONFIG = RenderingConfig(workers=1)


@pytest.fixture(scope="module")
def measured():
    """Return a measurement under a reward that falls with strength, and under one that rises with it."""
    damaged = [
        {
            "id": f"{kind}/{strength}", "reference": _REFERENCE.name, "role": "damaged", "kind": kind,
            "strength": strength, "status": "ok", "render_key": None, "code": code, "overall": 1 - strength / 10,
        }
        for kind, codes in ladders(_REFERENCE.code, "svg", _REFERENCE.name)
        for strength, code in codes.items()
    ]  # fmt: skip
    inverse = [{**row, "overall": 1 - row["overall"]} for row in damaged]
    return Fidelity("embedded", ("falling", "rising"), (damaged, inverse), None)


def test_a_reward_that_falls_with_the_damage_agrees_with_the_official_metric(measured, tmp_path):
    done = []
    output = tmp_path / "scores.jsonl"
    told = validity(measured, [_REFERENCE], _CONFIG, output=output, progress=done.append).to_dict(draws=20)
    found = told["domains"]["svg"]
    tau = {name: columns["ssim"]["value"] for name, columns in found["presets"].items()}
    assert tau["falling"] > 0.2
    assert tau["rising"] == pytest.approx(-tau["falling"])
    assert found["differences"]["ssim"]["value"] == pytest.approx(-2 * tau["falling"])
    assert found["groups"] == 3
    assert done == [True] * answers_measured(measured, [_REFERENCE])
    assert set(told["left_out"]["unisvg"]) == {"lpips", "clip"}
    done.clear()
    again = validity(measured, [_REFERENCE], _CONFIG, output=output, progress=done.append).to_dict(draws=20)
    assert again == told
    assert done == [False] * answers_measured(measured, [_REFERENCE])


def test_a_reference_that_the_protocol_cannot_render_is_told_and_left_out(measured):
    told = []
    broken = dataclasses.replace(_REFERENCE, code="<svg")
    found = validity(measured, [broken], _CONFIG, complain=told.append)
    assert "not rendered by the rules of UniSVG" in told[0]
    assert found.to_dict(draws=20)["domains"]["svg"]["references"] == 0
