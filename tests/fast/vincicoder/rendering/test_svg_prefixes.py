"""Where the prefixes of an SVG document end: behind what is drawn, once nothing that follows can change it."""

from __future__ import annotations

import pytest

from vincicoder.rendering.renderer import thinned
from vincicoder.rendering.svg_prefixes import boundaries


def texts(code: str) -> list[str]:
    """Return the last characters of each prefix, the empty drawing left out."""
    found, _ = boundaries(code)
    assert [each.end for each in found] == sorted({each.end for each in found})
    return [code[: each.end].rpartition("<")[2] for each in found[1:]]


def svg(body: str, attributes: str = "") -> str:
    return f"<svg {attributes}>{body}</svg>"


def test_the_empty_drawing_comes_first():
    [first] = boundaries(svg(""))[0]
    assert (first.end, first.completion) == (len("<svg >"), "</svg>")


def test_each_drawn_element_ends_a_prefix_and_open_groups_are_closed():
    found, elements = boundaries(svg('<g><rect width="1"/><g id="a"><text>b<tspan>c</tspan></text></g></g><use/>'))
    assert [each.completion for each in found[1:]] == ["</g></svg>", "</g></g></svg>", "</svg>"]
    assert elements == 7


def test_what_is_defined_and_not_drawn_ends_none():
    shapes = "<rect/>"
    holders = (
        "defs",
        "symbol",
        "clipPath",
        "mask",
        "pattern",
        "marker",
        "linearGradient",
        "a",
        "switch",
        "foreignObject",
    )
    assert texts(svg("".join(f"<{name}>{shapes}</{name}>" for name in holders))) == []


def test_a_group_that_is_painted_when_it_closes_ends_one_as_a_whole():
    assert texts(svg('<g opacity=".5"><rect/><circle/></g>')) == ["/g>"]
    assert texts(svg("<g style='filter : url(#f)'><rect/></g><line/>")) == ["/g>", "line/>"]
    assert texts(svg("<svg><rect/></svg>")) == ["/svg>"], "a nested document"


def test_a_prefix_waits_for_what_it_refers_to():
    forward = svg('<rect fill="url(#g)"/><circle/><linearGradient id="g"/><line/>')
    assert texts(forward) == ["line/>"]
    backward = svg('<linearGradient id="g"/><rect fill="url(#g)"/><circle/>')
    assert texts(backward) == ['rect fill="url(#g)"/>', "circle/>"]
    nowhere = svg('<rect fill="url(#g)"/>')
    assert texts(nowhere) == ['rect fill="url(#g)"/>']
    used = svg("<use href='#later'/><path id='later'/>")
    assert texts(used) == ["path id='later'/>"]


def test_of_two_definitions_the_last_counts():
    assert texts(svg('<path id="a"/><use href="#a"/><path id="a"/>')) == ['path id="a"/>', 'path id="a"/>']


def test_a_prefix_waits_for_style_sheets():
    assert texts(svg("<rect/><style>rect {fill: red}</style><circle/>")) == ["circle/>"]
    assert texts(svg("<style>rect:last-child {fill: red}</style><rect/><circle/>")) == []


@pytest.mark.parametrize(
    "code",
    [
        svg('<path d="a>b/>" /><!-- <rect/> --><![CDATA[<rect/>]]><?x <rect/>?>'),
        f'<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "-//W3C" "a" [<!ELEMENT g (a)>]>{svg("<path/>")}',
        "<s:svg xmlns:s='http://www.w3.org/2000/svg'><s:path/></s:svg>",
    ],
)
def test_only_tags_are_read_as_tags(code):
    found, elements = boundaries(code)
    assert (len(found), elements) == (2, 2)


@pytest.mark.parametrize("code", ["", "</svg>", "<svg", "<svg></g></svg></svg>", "<svg><g>" * 50, "<" * 1000])
def test_what_is_no_document_has_no_end_beyond_the_code_and_raises_nothing(code):
    found, elements = boundaries(code)
    assert all(0 <= each.end <= len(code) for each in found)
    assert 0 <= elements <= code.count("<")


def test_thinning_is_even_and_keeps_both_ends():
    assert thinned(range(100), 4) == [0, 33, 66, 99]
    assert thinned("abc", 5) == ["a", "b", "c"]
    assert (thinned("abc", 1), thinned("abc", 0)) == (["a"], [])
