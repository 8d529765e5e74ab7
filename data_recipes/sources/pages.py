"""HTML: small pages of a few kinds, each with its CSS in a style element."""

from __future__ import annotations

import random
from collections.abc import Callable

from data_recipes.engine.words import NAMES, PLACES, SENTENCES, SUBJECTS, UNITS, labels, numbers, palette, title
from data_recipes.sources._generated import GeneratedSet

Part = tuple[list[str], list[str]]
"""CSS rules, and elements."""


def write(rng: random.Random) -> str:
    """Return an HTML document."""
    colours = palette(rng)
    font = rng.choice(("sans-serif", "serif", "Arial, sans-serif", "Georgia, serif"))
    rules = [
        f"body {{ margin: 0; font-family: {font}; background: {rng.choice(('#ffffff', '#f5f5f5', '#fafaf5'))}; }}",
        f"header {{ background: {colours[0]}; color: #ffffff; padding: {rng.choice((16, 24, 32))}px; }}",
    ]
    heading = title(rng)
    elements = [f"<header><h1>{heading}</h1><p>{rng.choice(SENTENCES)}</p></header>"]
    for kind in rng.sample(KINDS, rng.randint(1, 3)):
        css, html = kind(rng, colours)
        rules += css
        elements += html
    rules.append(
        f"footer {{ color: {colours[1]}; padding: 12px; text-align: {rng.choice(('left', 'center', 'right'))}; }}"
    )
    elements.append(f"<footer>{rng.choice(PLACES)}, {rng.randint(2001, 2030)}</footer>")
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f"<title>{heading}</title>",
            "<style>",
            *rules,
            "</style>",
            "</head>",
            "<body>",
            *elements,
            "</body>",
            "</html>",
        ]
    )


def _cards(rng: random.Random, colours: list[str]) -> Part:
    count = rng.randint(2, 4)
    rules = [
        f".cards {{ display: flex; gap: {rng.choice((8, 16, 24))}px; padding: 20px; }}",
        f".card {{ flex: 1; background: {colours[2]}; border-radius: {rng.choice((0, 6, 12))}px; padding: 16px; }}",
        f".card h2 {{ color: {colours[0]}; font-size: {rng.randint(18, 24)}px; margin: 0; }}",
    ]
    cards = [
        f'<div class="card"><h2>{rng.choice(PLACES)}</h2><p>{rng.choice(SENTENCES)}</p></div>' for _ in range(count)
    ]
    return rules, ['<div class="cards">', *cards, "</div>"]


def _table(rng: random.Random, colours: list[str]) -> Part:
    count = rng.randint(3, 5)
    rules = [
        f"table {{ border-collapse: collapse; margin: 20px; width: {rng.choice((60, 80, 90))}%; }}",
        f"th {{ background: {colours[1]}; color: #ffffff; padding: 8px; text-align: left; }}",
        f"td {{ border-bottom: {rng.randint(1, 3)}px solid {colours[3]}; padding: 8px; }}",
    ]
    head = "".join(f"<th>{name}</th>" for name in ("Name", *rng.sample(SUBJECTS, 2)))
    rows = [
        f"<tr><td>{name}</td><td>{value} {rng.choice(UNITS)}</td><td>{rng.randint(100, 999)}</td></tr>"
        for name, value in zip(labels(rng, count), numbers(rng, count), strict=True)
    ]
    return rules, ["<table>", f"<tr>{head}</tr>", *rows, "</table>"]


def _bars(rng: random.Random, colours: list[str]) -> Part:
    count = rng.randint(3, 5)
    rules = [
        ".row { display: flex; align-items: center; margin: 6px 20px; }",
        ".row span { width: 90px; }",
        f".bar {{ background: {colours[0]}; height: {rng.choice((14, 20, 26))}px; }}",
    ]
    rows = [
        f'<div class="row"><span>{name}</span><div class="bar" style="width: {6 * value}px"></div></div>'
        for name, value in zip(labels(rng, count), numbers(rng, count), strict=True)
    ]
    return rules, rows


def _form(rng: random.Random, colours: list[str]) -> Part:
    fields = rng.sample(("Name", "E-mail", "City", "Phone", "Date", "Guests"), rng.randint(2, 4))
    width = rng.choice((320, 420, 520))
    rules = [
        f"form {{ margin: 20px; padding: 20px; border: 2px solid {colours[3]}; width: {width}px; }}",
        "label { display: block; margin-top: 8px; }",
        "input { width: 90%; padding: 6px; }",
        f"button {{ background: {colours[4]}; color: #ffffff; border: 0; padding: 10px 24px; margin-top: 14px; }}",
    ]
    lines = [f'<label>{name}</label><input type="text" placeholder="{name}">' for name in fields]
    return rules, ["<form>", *lines, f"<button>{rng.choice(('Send', 'Book', 'Join', 'Order'))}</button>", "</form>"]


def _columns(rng: random.Random, colours: list[str]) -> Part:
    rules = [
        ".split { display: flex; margin: 20px; }",
        f"aside {{ width: {rng.choice((160, 200, 240))}px; background: {colours[3]}; padding: 14px; }}",
        "article { flex: 1; padding: 0 20px; }",
        f"article h2 {{ color: {colours[1]}; }}",
    ]
    entries = "".join(f"<li>{name}</li>" for name in rng.sample(PLACES, rng.randint(3, 6)))
    text = "".join(f"<p>{sentence}</p>" for sentence in rng.sample(SENTENCES, rng.randint(2, 4)))
    html = f"<aside><ul>{entries}</ul></aside><article><h2>{rng.choice(SUBJECTS)}</h2>{text}</article>"
    return rules, [f'<div class="split">{html}</div>']


def _menu(rng: random.Random, colours: list[str]) -> Part:
    rules = [
        f"nav {{ background: {colours[4]}; padding: 12px; }}",
        f"nav a {{ color: #ffffff; margin-right: {rng.choice((14, 24, 34))}px; text-decoration: none; }}",
    ]
    links = "".join(f'<a href="#">{name}</a>' for name in rng.sample(PLACES, rng.randint(3, 6)))
    return rules, [f"<nav>{links}</nav>"]


def _people(rng: random.Random, colours: list[str]) -> Part:
    side = rng.choice((48, 64, 80))
    rules = [
        ".people { display: grid; grid-template-columns: repeat(3, 1fr); gap: 14px; margin: 20px; }",
        f".face {{ width: {side}px; height: {side}px; border-radius: 50%; background: {colours[2]}; }}",
    ]
    people = [f'<div><div class="face"></div><b>{name}</b></div>' for name in rng.sample(NAMES, rng.choice((3, 6)))]
    return rules, ['<div class="people">', *people, "</div>"]


KINDS: tuple[Callable[[random.Random, list[str]], Part], ...] = (_cards, _table, _bars, _form, _columns, _menu, _people)

SOURCE = GeneratedSet("pages", "web", write)
