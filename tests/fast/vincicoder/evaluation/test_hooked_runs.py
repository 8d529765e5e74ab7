"""Runs behind hooks in the real sandbox: gold against gold, what a chart really draws, and logs that are forged."""

from __future__ import annotations

import numpy as np
import pytest

from vincicoder.evaluation.benchmarks import chemdraw
from vincicoder.evaluation.benchmarks.chartmimic import complete
from vincicoder.evaluation.metrics import chartmimic, tanimoto

CHART = complete(
    """
import matplotlib.pyplot as plt
figure, (left, right) = plt.subplots(1, 2, figsize=(6, 3))
left.plot([1, 2, 3], color="#1f77b4", label="first")
left.axhline(2, color="red")
left.legend()
left.set_title("Sales")
right.bar(["a", "b"], [1, 2], color=["#00ff00", "navy"])
right.set_xlabel("Month")
"""
)
FORGED = complete(
    """
import matplotlib.pyplot as plt
plt.figure(figsize=(6, 3))
try:
    _vc_texts.extend([text, .1, .5, .1, .05, False] for text in ("Sales", "first", "Month"))
    _vc_types.update(plot=1)
    _vc_layout = lambda figure: [[[1, 2, 0, 0, 0, 0], [0, 0, 1, 1]], [[1, 2, 0, 0, 1, 1], [0, 0, 1, 1]]]
except NameError:
    pass
"""
)


@pytest.fixture(scope="module")
def run(pool):
    return pool.render


@pytest.fixture(scope="module")
def gold(run):
    return chartmimic.prepare(CHART, run)


def measured(code, run, gold):
    return chartmimic.measure(code, run, run(code, "python").image, {}, gold)


def test_the_log_says_what_is_drawn_without_ticks(gold):
    assert sorted(each.text for each in gold.texts) == ["Month", "Sales", "first"]
    assert [cell for cell, _ in gold.cells] == [(1, 2, 0, 0, 0, 0), (1, 2, 0, 0, 1, 1)]
    assert sorted((name.rpartition("-")[2], count) for name, count in gold.calls.items()) == [
        ("axhline", 1),
        ("bar", 1),
        ("plot", 1),
    ]
    assert sorted(name.rpartition("--")[2] for name in gold.colours) == ["#000080", "#00FF00", "#1F77B4", "#FF0000"]


def test_gold_against_gold_gives_the_maximum_in_both_modes(run, gold):
    assert measured(CHART, run, gold) == dict.fromkeys(chartmimic.GIVES, 1.0)


def test_a_forged_log_counts_officially_and_not_where_pixels_must_bear_it_out(run, gold):
    values = measured(FORGED, run, gold)
    assert values["text"] == values["layout"] == 1.0
    assert values["type"] < 1
    assert {name: value for name, value in values.items() if name.endswith("_pixels")} == {
        f"{part}_pixels": 0.0 for part in ("text", "layout", "type", "colour", "low")
    }


def test_code_that_fails_behind_the_hooks_logs_nothing(run):
    assert chartmimic.logged(CHART.replace("plt.savefig", "1 / 0\nplt.savefig"), run) == chartmimic.Log()
    assert chartmimic.logged("import sys\nsys.exit(0)", run) == chartmimic.Log()


def test_a_comment_that_spoils_the_run_without_ticks_costs_the_text_only(run):
    log = chartmimic.logged(f"# then plt.savefig it\n{CHART}", run)
    assert log.texts == ()
    assert len(log.cells) == 2


def test_a_molecule_against_itself_gives_the_maximum(run):
    code = chemdraw.program("CC(=O)Oc1ccccc1C(=O)O")
    assert tanimoto.measure(code, run, tanimoto.prepare(code, run)) == {"tanimoto": 1.0, "valid": 1.0}


def test_however_a_molecule_is_drawn_its_fingerprint_is_rdkit_s(run):
    from rdkit import Chem
    from rdkit.Chem import rdFingerprintGenerator

    smiles = "Cn1cnc2c1c(=O)n(C)c(=O)n2C"
    drawer = f"""
from rdkit import Chem
from rdkit.Chem.Draw import rdMolDraw2D
drawer = rdMolDraw2D.MolDraw2DCairo(300, 300)
rdMolDraw2D.PrepareAndDrawMolecule(drawer, Chem.MolFromSmiles({smiles!r}))
drawer.FinishDrawing()
drawer.WriteDrawingText("a.png")
"""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    bits = frozenset(generator.GetFingerprint(Chem.MolFromSmiles(smiles)).GetOnBits())
    assert tanimoto.fingerprint(drawer, run) == tanimoto.fingerprint(chemdraw.program(smiles), run) == bits


def test_a_program_without_a_molecule_is_not_valid(run, gold):
    assert tanimoto.measure(CHART, run, frozenset({1})) == {"tanimoto": 0.0, "valid": 0.0}


def test_pixels_of_a_plot_are_no_log(run):
    image = run(CHART, "python").image
    assert np.asarray(image).any()
    from vincicoder.evaluation.metrics._pixel_log import read

    assert read(image) is None
