"""The languages that answers are written in: their names, fence tags, and how prompts and code show them.

A new language is one entry of ``LANGUAGES``; alignment and the command line find it there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from vincicoder.errors import ConfigError


def _words(alternatives: str) -> re.Pattern[str]:
    """Match whole words; a word boundary would not do, as Chinese text joins Latin words without spaces."""
    return re.compile(rf"(?<![A-Za-z0-9.])(?:{alternatives})(?![A-Za-z])", re.IGNORECASE)


@dataclass(frozen=True)
class Language:
    """A language that a prompt can ask for.

    Attributes:
        name: The name that results carry.
        aliases: Other names, accepted wherever ``name`` is: as an option and as a fence tag.
        named: Matches the language, or a tool that means it, in the instruction of a prompt.
        hinted: Matches what is normally asked for in this language; it counts only if none is named.
        root: Root element of its documents, for markup. It decides about ``borrowed_tags``.
        borrowed_tags: Fence tags of a wider language, which count when the block's root element is ``root``.
        limits: Match where a document of the language begins and where it ends. They find code without a
            fence, and the end of code that has its closing fence on the same line.
    """

    name: str
    aliases: tuple[str, ...]
    named: re.Pattern[str]
    hinted: re.Pattern[str] | None = None
    root: str = ""
    borrowed_tags: tuple[str, ...] = ()
    limits: tuple[re.Pattern[str], re.Pattern[str]] | None = None

    def answers_to(self, name: str) -> bool:
        """Whether ``name`` (lower case) is the name or an alias of the language."""
        return name == self.name or name in self.aliases


LANGUAGES: dict[str, Language] = {
    language.name: language
    for language in (
        Language(
            name="python",
            aliases=("py", "python2", "python3", "py3", "ipython"),
            named=_words(r"python\d*|matplotlib|pyplot|seaborn|plotly|rdkit|numpy|bokeh|altair"),
        ),
        Language(
            name="html",
            aliases=("htm", "html5", "xhtml"),
            named=_words(r"x?html\d*"),
            hinted=_words(r"web[ -]?(?:pages?|sites?)|landing pages?|css\d*|javascript|tailwind|网页|网站|前端"),
            limits=(
                re.compile(r"(?<!`)<(?:!doctype\s+html|html)\b", re.IGNORECASE),
                re.compile(r"</html\s*>", re.IGNORECASE),
            ),
        ),
        Language(
            name="svg",
            aliases=("xml", "svg+xml"),
            named=_words(r"svgs?|scalable vector graphics?"),
            hinted=_words(r"vector (?:graphics?|images?|icons?|drawings?)|矢量图"),
            root="svg",
            borrowed_tags=("xml", "html"),
            limits=(
                re.compile(r"(?<!`)(?:<\?xml\b[^<>]*>\s*)?<svg\b(?!>`)", re.IGNORECASE),
                re.compile(r"</svg\s*>", re.IGNORECASE),
            ),
        ),
        Language(
            name="latex",
            aliases=("tex", "tikz", "pgf", "pgfplots", "ltx"),
            named=_words(r"(?:xe|lua|pdf)?latex|tikz(?:picture)?|tex|pgf(?:plots)?|circuitikz|chemfig"),
            limits=(
                re.compile(r"(?<!`)\\documentclass\b"),
                re.compile(r"\\end\{document\}"),
            ),
        ),
    )
}


def get_language(name: str) -> Language:
    """Return the language called ``name``, which may be an alias and in any case.

    Raises:
        ConfigError: No language has this name.
    """
    wanted = str(name).strip().lower()
    for language in LANGUAGES.values():
        if language.answers_to(wanted):
            return language
    known = ", ".join(f"{each.name} (or {', '.join(each.aliases)})" for each in LANGUAGES.values())
    raise ConfigError(f"language {name!r} is not known; give one of: {known}")


_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)")


def root_element(markup: str) -> str:
    """Return the lower-case local name of the first element of ``markup``, or "" if it begins otherwise.

    Declarations, document types and comments before the element are passed over.
    """
    position = 0
    while True:
        # A document type with declarations of its own ends in "]>", which this passes over too.
        while position < len(markup) and (markup[position].isspace() or markup[position] in "\ufeff]>"):
            position += 1
        for opening, closing in (("<!--", "-->"), ("<?", "?>"), ("<!", ">")):
            if markup.startswith(opening, position):
                end = markup.find(closing, position + len(opening))
                if end < 0:
                    return ""
                position = end + len(closing)
                break
        else:
            element = _ELEMENT.match(markup, position)
            return element[1].lower() if element else ""


_RULED_OUT = -7
"""A weight at or below this means that the instruction says not to use the language."""

# How strongly the words right before a language's name ask for it; the first rule that matches decides.
_FILLER = (
    r"(?:(?:an?|the|me|one|some|only|just|valid|clean|complete|full|single|simple|standalone|self-contained|"
    r"equivalent|corresponding|matching|executable|runnable|compilable|working|plain|pure|modern|semantic|"
    r"responsive|static|new)[\s,]+){0,4}$"
)
_BEFORE: tuple[tuple[int, re.Pattern[str]], ...] = tuple(
    (weight, re.compile(pattern, re.IGNORECASE))
    for weight, pattern in (
        (-9, r"\b(?:not|don'?t|without|instead of|rather than|avoid|never|no)\s+(?:\w+\s+){0,2}" + _FILLER),
        (-9, r"(?:不要|不能|不得|请勿|禁止|而不是|而非)(?:使用|用)?\s*$"),
        (3, r"\b(?:into|to|using|use|via)\s+" + _FILLER),
        (3, r"(?:format|language|格式|语言)\s*(?:[:：=]|is|为|是)\s*$"),
        (3, r"(?:用|利用|借助|通过|转换为|转换成|转化为|转化成|转为|转成|改写为|改写成|翻译为|翻译成)\s*$"),
        (
            2,
            r"\b(?:in|as|write|generate|create|produce|output|return|give|provide|build|make|develop|compose|"
            r"(?:reply|respond|answer) with)\s+" + _FILLER,
        ),
        (2, r"\b(?:reproduce|recreate|redraw|draw|plot|do|make)(?:\s+\w+){0,2}\s+with\s+" + _FILLER),
        (
            2,
            r"(?:生成|编写|写出|写|输出|给出|提供|创建|制作|返回)(?:一个|一段|一份|完整的?|对应的?|相应的?)*\s*$",
        ),
        (
            -1,
            r"\b(?:this|that|these|given|from|of|following|above|below|input|original|provided|attached|inline|"
            r"embed(?:s|ded|ding)?|contain(?:s|ing)|includ(?:es|ing)|convert(?:ing|s)?|translat(?:e|es|ing)|"
            r"transform(?:s|ing)?|turn(?:s|ing)?|recreat(?:e|es|ing)|reproduc(?:e|es|ing)|replicat(?:e|es|ing)|"
            r"render(?:s|ing)?|draw(?:s|ing)?)\s+" + _FILLER,
        ),
        (-1, r"(?:这个|这张|这段|该|此|将|把|从|给定的?|内嵌的?|嵌入的?|包含|含有|绘制)\s*$"),
    )
)
_CODE_FOLLOWS = re.compile(
    r"\s*(?:(?:source )?(?:codes?|scripts?|programs?|markup|snippets?|documents?|files?|pages?)(?![a-z])"
    r"|代码|脚本|程序|源码|源代码|文档|文件|页面)",
    re.IGNORECASE,
)
_LONGEST_INSTRUCTION = 20_000
"""Characters. A longer text holds more than an instruction; its beginning and its end are read."""

_DECORATION = re.compile(r"[*\"“”‘’「」《》()（）\[\]]")


def language_asked_for(instruction: str) -> Language | None:
    """Return the language that an instruction asks its answer in, or None if it speaks of none.

    Where several are named, the words around each name decide ("Python code that draws this SVG icon" asks
    for Python), and among equals the first. Names of things ("web page") count only if no language is named.

    Args:
        instruction: The prompt's own words in English or Chinese, without any code it quotes.
    """
    if len(instruction) > _LONGEST_INSTRUCTION:
        instruction = instruction[: _LONGEST_INSTRUCTION // 2] + " " + instruction[-_LONGEST_INSTRUCTION // 2 :]
    text = _DECORATION.sub(" ", instruction)
    best: tuple[int, int, Language] | None = None
    for language in LANGUAGES.values():
        for mention in language.named.finditer(text):
            before = text[max(0, mention.start() - 80) : mention.start()]
            weight = next((weight for weight, pattern in _BEFORE if pattern.search(before)), 0)
            if _CODE_FOLLOWS.match(text, mention.end()):
                weight += 2
            candidate = (weight, -mention.start(), language)
            if best is None or candidate[:2] > best[:2]:
                best = candidate
    if best and best[0] > _RULED_OUT:
        return best[2]
    hints = [
        (hint.start(), language)
        for language in LANGUAGES.values()
        if language.hinted and (hint := language.hinted.search(text))
    ]
    return min(hints, key=lambda each: each[0])[1] if hints else None
