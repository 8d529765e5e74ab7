"""SVG: icons and other vector graphics, rendered by CairoSVG."""

from __future__ import annotations

import re

from vincicoder.languages import Install, Language, whole_words

LANGUAGE = Language(
    name="svg",
    renderer="vincicoder.rendering.svg:SvgRenderer",
    guard="vincicoder.guards.svg:smuggled",
    sample='<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><circle cx="9" cy="9" r="7"/>'
    '<text y="19" font-size="9">a\u5b57</text></svg>',
    install=Install(("cairosvg", "defusedxml"), ("libcairo2",)),
    title="SVG",
    aliases=("xml", "svg+xml"),
    suffixes=(".svg",),
    named=whole_words(r"svgs?|scalable vector graphics?"),
    hinted=whole_words(r"vector (?:graphics?|images?|icons?|drawings?)|矢量图"),
    root="svg",
    borrowed_tags=("xml", "html"),
    limits=(
        re.compile(r"(?<!`)(?:<\?xml\b[^<>]*>\s*)?<svg\b(?!>`)", re.IGNORECASE),
        re.compile(r"</svg\s*>", re.IGNORECASE),
    ),
    comments=re.compile(r"<!--.*?-->", re.DOTALL),
    domains=("svg",),
)
