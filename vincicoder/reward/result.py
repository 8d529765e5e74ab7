"""A request and what became of it: the values that go into a scorer and come out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image

    from vincicoder.images import TargetLike

STAGES = ("align", "render", "prepare", "embed", "total")
"""The keys of ``RewardResult.seconds``."""

MEASURED = ("coarse", "fine", "alignment", "execution")
"""What is measured of every sample, whichever components run."""

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


class PrefixScore(NamedTuple):
    """What the beginning of a response's code earns.

    Attributes:
        end: Where the beginning ends, in characters of the code.
        overall: Its reward, in [0, 1], were it the whole.
        scores: Its component scores, as in ``RewardResult.scores``.

    Example:
        >>> PrefixScore(120, 0.5, {"coarse": 0.4}).end
        120
    """

    end: int
    overall: float
    scores: Mapping[str, float | None]


@dataclass(frozen=True)
class RewardResult:
    """What a response earned, and why. Every score is in [0, 1], and every result has the same keys.

    Attributes:
        overall: The reward: ``(1 - alignment_weight) * visual + alignment_weight * alignment``.
        visual: The preset's combined visual part; 0 unless ``status`` is ok.
        scores: Coarse, fine, alignment, execution and every component that ran, by name; the paper's own value is
            ``scores["paper"]``. None for a component that does not apply to the target.
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
        note: Why the reference was of no use and was left out, as where it does not render; else empty. The response is
            scored all the same.
        prefixes: What the code earns as it grows, if prefixes are asked for and the status is ok: the empty drawing,
            closed elements or statements, and last the whole, whose reward is ``overall``. The whole alone where the
            language's renderer draws no prefixes.

    Example:
        >>> failed = RewardResult.failed(RewardRequest("", b""), Status.NO_CODE, "there is no code block")
        >>> failed.overall, failed.status.fault.value
        (0.0, 'response')
    """

    overall: float
    visual: float
    scores: Mapping[str, float | None]
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
    note: str = ""
    prefixes: tuple[PrefixScore, ...] = ()
    render_bytes: bytes | None = field(default=None, repr=False)

    @property
    def coarse(self) -> float:
        """Similarity of the thumbnails."""
        return self.scores["coarse"] or 0.0

    @property
    def fine(self) -> float:
        """Mean similarity of the tiles."""
        return self.scores["fine"] or 0.0

    @property
    def alignment(self) -> float:
        """1 when the response answers in the requested language."""
        return self.scores["alignment"] or 0.0

    @property
    def execution(self) -> float:
        """1 when the code gave an image."""
        return self.scores["execution"] or 0.0

    @classmethod
    def failed(
        cls, request: RewardRequest, status: Status, message: str, scores: Mapping[str, float | None] = {}, **known: Any
    ) -> RewardResult:
        """Return the result of a request that was not compared; the only maker of such results.

        Args:
            request: What was asked.
            status: What became of it.
            message: Why.
            scores: Component scores that are known all the same; the others are 0.
            known: Fields that are known all the same, such as ``language``, ``code`` or ``seconds``.
        """
        values: dict[str, Any] = {
            "overall": 0.0,
            "visual": 0.0,
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
        measured = {**dict.fromkeys(MEASURED, 0.0), **scores}
        return cls(status=status, message=message, scores=measured, **values)

    def image(self) -> Image.Image | None:
        """Return the render, decoded from ``render_bytes`` where the result came from another process."""
        if self.render is not None or self.render_bytes is None:
            return self.render
        from vincicoder.images import open_image

        return open_image(self.render_bytes).convert("RGB")

    def packed(self) -> RewardResult:
        """Return the same result with the render as a compressed file, to be sent to another process."""
        if self.render is None:
            return self
        from vincicoder.images import compressed

        return dataclasses.replace(self, render=None, render_bytes=compressed(self.render))

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the render, ready for JSON, always with the same keys."""
        apart = ("scores", "prefixes", "render", "render_bytes")
        fields = [name for name in self.__dataclass_fields__ if name not in apart]
        data: dict[str, Any] = {name: getattr(self, name) for name in (*NAMED_SCORES, *fields)}
        data["status"] = self.status.value
        data["grid"] = list(self.grid) if self.grid else None
        data["tiles"] = [round(value, 6) for value in self.tiles]
        data["seconds"] = {name: round(value, 6) for name, value in self.seconds.items()}
        prefixes = [[each.end, each.overall, dict(each.scores)] for each in self.prefixes]
        return {**data, "scores": dict(self.scores), "prefixes": prefixes}


@dataclass(frozen=True)
class Totals:
    """What a scorer has done since it started.

    Attributes:
        statuses: Results by the value of their status.
        embedded: Targets that were embedded.
        reused: Comparisons whose target was embedded before.
        tiles: Tiles embedded, of targets and of renders.
    """

    statuses: Mapping[str, int]
    embedded: int
    reused: int
    tiles: int
