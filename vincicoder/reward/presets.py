"""Presets: named sets of components, their weights, and by what rule these make one score."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Preset:
    """A named set of components.

    Attributes:
        weights: Weight of each component in ``visual``; 0 for one that runs and is logged but does not count.
        floor: None for the weighted arithmetic mean. A number above 0 for the weighted geometric mean, in which a
            lower score counts as this one, so that one score of 0 does not hide all others.
        knees: By component, a knee and an exponent: a score below the knee, and not below the floor, counts as
            ``knee * (score / knee) ** exponent``, so that in the geometric mean its fall below the knee counts so many
            times as much.
        caps: By component, how far its score may be above the mean of the others, those of the code left out; what is
            above is cut off.
        of_code: Components that look at the code alone.
        noise: What ``overall`` changes by, about, when an image is moved by one pixel, with the encoder ``embedded``.
    """

    weights: Mapping[str, float]
    floor: float | None = None
    knees: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    caps: Mapping[str, float] = field(default_factory=dict)
    of_code: Collection[str] = ()
    noise: float = 0.005


DEFAULT_PRESET = "paper"

PRESETS: dict[str, Preset] = {
    DEFAULT_PRESET: Preset({"paper": 1.0}),
    "robust": Preset(
        {
            "paper": 0.0,  # logged
            "stretched": 1.5,
            "hog": 0.7,
            "text": 3.0,
            "values": 1.0,
            "tanimoto": 2.0,
            "length": 1.5,
        },
        floor=0.05,
        knees={"values": (0.3, 5)},  # so few shapes can be there by chance, such as the rectangles of a mosaic
        caps={"text": 0.25},  # text alone is easy to write, in the right places too
        of_code=("length",),
        noise=0.011,
    ),
}
