"""SVG and LaTeX: files, the network, and documents that grow beyond all bounds."""

from __future__ import annotations

from vincicoder.attacks.attack import Attack, Layer, listed
from vincicoder.status import Status


def _svg(body: str, attributes: str = 'viewBox="0 0 99 99"', before: str = "") -> str:
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f"{before}<svg {names} {attributes}>{body}</svg>"


_SVG_FILES = {
    "entity": _svg("<text y='20'>&x;</text>", before='<!DOCTYPE a [<!ENTITY x SYSTEM "file://{SVG}">]>'),
    "parameter-entity": _svg("<text>&x;</text>", before='<!DOCTYPE a [<!ENTITY % p SYSTEM "file://{SVG}"> %p;]>'),
    "external-subset": _svg("<text>a</text>", before='<!DOCTYPE a SYSTEM "file://{SVG}">'),
    "style-sheet": _svg("<rect width='99' height='99'/>", before='<?xml-stylesheet href="file://{HTML}"?>'),
    "image": _svg("<image href='{PNG}' width='99' height='99'/>"),
    "image-url": _svg("<image href='file://{PNG}' width='99' height='99'/>"),
    "image-old": _svg("<image xlink:href='file://{PNG}' width='99' height='99'/>"),
    "image-svg": _svg("<image href='file://{SVG}' width='99' height='99'/>"),
    "image-spaces": _svg("<image href=' &#10;file://{PNG}' width='99' height='99'/>"),
    "image-filter": _svg("<filter id='f'><feImage href='file://{PNG}'/></filter><rect filter='url(#f)' width='99' height='99'/>"),
    "use": _svg("<use href='file://{SVG}#a'/><use href='{SVG}#a'/>"),
    "use-old": _svg("<use xlink:href='file://{SVG}#a'/>"),
    "fill": _svg("<rect fill='url(file://{SVG}#a)' width='99' height='99'/>"),
    "gradient": _svg("<linearGradient id='g' href='file://{SVG}#a'/><rect fill='url(#g)' width='99' height='99'/>"),
    "mask": _svg("<rect mask='url(file://{SVG}#a)' width='99' height='99' fill='white'/>"),
    "style-import": _svg("<style>@import url('file://{HTML}'); rect { fill: url(file://{SVG}#a) }</style><rect width='99' height='99'/>"),
    "foreign-object": _svg("<foreignObject width='99' height='99'><iframe xmlns='http://www.w3.org/1999/xhtml' src='file://{HTML}'/></foreignObject>"),
    "include": _svg("<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='file://{SVG}'/>"),
    "include-text": _svg("<text><xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='file://{FILE}' parse='text'/></text>"),
    "font": _svg("<style>@font-face { font-family: a; src: url(file://{PNG}) }</style><text font-family='a'>a</text>"),
    "nested": _svg(
        "<image width='99' height='99' href=\"data:image/svg+xml,&lt;svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'"
        " xmlns:l='http://www.w3.org/1999/xlink'&gt;&lt;image l:href='file://{PNG}' width='9' height='9'/&gt;&lt;/svg&gt;\"/>"
    ),
    "nested-entity": _svg(
        "<image width='99' height='99' href=\"data:image/svg+xml,&lt;!DOCTYPE a [&lt;!ENTITY x SYSTEM 'file://{SVG}'&gt;]&gt;"
        "&lt;svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'&gt;&amp;x;&lt;/svg&gt;\"/>"
    ),
}  # fmt: skip
_SVG_NETWORK = {
    "network-image": _svg("<image href='http://127.0.0.1:{TCP}/a.png' width='99' height='99'/>"),
    "network-use": _svg("<use xlink:href='http://127.0.0.1:{TCP}/a.svg#a'/>"),
    "network-entity": _svg("<text>&x;</text>", before='<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:{TCP}/x">]>'),
    "network-style": _svg("<style>@import url(http://127.0.0.1:{TCP}/a.css);</style><rect width='9' height='9'/>"),
    "network-nested": _svg(
        "<image width='99' height='99' href=\"data:image/svg+xml,&lt;svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'"
        " xmlns:l='http://www.w3.org/1999/xlink'&gt;&lt;image l:href='http://127.0.0.1:{TCP}/a.png' width='9' height='9'/&gt;&lt;/svg&gt;\"/>"
    ),
}
_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
_USES = "".join(f'<g id="u{n}">{f"<use xlink:href=&quot;#u{n - 1}&quot;/>" * 10}</g>' for n in range(1, 10)).replace(
    "&quot;", "'"
)
_SVG_GROWTH = {
    "laughs": ("grow by entities to a billion words", _svg("&l9;", before=f'<!DOCTYPE a [<!ENTITY l0 "ha">{_LAUGHS}]>')),
    "uses": ("show one shape a billion times", _svg(f"<rect id='u0' width='9' height='9'/>{_USES}")),
    "itself": ("show itself within itself", _svg("<g id='a'><rect width='9' height='9'/><use href='#a'/></g>")),
    "huge": ("be 200,000 pixels square", _svg("<rect width='9' height='9'/>", 'width="200000" height="200000"')),
    "huge-unit": ("be it by a unit", _svg("<rect width='9' height='9'/>", 'width="1e9in" height="1e9in"')),
    "thin": ("be a thousand times as wide as high", _svg("<rect width='9' height='9'/>", 'width="9e9" height="1"')),
    "deep": ("be nested 100,000 deep", _svg("<g>" * 100_000 + "</g>" * 100_000)),
    "patterns": (
        "fill itself with a pattern of patterns",
        _svg(
            "".join(
                f"<pattern id='p{n}' width='.01' height='.01'><rect width='9' height='9' fill='url(#p{n - 1})'/></pattern>"
                for n in range(9)
            )
            + "<rect width='99' height='99' fill='url(#p8)'/>"
        ),
    ),
    "dashes": ("dash a line a billion times", _svg("<path d='M0 0L1e9 1e9' stroke='red' stroke-dasharray='1e-9'/>")),
    "numbers": ("have numbers that are none", _svg("<rect width='1e999' height='nan'/><path d='M1e400 0L-1e400 9'/>")),
}  # fmt: skip

