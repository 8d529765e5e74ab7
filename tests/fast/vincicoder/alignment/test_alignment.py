import pytest

from vincicoder.alignment import align, last_block
from vincicoder.errors import ConfigError
from vincicoder.status import Status


def code(response, language="python", **options):
    alignment = align(response, language, **options)
    assert alignment.status is Status.OK, alignment
    assert alignment.aligned
    assert alignment.score == 1.0
    assert alignment.message == ""
    return alignment.code


def failure(response, language="python", **options):
    alignment = align(response, language, **options)
    assert alignment.code is None
    assert not alignment.aligned
    assert alignment.score == 0.0
    assert alignment.message
    return alignment.status


# The requested language


def test_an_explicit_language_outranks_the_prompt():
    assert align("", "tikz", prompt="Write HTML.").language == "latex"


@pytest.mark.parametrize("language", [None, "", "  "])
def test_a_missing_language_and_prompt_mean_python(language):
    assert align("", language).language == "python"


def test_an_unknown_language_is_the_callers_error():
    with pytest.raises(ConfigError, match="cobol"):
        align("```python\nx\n```", "cobol")


# Which block


def test_the_last_closed_block_in_the_language_is_the_answer():
    response = "```python\nfirst\n```\nthen\n```python\nlast\n```\n```bash\npython x.py\n```\n```\nprinted\n```"
    assert code(response) == "last"


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("python", "python"),
        ("Python", "python"),
        ("py", "python"),
        ("python3", "python"),
        ("python title=chart.py", "python"),
        ("python:chart.py", "python"),
        ("{.python #id}", "python"),
        (" python ", "python"),
        ("HTML5", "html"),
        ("tikz", "latex"),
        ("TeX", "latex"),
        ("svg", "svg"),
        ("svg+xml", "svg"),
    ],
)
def test_tags_and_aliases_in_any_case_and_with_information_behind(tag, language):
    assert code(f"```{tag}\nx\n```", language) == "x"


@pytest.mark.parametrize("tag", ["xml", "html", "XML"])
def test_a_wider_tag_counts_for_svg_by_the_root_element(tag):
    svg = "<?xml version='1.0'?>\n<!-- icon -->\n<svg/>"
    assert code(f"```{tag}\n{svg}\n```", "svg") == svg
    assert failure(f"```{tag}\n<rss><svg/></rss>\n```", "svg") is Status.WRONG_LANGUAGE


def test_an_html_block_with_an_svg_root_still_answers_for_html():
    assert code("```html\n<svg/>\n```", "html") == "<svg/>"


@pytest.mark.parametrize("tag", ["", "javascript", "html"])
def test_blocks_in_other_languages_only(tag):
    response = f"```{tag}\nx\n```"
    assert failure(response) is Status.WRONG_LANGUAGE
    message = align(response, "python").message
    assert "Python" in message
    assert (tag or "no tag") in message


def test_a_wrong_language_message_stays_short():
    response = "".join(f"```{'x' * 1000}{i}\ny\n```\n```q{i}\ny\n```\n" for i in range(100))
    assert len(align(response, "python").message) < 200


def test_a_response_without_a_block_has_no_code():
    assert failure("I cannot do that.") is Status.NO_CODE
    assert failure("") is Status.NO_CODE
    assert failure("Use ```python``` or `x`.") is Status.NO_CODE


@pytest.mark.parametrize("body", ["", "\n", "  \n\n"])
def test_an_empty_block_is_no_code(body):
    assert failure(f"```python\n{body}```") is Status.NO_CODE


def test_a_block_that_never_closes_is_truncated():
    assert failure("```python\nx = 1\ny =") is Status.TRUNCATED
    assert failure("```python") is Status.TRUNCATED
    assert failure("```xml\n<svg>", "svg") is Status.TRUNCATED
    assert failure("```css\na {") is Status.WRONG_LANGUAGE


def test_a_cut_off_block_leaves_an_earlier_closed_one_standing():
    assert code("```python\ngood\n```\nOr better:\n```python\ncut o") == "good"


