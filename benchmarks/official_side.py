"""The official implementations, called by ``official_metrics.py`` under an interpreter that has what they import.

It reads one JSON request a line and answers with one line each. Where an official function would take a screenshot, it
asks its caller for one instead, so that both sides see the same pixels: ``{"page": FILE, "image": FILE}``, answered by
an empty line. Only what says so below is changed.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import re
import runpy
import sys
import tempfile
import types
from pathlib import Path
from typing import Any


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # the official code prints
    for line in sys.stdin:
        request = json.loads(line)
        answer = KINDS[request.pop("kind")](**request)
        print(json.dumps(answer), file=answers, flush=True)


def ems(checkout: str, first: str, second: str) -> dict[str, float]:
    """HELM's ``emd_utils`` and the lines of ``AnnotatedImageMetrics.ems`` that use it, without its cache."""
    import numpy as np
    from PIL import Image

    emd = _emd_utils(checkout)
    images = [Image.open(path).convert("RGB") for path in (first, second)]
    colour, _ = emd.get_most_frequent_color(np.array(images[1]))
    constant = Image.new("RGB", images[1].size, (255,) * 3 if emd.to_gray(colour)[0] < 127 else (0,) * 3)
    return {"ems": 1.0 - emd.compute_emd_recursive(*images) / emd.compute_emd_recursive(constant, images[1])}


@functools.cache
def _emd_utils(checkout: str) -> Any:
    sys.modules["helm.common.optional_dependencies"] = types.SimpleNamespace(handle_module_not_found_error=None)  # type: ignore[assignment]
    sys.path.insert(0, f"{checkout}/src/helm/benchmark/metrics/vision_language")
    return importlib.import_module("emd_utils")


