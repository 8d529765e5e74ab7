"""SVG: icons, badges, landscapes, patterns and small diagrams."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from data_recipes.engine.words import labels, numbers, palette
from data_recipes.sources._generated import GeneratedSet

SIDE = 240
_NAMESPACE = "http://www.w3.org/2000/svg"


def write(rng: random.Random) -> str:
    """Return an SVG document."""
    width, height = rng.choice(((SIDE, SIDE), (SIDE, SIDE), (320, SIDE), (SIDE, 320)))
    body = rng.choice(KINDS)(rng, width, height)
    ground = rng.choice(("#ffffff", "#ffffff", "#f8f9fa", "#fdf6e3", "#eef4f8"))
    return "\n".join(
        [
            f'<svg xmlns="{_NAMESPACE}" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
            f'  <rect width="{width}" height="{height}" fill="{ground}"/>',
            *(f"  {line}" for line in body),
            "</svg>",
        ]
    )


def _badge(rng: random.Random, width: int, height: int) -> list[str]:
    first, second, third = palette(rng, 3)
    x, y, radius = width // 2, height // 2, rng.randint(60, 95)
    text = rng.choice(("A1", "OK", "7", "GO", "N", "42", "UP", "BE"))
    return [
        f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{first}"/>',
        f'<circle cx="{x}" cy="{y}" r="{radius - rng.randint(8, 20)}" fill="none" stroke="{second}" stroke-width="6"/>',
        f'<text x="{x}" y="{y + 16}" font-family="sans-serif" font-size="48" font-weight="bold" text-anchor="middle" '
        f'fill="{third}">{text}</text>',
    ]


def _shapes(rng: random.Random, width: int, height: int) -> list[str]:
    lines = []
    for colour in rng.choices(palette(rng), k=rng.randint(5, 9)):
        x, y, size = rng.randint(20, width - 70), rng.randint(20, height - 70), rng.randint(24, 70)
        opacity = rng.choice((1, 1, 0.8, 0.6))
        paint = f'fill="{colour}" opacity="{opacity}"'
        lines.append(
            rng.choice(
                (
                    f'<rect x="{x}" y="{y}" width="{size}" height="{size}" rx="{rng.choice((0, 6, 12))}" {paint}/>',
                    f'<circle cx="{x + size // 2}" cy="{y + size // 2}" r="{size // 2}" {paint}/>',
                    f'<polygon points="{x},{y + size} {x + size // 2},{y} {x + size},{y + size}" {paint}/>',
                    f'<ellipse cx="{x + size // 2}" cy="{y + size // 2}" rx="{size // 2}" ry="{size // 3}" {paint}/>',
                )
            )
        )
    return lines


def _landscape(rng: random.Random, width: int, height: int) -> list[str]:
    sky, sun, far, near, ground = palette(rng)
    ridge, left, top = height * 2 // 3, rng.randint(40, width - 40), rng.randint(30, 80)
    peaks = sorted(rng.sample(range(20, width - 20), 3))
    points = " ".join(f"{x},{rng.randint(height // 3, ridge - 20)}" for x in peaks)
    return [
        f'<rect width="{width}" height="{ridge}" fill="{sky}"/>',
        f'<circle cx="{left}" cy="{top}" r="{rng.randint(16, 32)}" fill="{sun}"/>',
        f'<polygon points="0,{ridge} {points} {width},{ridge}" fill="{far}"/>',
        f'<path d="M0 {ridge} Q {width // 3} {ridge - rng.randint(20, 50)} {width} {ridge} Z" fill="{near}"/>',
        f'<rect y="{ridge}" width="{width}" height="{height - ridge}" fill="{ground}"/>',
    ]


def _flower(rng: random.Random, width: int, height: int) -> list[str]:
    petal, heart, stem = palette(rng, 3)
    x, y, count = width // 2, height // 2 - 20, rng.randint(5, 10)
    long, broad = rng.randint(26, 40), rng.randint(10, 18)
    lines = [f'<line x1="{x}" y1="{y}" x2="{x}" y2="{height - 10}" stroke="{stem}" stroke-width="8"/>']
    lines += [
        f'<ellipse cx="{x}" cy="{y - long}" rx="{broad}" ry="{long}" fill="{petal}" '
        f'transform="rotate({360 * index // count} {x} {y})"/>'
        for index in range(count)
    ]
    return [*lines, f'<circle cx="{x}" cy="{y}" r="{rng.randint(12, 22)}" fill="{heart}"/>']


def _stripes(rng: random.Random, width: int, height: int) -> list[str]:
    colours, count = palette(rng), rng.randint(4, 8)
    lines = ["<defs>", '  <linearGradient id="g" x1="0" y1="0" x2="1" y2="1">']
    lines += [f'    <stop offset="0" stop-color="{colours[0]}"/>', f'    <stop offset="1" stop-color="{colours[1]}"/>']
    lines += ["  </linearGradient>", "</defs>"]
    band = (height - 40) // count
    for index in range(count):
        paint = "url(#g)" if index % 2 == 0 else colours[index % 5]
        length = rng.randint(width // 3, width - 40)
        lines.append(
            f'<rect x="20" y="{20 + index * band}" width="{length}" height="{band - 5}" rx="4" fill="{paint}"/>'
        )
    return lines


def _columns(rng: random.Random, width: int, height: int) -> list[str]:
    count, colour = rng.randint(3, 6), palette(rng)[0]
    step, base = (width - 40) // count, height - 40
    lines = [f'<line x1="20" y1="{base}" x2="{width - 20}" y2="{base}" stroke="#333333" stroke-width="2"/>']
    for index, (name, value) in enumerate(zip(labels(rng, count), numbers(rng, count, 20, 95), strict=True)):
        x, tall = 24 + index * step, value * (height - 90) // 100
        lines += [
            f'<rect x="{x}" y="{base - tall}" width="{step - 8}" height="{tall}" fill="{colour}"/>',
            f'<text x="{x + (step - 8) // 2}" y="{base + 18}" font-size="11" font-family="sans-serif" '
            f'text-anchor="middle" fill="#333333">{name}</text>',
        ]
    return lines


def _star(rng: random.Random, width: int, height: int) -> list[str]:
    fill, edge = palette(rng, 2)
    spikes, outer = rng.randint(5, 12), rng.randint(70, 100)
    inner = outer * rng.choice((0.4, 0.5, 0.6))
    points = []
    for index in range(2 * spikes):
        radius, angle = (outer, inner)[index % 2], math.pi * index / spikes - math.pi / 2
        points.append(f"{width / 2 + radius * math.cos(angle):.1f},{height / 2 + radius * math.sin(angle):.1f}")
    return [
        f'<polygon points="{" ".join(points)}" fill="{fill}" stroke="{edge}" stroke-width="{rng.randint(2, 8)}"/>',
        f'<circle cx="{width // 2}" cy="{height // 2}" r="{rng.randint(10, 24)}" fill="{edge}"/>',
    ]


def _nodes(rng: random.Random, width: int, height: int) -> list[str]:
    fill, line = palette(rng, 2)
    names = labels(rng, rng.randint(3, 5))
    places = [
        (
            round(width / 2 + (width / 2 - 45) * math.cos(2 * math.pi * index / len(names))),
            round(height / 2 + (height / 2 - 35) * math.sin(2 * math.pi * index / len(names))),
        )
        for index in range(len(names))
    ]
    lines = [
        f'<line x1="{a[0]}" y1="{a[1]}" x2="{b[0]}" y2="{b[1]}" stroke="{line}" stroke-width="3"/>'
        for a, b in zip(places, places[1:] + places[:1], strict=True)
    ]
    for (x, y), name in zip(places, names, strict=True):
        lines += [
            f'<circle cx="{x}" cy="{y}" r="28" fill="{fill}"/>',
            f'<text x="{x}" y="{y + 4}" font-size="11" font-family="sans-serif" text-anchor="middle" fill="#ffffff">'
            f"{name}</text>",
        ]
    return lines


KINDS: tuple[Callable[[random.Random, int, int], list[str]], ...] = (
    *(_badge, _shapes, _landscape, _flower, _stripes, _columns, _star, _nodes),
)

SOURCE = GeneratedSet("icons", "svg", write)
