"""A language for tests: its renderer returns a blank image, and sends its code as the image's facts."""

from __future__ import annotations

from typing import Any, ClassVar

from vincicoder.languages import Language
from vincicoder.rendering.facts import Facts, Span
from vincicoder.rendering.renderer import Policy, Rendered, RenderError, Result, Workspace
from vincicoder.status import Status

UNSENDABLE = "a text that is no text"
WANTED = "are facts wanted?"
ASKED_FOR, NOT_ASKED_FOR = (0, 0, 255), (255, 0, 0)
"""Colours of the right half of the image of ``WANTED``, which tell whether facts are asked for."""
UNRENDERABLE = "what the machine fails at"


class _Text(Facts):
    def __init__(self, text: str) -> None:
        super().__init__()
        object.__setattr__(self, "text", text)

    def to_json(self) -> str:
        return self.text  # type: ignore[attr-defined,no-any-return]


class FactsRenderer:
    jobs_per_child: ClassVar[int] = 1

    def policy(self) -> Policy:
        return Policy()

    def preload(self) -> dict[str, Any]:
        from PIL import Image  # noqa: F401

        return {}

    def render(self, code: str, workspace: Workspace, options: dict[str, Any]) -> Result:
        from PIL import Image

        image = Image.new("RGB", (40, 30), "white")
        if code == WANTED:
            image.paste(ASKED_FOR if workspace.facts else NOT_ASKED_FOR, (20, 0, 40, 30))
            return image
        if code == UNSENDABLE:
            return Rendered(image, Facts((Span(object(), (0, 0, 1, 1)),)))  # type: ignore[arg-type]
        return Rendered(image, _Text(code)) if code else image


LANGUAGE = Language(name="facts", renderer=FactsRenderer, sample='{"spans": [], "marks": []}')


class UnreliableRenderer(FactsRenderer):
    """The same, with code that the machine fails at; its word on that is believed, as it may run programs."""

    def policy(self) -> Policy:
        return Policy(processes=True)

    def render(self, code: str, workspace: Workspace, options: dict[str, Any]) -> Result:
        if code == UNRENDERABLE:
            raise RenderError(Status.INFRASTRUCTURE, "no space is left")
        return super().render(code, workspace, options)


UNRELIABLE = Language(name="facts", renderer=UnreliableRenderer, sample='{"spans": [], "marks": []}')
