"""The paper's visual score: cosine similarity of DINOv2 embeddings, coarse to fine."""

from __future__ import annotations

from vincicoder.similarity import Comparison


class Paper:
    """Combine the similarity of the thumbnails (coarse) and the mean over tiles (fine), as arXiv 2511.00391 does.

    Args:
        coarse_weight: Share of coarse, in [0, 1]; None counts the thumbnail as one tile among others.

    Example:
        >>> round(Paper()(Comparison(coarse=0.5, fine=0.8, grid=(2, 1), tiles=(0.7, 0.9))), 6)
        0.7
    """

    def __init__(self, coarse_weight: float | None = None) -> None:
        self._coarse_weight = coarse_weight

    def __call__(self, comparison: Comparison) -> float:
        """Return the combination, in [0, 1]."""
        return comparison.visual(self._coarse_weight)


COMPONENT = Paper