_PREAMBLE = r"\def\tried{ESCA}\def\escaped{\errmessage{\tried PED}}"


def _tex(body: str, preamble: str = r"\usepackage{graphicx,verbatim,listings}") -> str:
    return rf"\documentclass{{article}}{preamble}{_PREAMBLE}\begin{{document}}x{body}\end{{document}}"


_TEX_READS = {
    "input": r"\input{{TEX}}",
    "input-primitive": r"\csname @@input\endcsname {TEX} ",
    "include": r"\include{{TEX}}",
    "verbatim": r"\verbatiminput{{FILE}}",
    "listing": r"\lstinputlisting{{FILE}}",
    "open": r"\openin5={FILE} \ifeof5 \else\escaped\fi",
    "open-guess": r"\IfFileExists{{FILE}}{\escaped}{}",
    "open-quoted": r'\openin5="{FILE}" \ifeof5 \else\escaped\fi',
    "open-relative": r"\openin5=../../../../../../../..{FILE} \ifeof5 \else\escaped\fi",
    "open-own-root": r"\openin5=/proc/self/root{FILE} \ifeof5 \else\escaped\fi",
    "open-users": r"\openin5=/etc/passwd \ifeof5 \else\escaped\fi",
    "open-environment": r"\openin5=/proc/self/environ \ifeof5 \else\escaped\fi",
    "open-pipe": r"\openin5=|id \ifeof5 \else\escaped\fi",
    "input-pipe": r"\input{|cat {FILE}}",
    "dump": r"\edef\x{\pdffiledump offset 0 length 9 {{FILE}}}\ifx\x\empty\else\escaped\fi",
    "size": r"\edef\x{\pdffilesize{{FILE}}}\ifx\x\empty\else\escaped\fi",
    "digest": r"\edef\x{\pdfmdfivesum file {{FILE}}}\ifx\x\empty\else\escaped\fi",
    "image": r"\includegraphics{{PNG}}",
    "image-object": r"\immediate\pdfximage{{PNG}}\pdfrefximage\pdflastximage",
    "lua": r"\directlua{if io.open('{FILE}') then tex.error('\tried PED') end}",
    "font-map": r"\pdfmapfile{{FILE}}",
    "postscript": r"\special{ps: ({FILE}) run}\special{psfile={FILE}}",
}
_TEX_WRITES = {
    "write": r"\immediate\openout5={FILE} \immediate\write5{x}\immediate\closeout5",
    "write-marker": r"\immediate\openout5={MARKER} \immediate\write5{x}\immediate\closeout5",
    "write-relative": r"\immediate\openout5=../../../../../../../..{MARKER} \immediate\write5{x}\immediate\closeout5",
    "write-contents": r"\begin{filecontents*}[overwrite]{{FILE}}x\end{filecontents*}",
    "shell": r"\immediate\write18{touch {MARKER}}",
    "shell-spaced": r'\immediate\write 18 {touch "{MARKER}"}',
    "shell-restricted": r"\immediate\write18{kpsewhich -o {MARKER} article.cls}",
    "output-pipe": r"\immediate\openout5=|touch {MARKER} \immediate\write5{x}\immediate\closeout5",
    "job-name": r"\jobname \immediate\openout5={MARKER}.aux \immediate\closeout5",
}
_TEX_GROWTH = {
    "loop": r"\loop\iftrue\repeat",
    "recursion": r"\def\x{\x}\x",
    "growth": r"\def\x#1{\x{#1#1}}\x{a}",
    "stack": r"\def\x{\x\x}\x",
    "itself": r"\input{figure}",
    "pages": r"\loop x\newpage\iftrue\repeat",
    "output": r"\immediate\openout5=f.tex \def\y{xxxxxxxxxx}\def\z{\y\y\y\y\y\y\y\y\y\y}"
    r"\loop\immediate\write5{\z\z\z\z\z\z\z\z\z\z}\iftrue\repeat",
    "log": r"\loop\message{xxxxxxxxxxxxxxxxxxxx}\iftrue\repeat",
    "files": r"\newcount\n\loop\advance\n1 \immediate\openout5=f\the\n.tex \immediate\closeout5 \iftrue\repeat",
}
_TEX_OVER = (
    Status.TIMEOUT,
    Status.OUT_OF_MEMORY,
    Status.TOO_LARGE,
    Status.SYNTAX_ERROR,
    Status.RUNTIME_ERROR,
    Status.NO_OUTPUT,
)

