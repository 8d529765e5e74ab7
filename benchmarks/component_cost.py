"""CPU time of components that look at pixels and facts, for renders of mediocre answers to each reference.

They are called one after the other in this process, on one core, with all that depends on the target prepared, as the
pixel workers have it. Run: ``python benchmarks/component_cost.py [RECORDS ...]``; by default on the snippets.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image

from vincicoder import RenderPool
from vincicoder.fidelity.answers import MEDIOCRE_ANSWERS, target_of
from vincicoder.fidelity.damages import mediocre
from vincicoder.fidelity.references import Reference, read_references
from vincicoder.reward.components import Component, chosen, load_component
from vincicoder.similarity import Similarity, blank_page, load_encoder

_ROBUST = ("stretched", "hog", "text", "values")
_OTHERS = ("ssim", "ems")
_ROUNDS = 3


def main() -> None:
    """Measure, and print a row for each reference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="*", default=["snippets"], help="files of records [snippets]")
    components = [load_component(name, {}) for name in (*_ROBUST, *_OTHERS)]
    found: dict[str, list[float]] = defaultdict(list)
    print(f"{'ms of CPU, medians':28}", *(f"{each.name:>10}" for each in components), f"{'of robust':>10}")
    with RenderPool() as pool:
        for reference in read_references(parser.parse_args().records):
            row: dict[str, list[float]] = defaultdict(list)
            for offered in _inputs(reference, pool):
                spent = {each.name: ms for each in components if (ms := _cost(each, offered)) is not None}
                for name, ms in {**spent, "of robust": sum(spent.get(name, 0.0) for name in _ROBUST)}.items():
                    row[name].append(ms)
                    found[name].append(ms)
            if row:
                print(f"{reference.name:28}", *_cells(row, components))
    print(f"{'all':28}", *_cells(found, components))
    print(f"{'19 of 20 are below':28}", *_cells({name: _most(each) for name, each in found.items()}, components))


def _inputs(reference: Reference, pool: RenderPool) -> Iterator[dict[str, Any]]:
    """Yield what components are offered, for each mediocre answer that renders."""
    target = target_of(reference, pool.render)
    known = pool.render(reference.code, reference.language, facts=True)
    if target is None or known.image is None:
        return
    target, similarity = target.convert("RGB"), Similarity(load_encoder("embedded"))
    for number in range(MEDIOCRE_ANSWERS):
        code = mediocre(reference.code, reference.language, reference.name, number)
        answer = pool.render(code, reference.language, facts=True) if code else None
        if answer is None or answer.image is None:
            continue
        render = answer.image.convert("RGB").resize(target.size, Image.Resampling.BICUBIC)
        pages = (render, blank_page(target))
        compared = similarity.compare([similarity.prepare(target, each, reference.name) for each in pages])
        yield {
            **{"target": target, "reference_facts": known.facts, "reference_size": known.image.size},
            **{"render": render, "facts": answer.facts, "render_size": answer.image.size},
            **dict(zip(("comparison", "blank_comparison"), compared, strict=True)),
        }


def _cost(component: Component, offered: Mapping[str, Any]) -> float | None:
    """Return milliseconds of CPU, the least of some rounds; None where it does not apply."""
    given = dict(offered)
    if component.prepare is not None:
        given["prepared"] = component.prepare(**chosen(component.prepare, given))
    if component.applies is not None and not component.applies(**chosen(component.applies, given)):
        return None
    arguments = chosen(component.measure, given)
    rounds = []
    for _ in range(_ROUNDS):
        before = time.process_time()
        component.measure(**arguments)
        rounds.append(1000 * (time.process_time() - before))
    return min(rounds)


def _most(values: list[float]) -> list[float]:
    return [sorted(values)[int(0.95 * (len(values) - 1))]]


def _cells(row: Mapping[str, list[float]], components: list[Component]) -> Iterator[str]:
    for name in (*(each.name for each in components), "of robust"):
        yield f"{statistics.median(row[name]):10.1f}" if row.get(name) else f"{'–':>10}"


if __name__ == "__main__":
    main()
