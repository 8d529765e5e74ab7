"""Words, colours and numbers that written code is filled with; all of them are invented or common."""

from __future__ import annotations

import random

PALETTES = (
    ("#264653", "#2a9d8f", "#e9c46a", "#f4a261", "#e76f51"),
    ("#003f5c", "#58508d", "#bc5090", "#ff6361", "#ffa600"),
    ("#1b4332", "#2d6a4f", "#40916c", "#74c69d", "#b7e4c7"),
    ("#03045e", "#0077b6", "#00b4d8", "#90e0ef", "#f77f00"),
    ("#5f0f40", "#9a031e", "#fb8b24", "#e36414", "#0f4c5c"),
    ("#22223b", "#4a4e69", "#9a8c98", "#c9ada7", "#bc6c25"),
    ("#386641", "#6a994e", "#a7c957", "#bc4749", "#33658a"),
    ("#7400b8", "#5e60ce", "#4ea8de", "#56cfe1", "#80ffdb"),
)

GROUPS = (
    ("North", "South", "East", "West", "Centre", "Coast", "Hills"),
    ("Apples", "Pears", "Plums", "Cherries", "Grapes", "Figs", "Quinces"),
    ("Oslo", "Lima", "Quito", "Cairo", "Hanoi", "Perth", "Turin"),
    ("Q1", "Q2", "Q3", "Q4", "Q5", "Q6", "Q7"),
    ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul"),
    ("Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zeta", "Eta"),
    ("Bus", "Tram", "Bike", "Car", "Ferry", "Train", "Walk"),
    ("Oak", "Ash", "Elm", "Pine", "Birch", "Maple", "Cedar"),
)

SUBJECTS = (
    *("Sales", "Rainfall", "Visitors", "Output", "Latency", "Energy use", "Harvest", "Traffic", "Revenue", "Noise"),
    *("Yield", "Footfall", "Bookings", "Snow depth", "Loans", "Pollen", "Downloads", "Water level", "Scores", "Fuel"),
)

PLACES = (
    *("Harbour", "Old Town", "Valley", "Lakeside", "Riverside", "Market", "Station", "Garden", "Museum", "Library"),
    *("Bakery", "Orchard", "Observatory", "Workshop", "Theatre", "Bridge", "Mill", "Meadow", "Quarry", "Lighthouse"),
)

UNITS = ("kg", "mm", "kWh", "ms", "%", "t", "km", "GB", "dB", "people", "EUR", "items")

NAMES = ("Ada", "Ben", "Cleo", "Dara", "Emil", "Fay", "Goro", "Hana", "Ivo", "June", "Kofi", "Lena", "Milo", "Nora")

SENTENCES = (
    "Open every day until dusk.",
    "Fresh figures arrive on Monday.",
    "We mend what others throw away.",
    "A quiet place for slow work.",
    "Numbers are rounded to the nearest ten.",
    "Bring a friend and pay for one.",
    "The next tour starts at the north gate.",
    "Made by hand in small numbers.",
    "Ask at the desk for a map.",
    "Free delivery within the valley.",
)


def palette(rng: random.Random, count: int = 5) -> list[str]:
    """Return up to five colours of one palette, in an order of their own."""
    return rng.sample(rng.choice(PALETTES), count)


def labels(rng: random.Random, count: int) -> list[str]:
    """Return up to seven labels that belong together."""
    group = rng.choice(GROUPS)
    start = rng.randint(0, len(group) - count)
    return list(group[start : start + count])


def numbers(rng: random.Random, count: int, low: int = 5, high: int = 95) -> list[int]:
    """Return whole numbers."""
    return [rng.randint(low, high) for _ in range(count)]


def walk(rng: random.Random, count: int, step: float = 8.0) -> list[float]:
    """Return numbers that each lie near the one before, with one decimal."""
    value, values = rng.uniform(20, 60), []
    for _ in range(count):
        value = max(1.0, value + rng.uniform(-step, step))
        values.append(round(value, 1))
    return values


def title(rng: random.Random) -> str:
    """Return a heading of two to four words."""
    subject, place = rng.choice(SUBJECTS), rng.choice(PLACES)
    return rng.choice((f"{subject} at the {place}", f"{place} {subject}", f"{subject}, {rng.randint(2001, 2030)}"))