# How fences are read


@pytest.mark.parametrize("fence", ["```", "````", "`" * 12, "~~~", "~~~~"])
def test_fences_of_backticks_and_tildes(fence):
    assert code(f"{fence}python\nx\n{fence}\nend") == "x"


def test_a_closing_fence_is_as_long_as_the_opening_one_and_of_its_kind():
    assert code("````python\na\n```\n~~~~\nb\n`````") == "a\n```\n~~~~\nb"


def test_line_ends_are_normalised():
    assert code("text\r\n```python\r\na\r\nb\r\n```\r\n") == "a\nb"
    assert code("```python\ra\rb\r```") == "a\nb"


def test_an_indented_block_loses_its_indentation():
    assert code("1. Code:\n\n   ```python\n   if x:\n       y\n   ```\n") == "if x:\n    y"
    assert code("\t```python\n\tif x:\n\t\ty\n\t```") == "if x:\n\ty"


def test_code_behind_the_tag_on_one_line():
    assert code("```svg <svg>\n</svg>\n```", "svg") == "<svg>\n</svg>"
    assert code("```html<!DOCTYPE html><html></html>```", "html") == "<!DOCTYPE html><html></html>"
    assert code("```python import this; x = 1```") == "import this; x = 1"
    assert code("```latex\\documentclass{article}\n```", "latex") == "\\documentclass{article}"


def test_a_tagged_fence_may_follow_words():
    assert code("Here is the code: ```python\nx\n```") == "x"
    assert code("<answer>```python\nx\n```</answer>") == "x"
    assert code("- ```python\n  x\n  ```").strip() == "x"


TRICKY = {
    "template literal": ("html", "<script>\nconst a = `x ${y}`;\nconst b = `\n`;\n</script>"),
    "fence in a script's string": ("html", '<script>\nconst f = "```";\nmd("```js\\n" + f);\n</script>'),
    "fence in a Python string": ("python", 's = "```"\nt = """a ``` b"""\nplt.text(0, 0, s)'),
    "fence in a docstring": ("python", 'def f():\n    """Do.\n\n    ```\n    f()\n    ```\n    """\n\n\nf()'),
    "tagged fence in a string": ("python", 't = """\n```js\nx\n```\n"""\nplt.title(t)'),
    "two tagged fences": ("html", "<pre>\n```js\nx\n```\n```css\ny\n```\n</pre>"),
    "fence with text behind": ("html", "<pre>\n``` not a fence\n</pre>"),
    "inline code at a line's end": ("html", "<p>Use `a` or `b`\n</p>"),
    "fence at a line's end": ("python", "x = 1  # as in ```\ny = 2"),
    "tildes": ("latex", "a~b\n~~~\nc"),
    "thinking tags": ("html", "<div>\n<think>\nhm\n</think>\n</div>"),
    "opening thinking tag": ("html", "<p>\n<think>\n</p>"),
}


@pytest.mark.parametrize("name", TRICKY)
def test_backticks_and_tags_inside_the_code_do_not_cut_it(name):
    language, text = TRICKY[name]
    assert code(f"Here:\n\n```{language}\n{text}\n```\n\nDone. `x`", language) == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("html", "<html>\n</html>"),
        ("svg", "<svg>\n</svg>"),
        ("latex", "\\begin{document}\n\\end{document}"),
        ("python", "plt.plot()\nplt.show()"),
    ],
)
@pytest.mark.parametrize("rest", ["", "\n", "  \n\nThat is `it`.", "\n```css\na {}\n```"])
def test_a_closing_fence_at_the_end_of_the_last_line_of_code(language, text, rest):
    assert code(f"```{language}\n{text}```{rest}", language) == text


def test_a_documents_own_end_closes_it_before_an_untagged_block():
    assert code("```html\n<html></html>```\nRun:\n```\nnpm start\n```", "html") == "<html></html>"


def test_a_forgotten_closing_fence_does_not_swallow_the_next_block():
    assert code("```python\ndraft\n\nBetter:\n```python\nfinal\n```") == "final"


