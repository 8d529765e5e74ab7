"""Every rung of the ladder is a run that fits, with bands for what its log has, and EasyR1 knows its settings.

verl's and ms-swift's own parsers read the others in ``tests/trainers/vincicoder/runs``.
"""

from __future__ import annotations

import pytest
from dry_run import dry_run
from repository import ROOT, SUPPORT

from vincicoder.cli import main
from vincicoder.planning.overrides import overrides_of
from vincicoder.runs import read_recipe

RECIPES = {path.stem: read_recipe(path) for path in sorted((ROOT / "recipes").glob("*.yaml"))}
RUNS = [(name, trainer) for name, recipe in RECIPES.items() for trainer in recipe.trainers]


def test_the_page_has_every_recipe():
    import ladder

    assert set(ladder.NAMES) == set(RECIPES)
    page = (ROOT / "docs" / "reproduce.md").read_text("utf-8")
    for name, trainer in RUNS:
        assert f"--recipe recipes/{name}.yaml --trainer {trainer}" in page


@pytest.mark.parametrize(("name", "trainer"), RUNS)
def test_it_fits_on_every_kind_of_gpu_that_it_is_for(name, trainer):
    recipe = RECIPES[name]
    assert recipe.kinds
    for kind in recipe.kinds:
        plan = recipe.planned(trainer, gpu=kind)
        assert plan.fits, (kind, plan.problems)
        if name == "r1":
            assert plan.hours < 3
    steps = recipe.last_step(trainer)
    assert steps is not None and steps > 50, "bands are given for step 50"
    for band in recipe.bands:
        assert -1 in band.steps
        low, high = band.at(steps, steps)
        assert band.below is None or band.below < min(ends[0] for ends in band.steps.values())
        assert band.above is None or band.above > max(ends[1] for ends in band.steps.values())
        assert low < high


@pytest.mark.parametrize("name", [name for name, trainer in RUNS if trainer == "easyr1"])
def test_easyr1_knows_every_setting(name, tmp_path):
    schema = dict(line.split(" ") for line in (SUPPORT / "easyr1_keys.txt").read_text("utf-8").splitlines())
    recipe, written = RECIPES[name], tmp_path / "run.sh"
    assert main(["plan", "--recipe", str(ROOT / "recipes" / f"{name}.yaml"), "--write", str(written)]) == 0
    overrides = recipe.add_to(overrides_of(recipe.planned("easyr1")), "easyr1")
    words = dry_run(written, tmp_path, **({"MODEL": "/models/mine"} if overrides.needs_model else {}))
    settings = dict(word.split("=", 1) for word in words[words.index("verl.trainer.main") + 1 :])
    for key in settings:
        assert key in schema or schema.get(key.rsplit(".", 1)[0], "").startswith("dict"), key
    assert settings["trainer.save_limit"] == "2"
    assert settings["trainer.save_checkpoint_path"] == recipe.trainers["easyr1"].variables["CHECKPOINT_DIR"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["r4-sft", "--trainer", "verl"], "the recipe r4-sft is not for verl; it is for: swift"),
        (["r0"], "the recipe r0 has no plan; run: python examples/paper_in_miniature.py --arms robust"),
        (["r9"], "cannot be read: No such file"),
    ],
)
def test_a_recipe_that_cannot_be_planned_says_why(arguments, said, capsys):
    name, *flags = arguments
    assert main(["plan", "--recipe", str(ROOT / "recipes" / f"{name}.yaml"), *flags]) == 2
    assert said in capsys.readouterr().err
