"""Make refinements by damaging code on purpose: ``vincicoder data refine``.

The defective code is rendered. It is kept if the defect shows: the code fails, or its render differs enough from the
target.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from data_recipes.defects import Defect, defects_of
from data_recipes.engine.images import open_image
from data_recipes.engine.options import (
    Recipe,
    add_output,
    add_rendering,
    guarded,
    parser_of,
    positive,
    run_recipe,
    share,
)
from data_recipes.engine.records import Records
from data_recipes.engine.refinements import changed_share, refinement
from data_recipes.engine.rendering import RenderingStep
from vincicoder.data import BadRow, Reason, Record
from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image

TRIES = 5
"""Defects that are rendered before a record is given up."""

LEAST_CHANGED = 0.0002
"""Share of the target's pixels that must differ: a word of a page does, a shade or a hairline shift does not.
Similarity would not do, as it hardly moves for a word."""


class Damage(RenderingStep):
    """A step that makes refinements of records with defects that programs put in.

    Args:
        seed: Another one makes other defects.
        per_record: Refinements of each.
        share: Share of the records that are worked on, chosen by their ids.
        workers: See ``RenderingStep``.
        encoder: See ``RenderingStep``.

    Example:
        >>> [refinement] = Damage(seed=1)([record], Drops())
        >>> refinement.task, refinement.checks["defects"]
        ('refine', ['colour'])
    """

    def __init__(
        self,
        seed: int = 0,
        per_record: int = 1,
        share: float = 1.0,
        workers: int | None = None,
        encoder: str = "embedded",
    ) -> None:
        super().__init__(workers, encoder)
        self.seed = seed
        self.per_record = per_record
        self.share = share

    def work(self, record: Record) -> list[Record]:
        """Return refinements with different defects."""
        if random.Random(f"{self.seed}/{record.id}").random() >= self.share:
            raise BadRow(Reason.NOT_SAMPLED, "the record is not in the share that is damaged")
        target = open_image(record.target)
        found: list[Record] = []
        for number in range(self.per_record):
            rng = random.Random(f"{self.seed}/{record.id}/{number}")
            if made := self._damaged(record, target, rng, {each.defective_code for each in found}):
                defective, checks = made
                found.append(refinement(record, defective, checks, self.seed))
        if not found:
            raise BadRow(Reason.NO_DEFECT, "none of the defects that were tried shows")
        return found

    def _damaged(
        self, record: Record, target: Image.Image, rng: random.Random, known: set[str | None]
    ) -> tuple[str, dict[str, Any]] | None:
        """Return defective code and what is known of it, or None."""
        defects = defects_of(record.language)
        names = rng.sample(list(defects), len(defects))
        tries = 0
        while names and tries < TRIES:
            code, used = spoil(record.code, defects, names, rng)
            if not used or code in known:
                continue
            tries += 1
            if (checks := self.judge(record, target, code)) is not None:
                return code, {**checks, "defects": used, "made_by": "program"}
        return None

    def judge(self, record: Record, target: Image.Image, code: str) -> dict[str, Any] | None:
        """Render defective code and return what was measured, or None if it shows no difference."""
        render = self.renderers.render(code, record.language)
        if render.status in (Status.INFRASTRUCTURE, Status.TIMEOUT):
            return None  # whether it happens again depends on more than the code
        if render.image is None:
            return {"similarity": 0.0, "changed": 1.0, "defect_status": render.status.value}
        changed = changed_share(target, render.image)
        if changed < LEAST_CHANGED:
            return None
        similarity = self.renderers.similarity(target, render.image)
        return {"similarity": similarity, "changed": round(changed, 5), "defect_status": "ok"}


def spoil(code: str, defects: Mapping[str, Defect], names: list[str], rng: random.Random) -> tuple[str, list[str]]:
    """Put one to three defects into code.

    Args:
        code: What to spoil.
        defects: By name.
        names: Those to try, from the last on; what was tried is taken away.
        rng: Decides how many.

    Returns:
        The code, and the names of the defects that it has now.
    """
    used: list[str] = []
    wanted = rng.choice((1, 1, 1, 2, 3))
    while names and len(used) < wanted:
        name = names.pop()
        changed = defects[name](code, rng)
        if changed is not None and changed != code:
            code = changed
            used.append(name)
    return code, used


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = parser_of("refine", __doc__)
    parser.add_argument("records", metavar="DIR", help="directory of records that collect wrote")
    parser.add_argument(
        "--per-record", type=positive, default=1, metavar="N", help="refinements of each record (default: 1)"
    )
    parser.add_argument(
        "--share", type=share, default=1.0, metavar="X", help="share of the records to damage (default: 1)"
    )
    add_output(parser)
    add_rendering(parser)
    options: argparse.Namespace = parser.parse_args(arguments)
    step = Damage(options.seed, options.per_record, options.share, options.workers, options.encoder)
    return run_recipe(options, Records(options.records), [step], reads=options.records)


RECIPE = Recipe("make refinements by damaging code on purpose", main)

if __name__ == "__main__":
    raise SystemExit(guarded(main))
