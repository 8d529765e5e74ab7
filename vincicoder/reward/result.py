"""A request and what became of it: the values that go into a scorer and come out."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image

    from vincicoder.images import TargetLike

STAGES = ("align", "render", "prepare", "embed", "total")
"""The keys of ``RewardResult.seconds``."""

NAMED_SCORES = ("overall", "visual", "coarse", "fine", "alignment", "execution")
"""The scores that every result has under a name of its own."""


@dataclass(frozen=True)
class RewardRequest:
    r"""One response to score.

    Attributes:
        response: The text that the model wrote.
        target: The image to reproduce: path, bytes, PIL image, base64 text, array or ``{"bytes", "path"}``.
        prompt: What the model was asked; decides the language when ``language`` is None.
        language: Name or alias of the requested language, or None.
        id: Anything that the caller wants to see again in the result.
        reference: Known-good code for the target, where the data has it.
        metadata: What else the trainer's row says. ``"uid"`` names the group of responses to one prompt.

    Example:
        >>> RewardRequest("```svg\n<svg/>\n```", "icon.png", language="svg").language
        'svg'
    """

    response: str
    target: TargetLike
    prompt: str | None = None
    language: str | None = None
    id: str | None = None
    reference: str | None = field(default=None, repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class RewardResult:
    """What a response earned, and why. Every score is in [0, 1], and every result has the same keys.

    Attributes:
        overall: The reward: ``(1 - alignment_weight) * visual + alignment_weight * alignment``.
        visual: The preset's combined visual part; 0 unless ``status`` is ok.
        coarse: Similarity of the thumbnails.
        fine: Mean similarity of the tiles.
        alignment: 1 when the response answers in the requested language.
        execution: 1 when the code gave an image.
        scores: Every component that ran, by name; the paper's own value is ``scores["paper"]``.
        status: What became of the request.
        message: Why, when the status is not ok.
        language: The requested language.
        code: The code that was judged, or None.
        render: The image that the code gave, or None.
        render_bytes: The render as a compressed file (WebP or PNG), or None unless results are asked to keep it.
        grid: Columns and rows of tiles, or None.
        tiles: Similarity of each tile, row by row; empty without a comparison.
        encoder: Name of the encoder that compared.
        preset: Name of the preset that scored.
        seconds: Wall time by stage: align, render, prepare (resize and tile), embed (this request's share of its
            batch), and total from submission to result.
        id: The request's id.

    Example:
        >>> failed = RewardResult.failed(RewardRequest("", b""), Status.NO_CODE, "there is no code block")
        >>> failed.overall, failed.status.fault.value
        (0.0, 'response')
    """

    overall: float
    visual: float
    coarse: float
    fine: float
    alignment: float
    execution: float
    status: Status
    message: str
    language: str
    code: str | None
    render: Image.Image | None = field(repr=False)
    grid: tuple[int, int] | None
    tiles: tuple[float, ...]
    encoder: str
    preset: str
    seconds: dict[str, float]
    id: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    render_bytes: bytes | None = field(default=None, repr=False)

    @classmethod
    def failed(cls, request: RewardRequest, status: Status, message: str, **known: Any) -> RewardResult:
        """Return the result of a request that was not compared; the only maker of such results.

        Args:
            request: What was asked.
            status: What became of it.
            message: Why.
            known: Fields that are known all the same, such as ``language``, ``code`` or ``seconds``.
        """
        values: dict[str, Any] = {
            **dict.fromkeys(NAMED_SCORES, 0.0),
            "language": request.language or "",
            "code": None,
            "render": None,
            "grid": None,
            "tiles": (),
            "encoder": "",
            "preset": "",
            "seconds": dict.fromkeys(STAGES, 0.0),
            "id": request.id,
            **known,
        }
        return cls(status=status, message=message, **values)

    def image(self) -> Image.Image | None:
        """Return the render, decoded from ``render_bytes`` where the result came from another process."""
        if self.render is not None or self.render_bytes is None:
            return self.render
        from PIL import Image

        return Image.open(io.BytesIO(self.render_bytes)).convert("RGB")

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the render, ready for JSON, always with the same keys."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__ if not name.startswith("render")}
        data["status"] = self.status.value
        data["grid"] = list(self.grid) if self.grid else None
        data["tiles"] = [round(value, 6) for value in self.tiles]
        data["seconds"] = {name: round(value, 6) for name, value in self.seconds.items()}
        data["scores"] = dict(self.scores)
        return data


@dataclass(frozen=True)
class Totals:
    """What a scorer has done since it started.

    Attributes:
        statuses: Results by the value of their status.
        embedded: Targets that were embedded.
        reused: Comparisons whose target was embedded before.
        tiles: Tiles embedded, of targets and of renders.
        nodes: Machines that can score.
    """

    statuses: Mapping[str, int]
    embedded: int
    reused: int
    tiles: int
    nodes: int = 1