def ssim(checkout: str, first: str, second: str) -> dict[str, float]:
    """UniSVG's evaluation calls scikit-image like this."""
    import numpy as np
    from PIL import Image
    from skimage.metrics import structural_similarity

    one, other = (np.array(Image.open(path).convert("RGB")) for path in (first, second))
    side = min(*one.shape[:2], *other.shape[:2])
    window = min(7, side // 2 * 2 + 1)
    return {"ssim": float(structural_similarity(one, other, win_size=window, channel_axis=2))}


def chartmimic(checkout: str, prediction: str, reference: str, name: str, colours: bool) -> dict[str, float]:
    """ChartMimic's four evaluators.

    Changed: colours are sorted where they come out of a set, in an order that depends on the hash seed, and the
    permutations are not spread over processes.
    """
    evaluators = _evaluators(checkout)
    scores = {}
    with tempfile.TemporaryDirectory() as directory:
        files = []
        for side, code in (("made", prediction), ("gold", reference)):
            path = Path(directory) / side / f"{name}.py"
            path.parent.mkdir()
            path.write_text(code)
            files.append(str(path))
        for part, (evaluator, log) in evaluators.items():
            if part == "colour" and not colours:
                continue
            evaluator.metrics = dict.fromkeys(("precision", "recall", "f1"), 0)
            evaluator.golden_code_file = files[1]
            logs = [
                _logged(checkout, part, code, path, getattr(evaluator, log))
                for code, path in zip((prediction, reference), files, strict=True)
            ]
            try:
                evaluator._calculate_metrics(*logs)
            except ZeroDivisionError:  # a chart without colours ends the official run
                continue
            scores[part] = float(evaluator.metrics["f1"])
    return scores


_logs: dict[Any, Any] = {}


def _logged(checkout: str, part: str, code: str, path: str, log: Any) -> Any:
    key = part, code, "graph" in Path(path).name
    if key not in _logs:
        _logs[key] = log(path)
    return json.loads(json.dumps(_logs[key])) if isinstance(_logs[key], dict) else list(_logs[key])


class _Serial:
    """Stands in for a pool of processes."""

    def __init__(self, processes: int) -> None: ...

    def __enter__(self) -> _Serial:
        return self

    def __exit__(self, *_: Any) -> None: ...

    map = staticmethod(map)


@functools.cache
def _evaluators(checkout: str) -> dict[str, Any]:
    os.environ["PROJECT_PATH"] = checkout
    sys.path[:0] = [checkout, f"{checkout}/chart2code"]
    here = "chart2code.utils.evaluator"
    text = importlib.import_module(f"{here}.text_evaluator").TextEvaluator(use_position=False, use_axs=False)
    layout = importlib.import_module(f"{here}.layout_evaluator").LayoutEvaluator()
    kind = importlib.import_module(f"{here}.chart_type_evaluator").ChartTypeEvaluator()
    module = importlib.import_module(f"{here}.color_evaluator")
    module.Pool = _Serial
    colour = module.ColorEvaluator()
    prefix, suffix = colour._get_prefix, colour._get_suffix
    colour._get_prefix = lambda: prefix().replace("list(set(", "sorted(set(")
    colour._get_suffix = lambda file: suffix(file).replace("list(set(", "sorted(set(")
    os.system = _in_a_fork
    return {
        "text": (text, "_log_texts"),
        "layout": (layout, "_log_layouts"),
        "type": (kind, "_get_chart_types"),
        "colour": (colour, "_log_colors"),
    }


def _in_a_fork(command: str) -> int:
    """Run ``python3 FILE``: in a fork that has the libraries loaded, which is quicker and else the same."""
    import matplotlib.pyplot  # noqa: F401
    import networkx  # noqa: F401

    path = command.split(maxsplit=1)[1]
    process = os.fork()
    if process == 0:
        os.chdir(Path(path).parent)
        sys.path.insert(0, str(Path(path).parent))
        os.environ["MPLBACKEND"] = "Agg"
        code = 1
        try:
            runpy.run_path(path, run_name="__main__")
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(process, 0)[1]


def design2code(checkout: str, pages: list[str], reference: str) -> list[dict[str, float]]:
    """Design2Code's ``visual_eval_v3_multi``.

    Changed: two of its lines are indented so that the file can be read at all, likenesses of texts are remembered,
    pixels are compared by NumPy and not one by one, CLIP is left out, and screenshots are the caller's.
    """
    module = _visual_score(checkout)
    with tempfile.TemporaryDirectory() as directory:
        files = []
        for index, page in enumerate([reference, *pages]):
            path = Path(directory) / f"{index}.html"
            path.write_text(page)
            files.append(str(path))
        results = module.visual_eval_v3_multi([files[1:], files[0]])
    return [
        dict(zip(("block", "text", "position", "colour"), map(float, scores[:4]), strict=True))
        for _, _, scores in results
    ]


@functools.cache
def _visual_score(checkout: str) -> Any:
    for name in ("torch", "clip", "sklearn", "sklearn.metrics", "sklearn.metrics.pairwise"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torch"].cuda = types.SimpleNamespace(is_available=lambda: False)  # type: ignore[attr-defined]
    sys.modules["clip"].load = lambda *_, **__: (None, None)  # type: ignore[attr-defined]
    sys.modules["sklearn.metrics.pairwise"].cosine_similarity = None  # type: ignore[attr-defined]
    sys.path.insert(0, checkout)
    path = Path(checkout) / "Design2Code/metrics/visual_score.py"
    source = re.sub(
        r"(?m)^ +(if len\(predict_blocks\) == 0:|elif len\(original_blocks\) == 0:)$", r"        \1", path.read_text()
    )
    module = types.ModuleType("visual_score")
    exec(compile(source, str(path), "exec"), module.__dict__)
    module.calculate_clip_similarity_with_blocks = lambda *_: 0.0  # type: ignore[attr-defined]
    ratio = functools.cache(lambda first, second: module.SequenceMatcher(None, first, second).ratio())
    module.calculate_similarity = lambda a, b, max_distance=0: ratio(a["text"], b["text"])  # type: ignore[attr-defined]
    module.get_blocks_ocr_free.__globals__["find_different_pixels"] = _different_pixels  # type: ignore[attr-defined]
    os.system = _screenshot
    return module


def _different_pixels(first: str, second: str) -> Any:
    import numpy as np
    from PIL import Image

    one, other = (np.asarray(Image.open(path).convert("RGB")).astype(int) for path in (first, second))
    if one.shape != other.shape:
        return None
    moved = (np.abs((one + 50) % 256 - other) <= 8).all(axis=2)
    found = np.argwhere(moved.T)[:, ::-1]
    return np.ascontiguousarray(found) if len(found) else None


def _screenshot(command: str) -> int:
    asked = re.search(r"--html (\S+) --png (\S+)", command)
    if asked is None:
        return 0  # it removes files of a directory that goes anyway
    print(json.dumps({"page": asked[1], "image": asked[2]}), file=sys.__stdout__, flush=True)
    sys.stdin.readline()
    return 0


KINDS = {"ems": ems, "ssim": ssim, "chartmimic": chartmimic, "design2code": design2code}

if __name__ == "__main__":
    main()
