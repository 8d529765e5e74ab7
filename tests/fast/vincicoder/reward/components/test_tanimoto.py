"""The component `tanimoto`: the molecules of the reference, found in the response's code without running it."""

from __future__ import annotations

import time

import pytest

from vincicoder.reward.components.tanimoto import Tanimoto

REFERENCE = "from rdkit import Chem\nm = Chem.MolFromSmiles('CC(=O)Oc1ccccc1C(=O)O')  # it's aspirin\n"


def score(code: str, reference: str = REFERENCE) -> float:
    tanimoto = Tanimoto()
    assert tanimoto.applies(reference)
    return tanimoto(code, tanimoto.prepare(reference))


@pytest.mark.parametrize(
    "code",
    [
        REFERENCE,
        'm = Chem.MolFromSmiles("OC(=O)c1ccccc1OC(C)=O")',
        "smiles = ['CCO', \"O=C(C)Oc1ccccc1C(O)=O\"]\ndraw(smiles[1])",
    ],
)
def test_the_same_molecule_scores_one_however_it_is_written(code: str) -> None:
    assert score(code) == 1


def test_another_molecule_scores_what_the_fingerprints_share() -> None:
    from rdkit import Chem, DataStructs
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    made = GetMorganGenerator(radius=2, fpSize=2048, includeChirality=True)
    known, other = (
        made.GetFingerprint(Chem.MolFromSmiles(each)) for each in ("CC(=O)Oc1ccccc1C(=O)O", "OC(=O)c1ccccc1")
    )
    expected = DataStructs.TanimotoSimilarity(known, other)
    assert 0.2 < expected < 0.8
    assert score("Chem.MolFromSmiles('OC(=O)c1ccccc1')") == pytest.approx(expected)


def test_every_molecule_of_the_reference_is_looked_for_and_each_answer_serves_once() -> None:
    two = "Chem.MolFromSmiles('CCO'), Chem.MolFromSmiles('c1ccccc1')"
    assert score(two, two) == 1
    assert score("Chem.MolFromSmiles('c1ccccc1')", two) == 0.5
    stereo = "Chem.MolFromSmiles('C[C@H](N)C(=O)O')"
    assert score(stereo.replace("@", "@@"), stereo) < 1


def test_a_reaction_counts_by_its_molecules() -> None:
    reaction = "ReactionFromSmarts('CC(=O)O.OCc1ccccc1>>CC(=O)OCc1ccccc1')"
    assert score(reaction, reaction) == 1
    assert score("ReactionFromSmarts('CC(=O)O.OCc1ccccc1>>CCN')", reaction) < 1


@pytest.mark.parametrize(
    "code", ["", "plt.plot([1, 2])", "# 'CC(=O)Oc1ccccc1C(=O)O'", "x = 'no molecule'", "x = 'C(('"]
)
def test_code_without_a_molecule_scores_zero(code: str) -> None:
    assert score(code) == 0


def test_a_reference_that_rdkit_cannot_read_is_compared_as_text() -> None:
    broken = "Chem.MolFromSmiles('C1CC(')"
    assert score(broken, broken) == 1
    assert score("Chem.MolFromSmiles('CCO')", broken) == 0


@pytest.mark.parametrize(
    "reference", [None, "", "plt.title('CCO')", "Chem.MolFromSmiles(name)", "MolFromSmiles('ethanol')"]
)
def test_it_applies_only_to_references_that_read_smiles(reference: str | None) -> None:
    assert not Tanimoto().applies(reference)


def test_hostile_code_takes_no_long_time() -> None:
    started = time.process_time()
    for code in ("'" * 200_000, "['C', " * 50_000, "'C1" * 100_000, '"' + "[C" * 100_000, f"'{'C(' * 150}'," * 2_000):
        assert score(code) <= 1
    assert time.process_time() - started < 5
