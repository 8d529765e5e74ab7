"""All answers to one reference: what is scored to learn how a reward ranks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vincicoder.data.answers import fenced
from vincicoder.errors import TargetError
from vincicoder.fidelity.damages import ladders, mediocre
from vincicoder.fidelity.hacks import hacks
from vincicoder.fidelity.references import Reference, snippets
from vincicoder.images import compressed, open_target
from vincicoder.reward import RewardRequest

if TYPE_CHECKING:
    from PIL import Image

    from vincicoder.rendering import Render

PERFECT, DAMAGED, MEDIOCRE, HACK, AGAIN, SHIFTED = "perfect", "damaged", "mediocre", "hack", "again", "shifted"
"""The roles of answers: the reference; with one kind of damage; with several; a hack; the reference rendered once more;
the reference or a mediocre answer against the target moved by one pixel."""

MEDIOCRE_ANSWERS = 3
"""How many mediocre answers there are to each reference."""

_COMMENTS = {"svg": "\n<!-- again -->", "html": "\n<!-- again -->", "latex": "\n% again", "python": "\n# again"}


@dataclass(frozen=True)
class Answer:
    """One answer to score.

    Attributes:
        reference: Name of its reference.
        language: Of the reference.
        domain: Of the reference.
        role: One of this module's roles.
        kind: The kind of damage, the hack, or which mediocre answer; empty for the reference.
        strength: Of the damage; 0 where there is none.
        request: What is scored.
    """

    reference: str
    language: str
    domain: str
    role: str
    kind: str
    strength: int
    request: RewardRequest

    @property
    def labels(self) -> dict[str, Any]:
        """Everything but the request, ready for JSON."""
        names = ("reference", "language", "domain", "role", "kind", "strength")
        return {name: getattr(self, name) for name in names}


def answers_to(reference: Reference, target: Image.Image, unrelated: str | None) -> Iterator[Answer]:
    """Yield every answer to a reference.

    Args:
        reference: The reference.
        target: Its image.
        unrelated: The code of another reference in the language; None to do without.

    Example:
        >>> from PIL import Image
        >>> from vincicoder.fidelity.references import snippets
        >>> icon = next(each for each in snippets() if each.name == "layers")
        >>> roles = [each.role for each in answers_to(icon, Image.new("RGB", (64, 64)), None)]
        >>> roles[:3], roles.count("mediocre")
        (['perfect', 'again', 'shifted'], 3)
    """
    name, language, code = reference.name, reference.language, reference.code
    given, shifted = compressed(target), compressed(moved(target))

    def answer(role: str, code: str, kind: str = "", strength: int = 0, image: bytes = given) -> Answer:
        labelled = f"{role}-{kind}" if role == SHIFTED and kind else kind or role
        request = RewardRequest(
            fenced(code, language), image, reference.prompt, language, id=f"{name}/{labelled}/{strength}",
            reference=reference.code, metadata={"uid": name},
        )  # fmt: skip
        return Answer(name, language, reference.domain, role, kind, strength, request)

    yield answer(PERFECT, code)
    if language in _COMMENTS:
        yield answer(AGAIN, code.rstrip() + _COMMENTS[language])
    yield answer(SHIFTED, code, image=shifted)
    for kind, found in ladders(code, language, name):
        for strength, damaged in found.items():
            yield answer(DAMAGED, damaged, kind, strength)
    middling = [mediocre(code, language, name, number) for number in range(MEDIOCRE_ANSWERS)]
    for number, each in enumerate(middling):
        if each is not None:
            yield answer(MEDIOCRE, each, f"mediocre-{number}", 2)
            yield answer(SHIFTED, each, f"mediocre-{number}", 2, shifted)
    for hack, each in hacks(language, target, reference.prompt, middling[0], unrelated).items():
        yield answer(HACK, each, hack)


def target_of(
    reference: Reference, render: Callable[[str, str], Render], complain: Callable[[str], object] = lambda message: None
) -> Image.Image | None:
    """Return the image of a reference, or None if there is none.

    Args:
        reference: The reference. Without an image of its own, its code is rendered.
        render: Renders code in the sandbox.
        complain: Called with a sentence that says why there is no image.

    Example:
        >>> with RenderPool() as pool:  # doctest: +SKIP
        ...     target_of(reference, pool.render).size
        (420, 520)
    """
    if reference.target is None:
        found = render(reference.code, reference.language)
        if found.image is None:
            complain(f"{reference.name}: its code does not render: {found.status.value}: {found.message}")
        return found.image
    try:
        return open_target(reference.target)
    except TargetError as error:
        complain(f"{reference.name}: {error}")
        return None


def unrelated_code(reference: Reference, others: Iterable[Reference]) -> str | None:
    """Return the code of another reference in the same language, chosen by the names; None if there is none."""
    rivals = [
        each for each in (*others, *snippets())
        if each.language == reference.language and each.name != reference.name and each.code != reference.code
    ]  # fmt: skip
    ranked = sorted(rivals, key=lambda each: hashlib.blake2b(f"{reference.name}/{each.name}".encode()).digest())
    return ranked[0].code if ranked else None


def moved(image: Image.Image) -> Image.Image:
    """Return an image moved by one pixel to the right and down; the first row and column are doubled."""
    changed = image.copy()
    changed.paste(image.crop((0, 0, image.width, image.height - 1)), (0, 1))
    column = changed.copy()
    changed.paste(column.crop((0, 0, image.width - 1, image.height)), (1, 0))
    return changed


def by_reference(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return scored answers by the name of their reference, in the order of the names."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["reference"], []).append(row)
    return dict(sorted(groups.items()))