ATTACKS: tuple[Attack, ...] = (
    *listed(
        "svg",
        (Layer.RENDERER, Layer.LANDLOCK),
        {name: ("show a file of the owner", code) for name, code in _SVG_FILES.items()},
    ),
    *listed(
        "svg",
        (Layer.RENDERER, Layer.SECCOMP),
        {name: ("reach a server of this machine", code) for name, code in _SVG_NETWORK.items()},
    ),
    *listed("svg", (Layer.RENDERER, Layer.WATCH, Layer.LIMITS), _SVG_GROWTH),
    *listed(
        "latex",
        (Layer.RENDERER, Layer.LANDLOCK),
        {f"read-{name}": ("read a file of the owner", _tex(body)) for name, body in _TEX_READS.items()},
        compared=True,
    ),
    *listed(
        "latex",
        (Layer.RENDERER, Layer.LANDLOCK, Layer.SECCOMP),
        {name: ("write or run something", _tex(body)) for name, body in _TEX_WRITES.items()},
    ),
    *listed(
        "latex",
        (Layer.WATCH, Layer.LIMITS, Layer.RENDERER),
        {f"endless-{name}": ("compile for ever", _tex(body, "")) for name, body in _TEX_GROWTH.items()},
        endings=_TEX_OVER,
    ),
    Attack(  # on a busy machine the watch sees its file before the renderer meets the end of it
        "huge-box",
        "latex",
        "make a page of 10^14 pixels",
        _tex(r"\rule{15000pt}{15000pt}", ""),
        (Layer.RENDERER, Layer.WATCH),
    ),
)
