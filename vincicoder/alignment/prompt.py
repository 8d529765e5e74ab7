"""The language that a prompt asks for."""

from __future__ import annotations

import re

from vincicoder.alignment.fences import read
from vincicoder.languages import DEFAULT, LANGUAGES, Language, find_language, get_language


def requested_language(prompt: str) -> Language:
    """Return the language that a prompt asks for; Python if it does not say.

    Example:
        >>> requested_language("Write SVG code that reproduces this icon.").name
        'svg'
    """
    return asked_language(prompt) or get_language(DEFAULT)


def asked_language(prompt: str) -> Language | None:
    """Return the language that a prompt asks for, by its instruction or else by a fence that it quotes, or None.

    Example:
        >>> asked_language("Write TikZ code for this figure.").name
        'latex'
    """
    page = read(prompt, thinking=False)
    instruction = _INLINE_CODE.sub(" ", "\n".join(page.prose))
    if asked := language_asked_for(_MARKUP.sub(" ", instruction)):
        return asked
    tags = (fence[1].lower() for fence in _FENCE_TAG.finditer(page.text))
    return next((known for tag in tags if (known := find_language(tag))), None)


_INLINE_CODE = re.compile(r"`[^`\n]*`")
_MARKUP = re.compile(r"<[^<>]*>")
_FENCE_TAG = re.compile(r"(?:```|~~~)[ \t]*(\w[\w+#-]*)")

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
        for mention in language.named.finditer(text) if language.named else ():
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