@pytest.mark.parametrize("wrapper", ["```", "```markdown", "````md"])
def test_a_block_wrapped_in_a_plain_one_counts(wrapper):
    inner = "```" if wrapper != "````md" else "````"
    assert code(f"{wrapper}\n{inner}python\nx\n{inner}\n{inner}") == "x"


# Thinking


@pytest.mark.parametrize("tag", ["think", "thinking", "THINK"])
def test_a_thinking_section_is_no_answer(tag):
    thought = f"<{tag}>\nMaybe\n```python\ndraft\n```\nor ```python\n</{tag}>\n"
    assert code(thought + "```python\nfinal\n```") == "final"
    assert code(f"  <{tag}>short</{tag}>```python\nfinal\n```") == "final"
    assert failure(thought + "I give up.") is Status.NO_CODE


@pytest.mark.parametrize("draft", ["```python\ndraft\n```", "```python\ndraft", "```\nx\n```", "none"])
def test_thinking_whose_opening_tag_was_in_the_prompt(draft):
    assert code(f"Hm.\n{draft}\nOK.</think>\n\n```python\nfinal\n```") == "final"


def test_thinking_before_the_tag_is_dropped_even_without_an_answer_behind():
    assert failure("```python\ndraft\n```\n</think>\nNo.") is Status.NO_CODE


def test_unclosed_thinking_is_no_answer():
    response = "<think>\n```python\ndraft\n```\n"
    assert failure(response) is Status.NO_CODE
    assert "thinking" in align(response).message


def test_an_answer_before_unclosed_thinking_stands():
    assert code("```python\nx\n```\n<think>\nwas that right?") == "x"


def test_thinking_tags_in_prose_are_words():
    assert code("I left out the `<think>` and `</think>` tags.\n```python\nx\n```\nNo `</think>`.") == "x"


def test_every_thinking_section_is_left_out():
    assert code("<think>a</think>\n<think>b\n```python\nc\n```</think>\n```python\nd\n```") == "d"


# Code without a fence


RAW = [
    ("svg", '<svg width="1">\n<g/></svg>'),
    ("svg", '<?xml version="1.0"?>\n<svg>\n</svg>'),
    ("html", "<!DOCTYPE html>\n<html>\n</html>"),
    ("html", "<html lang='en'></HTML>"),
    ("latex", "\\documentclass{article}\n\\begin{document}\nx\n\\end{document}"),
]


@pytest.mark.parametrize(("language", "text"), RAW)
def test_code_without_a_fence_counts_only_if_allowed(language, text):
    response = f"<think>x</think>\nHere it is: {text}\nDone."
    assert failure(response, language) is Status.NO_CODE
    assert "fence" in align(response, language).message
    assert code(response, language, require_fence=False) == text


@pytest.mark.parametrize(("language", "text"), RAW)
def test_code_without_a_fence_can_be_cut_off(language, text):
    assert failure(text[:-8], language, require_fence=False) is Status.TRUNCATED


def test_python_without_a_fence_is_not_recognised():
    assert failure("import matplotlib", require_fence=False) is Status.NO_CODE


def test_a_fence_outranks_code_without_one():
    assert code("<svg>a</svg>\n```svg\n<svg>b</svg>\n```", "svg", require_fence=False) == "<svg>b</svg>"
    assert failure("<svg>a</svg>\n```css\nb\n```", "svg", require_fence=False) is Status.WRONG_LANGUAGE


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Here:\n```tex\nx\n```\nand\n```svg\n<svg/>\n```", ("svg", "<svg/>")),
        ("```xml\n<svg/>\n```", ("svg", "<svg/>")),
        ("```svg\n<svg/>\n```\n```\nplain\n```", ("svg", "<svg/>")),
        ("```bash\nls\n```", None),
        ("```svg\n<svg/>", None),
        ("<svg/>", None),
        ("", None),
    ],
)
def test_last_block_says_in_which_known_language_a_text_holds_code(text, found):
    block = last_block(text)
    assert (block and (block[0].name, block[1])) == found
