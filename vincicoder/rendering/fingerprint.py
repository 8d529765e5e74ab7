"""How a machine renders, as digests of every language's sample: fonts, libraries and programs show in the pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from vincicoder.errors import MachineFault
from vincicoder.languages import LANGUAGES
from vincicoder.rendering.pool import RenderPool

_LENGTH = 16  # hexadecimal digits of a digest


def fingerprint(pool: RenderPool, languages: Iterable[str] | None = None) -> dict[str, str]:
    """Return a digest of the render of each language's sample, and ``all`` of them together.

    Machines with the same digest render the sample to the same pixels. A language that cannot be rendered here has "".

    Args:
        pool: What renders.
        languages: Names of those to render; None for all.

    Example:
        >>> with RenderPool(workers=1) as pool:  # doctest: +SKIP
        ...     fingerprint(pool)["svg"]
        '0f3c5d9e8a7b6c5d'
    """
    found = {name: _digest_of(pool, name) for name in sorted(LANGUAGES if languages is None else languages)}
    together = "".join(f"{name}:{digest}\n" for name, digest in found.items())
    return {**found, "all": hashlib.sha256(together.encode()).hexdigest()[:_LENGTH]}


def _digest_of(pool: RenderPool, name: str) -> str:
    try:
        image = pool.render(LANGUAGES.get(name).sample, name).image
    except MachineFault:
        return ""
    if image is None:
        return ""
    image = image.convert("RGB")
    return hashlib.sha256(f"{image.width}x{image.height}\n".encode() + image.tobytes()).hexdigest()[:_LENGTH]
