"""Tanimoto similarity of the molecules that a program draws to those that it should draw.

Nobody has published which fingerprint ChemDraw's numbers were made with, nor how a program's molecule was read. Ours is
RDKit's Morgan fingerprint of radius 2 in 2,048 bits, of all molecules that reach RDKit's drawing functions. These run
in the model's process, as ChartMimic's hooks do, so what they see can be forged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from vincicoder.evaluation.metrics import BadReference, Metric
from vincicoder.evaluation.metrics._pixel_log import run_hooked
from vincicoder.rendering import Render

_HOOKS = Path(__file__).with_name("_molecule_hooks.py")
_BITS = 2_048


def prepare(reference: str, run: Callable[[str, str], Render]) -> frozenset[int]:
    """Return the bits of the reference's fingerprint."""
    bits = fingerprint(reference, run)
    if not bits:
        raise BadReference("the reference draws no molecule; does the interpreter that runs it have RDKit?")
    return bits


def measure(code: str, run: Callable[[str, str], Render], prepared: frozenset[int]) -> Mapping[str, float]:
    """Return the similarity, and whether the program draws a molecule at all; the former is 0 where it does not."""
    bits = fingerprint(code, run)
    return {"tanimoto": tanimoto(bits, prepared), "valid": float(bool(bits))}


def fingerprint(code: str, run: Callable[[str, str], Render]) -> frozenset[int]:
    """Return the bits of the molecules that a program draws; none where it draws none."""
    report = run_hooked(_HOOKS, code, run)
    bits = report.get("bits") if isinstance(report, dict) else None
    if not isinstance(bits, list) or not all(type(bit) is int and 0 <= bit < _BITS for bit in bits):
        return frozenset()
    return frozenset(bits)


def tanimoto(first: frozenset[int], second: frozenset[int]) -> float:
    """Return the share of bits in either that are in both; 0 if there are none.

    Example:
        >>> tanimoto(frozenset({1, 2, 3}), frozenset({2, 3, 4}))
        0.5
    """
    return len(first & second) / len(first | second) if first | second else 0.0


METRIC = Metric("tanimoto", ("tanimoto", "valid"), measure, {"tanimoto": 0.0, "valid": 0.0}, prepare)
