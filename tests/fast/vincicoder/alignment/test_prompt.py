"""Which language the instruction of a prompt asks for."""

import pytest

from vincicoder.alignment import align
from vincicoder.alignment.prompt import asked_language, language_asked_for, requested_language

ASKED = [
    ("Please generate the Python matplotlib code that reproduces this chart.", "python"),
    ("Use RDKit to draw the molecule.", "python"),
    ("Redraw the picture with seaborn.", "python"),
    ("Convert this webpage screenshot into HTML", "html"),
    ("Convert this webpage screenshot into code.", "html"),
    ("Build the landing page you see.", "html"),
    ("Generate SVG code for the icon", "svg"),
    ("Trace this logo as a vector graphic.", "svg"),
    ("Write LaTeX/TikZ code", "latex"),
    ("Compile the figure in TeX.", "latex"),
    # The language asked for, not the one spoken about.
    ("Python code that draws this SVG icon", "python"),
    ("Convert this SVG icon to a Python script.", "python"),
    ("Convert SVG code to HTML.", "html"),
    ("Turn the following HTML code into SVG.", "svg"),
    ("Recreate this SVG icon using Python.", "python"),
    ("Given this web page (HTML) screenshot, generate SVG.", "svg"),
    ("Generate an SVG of the matplotlib chart.", "svg"),
    ("Use Python to recreate the HTML page.", "python"),
    ("TikZ figure in LaTeX", "latex"),
    ("HTML page with inline SVG", "html"),
    ("Create an HTML page containing SVG code.", "html"),
    ("Write Python code that saves the chart to output.svg.", "python"),
    ("Here is the LaTeX-rendered diagram. Reproduce it with Python.", "python"),
    ("Here is a page rendered from HTML. Draw this with TikZ.", "latex"),
    ("An HTML document with SVG icons", "html"),
    ("Output format: SVG. The picture was made with matplotlib.", "svg"),
    ("Answer in **SVG**, not in HTML.", "svg"),
    ("Do not use HTML; write LaTeX.", "latex"),
    ("Reproduce the figure in LaTeX instead of Python.", "latex"),
    # Chinese.
    ("请生成Python matplotlib代码来重现这张图表。", "python"),
    ("将此网页截图转换为HTML代码", "html"),
    ("请根据网页截图写代码", "html"),
    ("生成这个图标的SVG代码", "svg"),
    ("用LaTeX/TikZ代码重现该图", "latex"),
    ("用Python绘制这个SVG图标", "python"),
    ("把这个SVG图标转成Python代码", "python"),
    ("将SVG代码转换为HTML", "html"),
    ("使用RDKit画出该分子", "python"),
    ("请编写SVG,不要使用HTML", "svg"),
]


@pytest.mark.parametrize(("instruction", "name"), ASKED)
def test_an_instruction_asks_for_one_language(instruction, name):
    language = language_asked_for(instruction)
    assert language is not None
    assert language.name == name


@pytest.mark.parametrize("instruction", ["", "Reproduce this figure.", "重现这张图。", "Do not use HTML.", "context"])
def test_an_instruction_may_leave_the_language_open(instruction):
    assert language_asked_for(instruction) is None


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("<image>Please generate the Python matplotlib code for this chart.", "python"),
        ("<image>\nConvert this webpage screenshot into HTML.", "html"),
        # Quoted code never decides.
        ("Fix this HTML code.\n```html\n<body><svg>Python and LaTeX</svg></body>\n```", "html"),
        ("Fix the HTML below.\n```\n<svg> SVG code\n```\nMatch the picture.", "html"),
        ("Fix the HTML below, which was cut off.\n```html\n<svg> generate SVG", "html"),
        ("Fix the HTML; the `<svg>` and `python` parts are wrong.", "html"),
        ("Draw the HTML. <svg class='SVG code'> must not appear.", "html"),
        # Where the instruction is silent, the fence tells.
        ("Correct the code so that it matches the image.\n```html\n<p>svg</p>\n```", "html"),
        ("Put your answer between ```svg and ```.", "svg"),
        ("Correct the code.\n```xml\n<svg/>\n```", "svg"),
        ("Correct the code.\n```\n<svg/>\n```", "python"),
        ("First think inside <think> </think> tags, then write TikZ.", "latex"),
        ("Reproduce this.", "python"),
        ("", "python"),
    ],
)
def test_the_prompts_instruction_names_the_language(prompt, name):
    assert requested_language(prompt).name == name
    assert align("", prompt=prompt).language == name


def test_asked_language_is_none_where_the_prompt_does_not_say():
    assert asked_language("Draw this.") is None
    assert asked_language("Write an SVG.").name == "svg"
