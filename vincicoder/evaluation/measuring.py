"""What becomes of one sample and the predictions for it: align, render, measure. Runs in a worker process."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vincicoder.alignment import align
from vincicoder.data.answers import looks_like
from vincicoder.endpoint import Endpoint
from vincicoder.errors import MachineFault, TargetError
from vincicoder.evaluation.benchmark import Benchmark, Sample
from vincicoder.evaluation.gold import GoldCache
from vincicoder.evaluation.metrics import METRICS, BadReference, Metric
from vincicoder.evaluation.predictions import Prediction
from vincicoder.images import open_target
from vincicoder.languages import get_language
from vincicoder.rendering import Render
from vincicoder.status import Fault, Status

if TYPE_CHECKING:
    from PIL import Image

Run = Callable[[str, str], Render]
"""Renders code in the sandbox."""

Network = Callable[..., Any]
"""Calls a function with arguments where the weights that it loads are loaded once for all workers."""

_LONGEST_CODE = 20_000  # characters that are kept for reports
_THUMBNAIL = 480
"""Longest side of the images that are kept for reports, in pixels."""


def _called_here(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


@dataclass(frozen=True)
class Plan:
    """How the samples of a benchmark are measured; the same for all of them.

    Attributes:
        benchmark: Its name.
        metrics: Names of the metrics that are measured.
        judge: The endpoint that judges, or None.
        images: Directory for small copies of targets and renders, or None to keep none.
        gold: Directory of what was computed for samples earlier, or None to compute it anew.
        settings: Digest of what renders depend on.
    """

    benchmark: str
    metrics: tuple[str, ...]
    judge: Endpoint | None = None
    images: Path | None = None
    gold: Path | None = None
    settings: str = ""


@dataclass
class Clock:
    """CPU seconds that went into a sample.

    Attributes:
        rendered: In the sandbox.
    """

    rendered: float = 0.0
    _begun: float = field(default_factory=time.process_time)

    def lap(self) -> dict[str, float]:
        """Return the seconds since the last call, in the sandbox and in this process, and start anew."""
        now = time.process_time()
        seconds = {"render": round(self.rendered, 4), "measure": round(now - self._begun, 4)}
        self.rendered, self._begun = 0.0, now
        return seconds


class SampleMeasurer:
    """Measures all predictions for one sample; what the sample itself needs is computed once.

    Args:
        benchmark: What the sample belongs to.
        plan: How it is measured.
        sample: The sample.
        run: Renders code in the sandbox.
        network: Calls functions that load weights; without it they are called here.

    Example:
        >>> measurer = SampleMeasurer(benchmark, Plan("unisvg", ("execution",)), sample, pool.render)  # doctest: +SKIP
        >>> [row["status"] for row in measurer.rows([Prediction("icon-1", "no code")])]  # doctest: +SKIP
        ['no_code']
    """

    def __init__(
        self, benchmark: Benchmark, plan: Plan, sample: Sample, run: Run, network: Network = _called_here
    ) -> None:
        self._benchmark, self._plan, self._sample, self._clock = benchmark, plan, sample, Clock()
        self._run_code, self._network = run, network
        self._renders: dict[tuple[str, str], Render] = {}
        self._metrics = [METRICS.get(name) for name in plan.metrics]

    def rows(self, predictions: Sequence[Prediction]) -> Iterator[dict[str, Any]]:
        """Yield the scores of each prediction; see :mod:`vincicoder.evaluation.scoring` for their keys."""
        try:
            offered, fault = self._gold(), None
        except TargetError as error:
            offered, fault = {}, (Status.BAD_TARGET, str(error))
        except BadReference as error:
            offered, fault = {}, (Status.BAD_REQUEST, str(error))
        except MachineFault as error:
            offered, fault = {}, (Status.INFRASTRUCTURE, str(error))
        gold = self._clock.lap()
        for prediction in predictions:
            self._renders.clear()
            row: dict[str, Any] = {"id": prediction.id, "number": prediction.number, "code": "", "values": None}
            row |= self._measured(prediction, offered) if fault is None else {"status": fault[0], "message": fault[1]}
            row["status"] = row["status"].value
            yield {**row, "cpu_seconds": {**self._clock.lap(), "gold": sum(gold.values())}}
            gold = {}

    def _measured(self, prediction: Prediction, offered: Mapping[str, Any]) -> dict[str, Any]:
        language = self._sample.language
        code, status, message = code_of(prediction.response, language)
        row: dict[str, Any] = {"code": code[:_LONGEST_CODE], "status": status, "message": message}
        render = None
        try:
            if status is Status.OK:
                program = self._benchmark.complete(code)
                render = self._run(program, language)
                row |= {"status": render.status, "message": render.message}
            if render is None or render.image is None:
                return row | {"values": {name: value for each in self._metrics for name, value in each.failed.items()}}
            image = self._finished(render.image)
            self._keep(f"render-{prediction.id}-{prediction.number}", image)
            known = {**offered, "render": image, "code": program}
            return row | {"values": self._values(known)}
        except MachineFault as error:
            return row | {"status": Status.INFRASTRUCTURE, "message": str(error)}

    def _values(self, known: Mapping[str, Any]) -> dict[str, float]:
        values: dict[str, float] = {}
        for metric in self._metrics:
            inputs = {**known, "prepared": known["prepared"].get(metric.name)}
            values |= self._called(metric, "measure", {name: inputs[name] for name in metric.needs})
        return values

    def _gold(self) -> dict[str, Any]:
        """Return what is on offer to metrics that does not depend on the prediction."""
        sample = self._sample
        target = open_target(sample.target)
        self._keep(f"target-{sample.id}", target)
        complete = self._benchmark.complete_reference or self._benchmark.complete
        reference = None if sample.reference is None else complete(sample.reference)
        offered: dict[str, Any] = {
            "target": target,
            "reference": reference,
            "language": sample.language,
            "metadata": sample.metadata,
            "run": self._run,
            "network": self._network,
            "judge": self._plan.judge,
        }
        cache = GoldCache(self._plan.gold, [sample.id, self._plan.benchmark, self._plan.settings, reference, target])
        wanted = {name for metric in self._metrics for name in (*metric.needs, *metric.prepare_needs)}
        if "reference_render" in wanted:
            offered["reference_render"] = cache.get("reference", lambda: self._reference_render(reference))
        offered["prepared"] = {
            metric.name: cache.get(metric.name, functools.partial(self._prepared, metric, offered))
            for metric in self._metrics
            if metric.prepare is not None
        }
        return offered

    def _reference_render(self, reference: str | None) -> Image.Image | None:
        if reference is None:
            return None
        render = self._run(reference, self._sample.language)
        if render.image is None:
            raise BadReference(f"the reference does not render ({render.status.value}): {render.message}")
        return self._finished(render.image)

    def _prepared(self, metric: Metric, offered: Mapping[str, Any]) -> Any:
        return self._called(metric, "prepare", {name: offered[name] for name in metric.prepare_needs})

    def _called(self, metric: Metric, part: str, inputs: Mapping[str, Any]) -> Any:
        """Call a part of a metric; whatever it raises is the machine's fault, never the model's 0."""
        try:
            return getattr(metric, part)(**inputs)
        except (MachineFault, BadReference):
            raise
        except Exception as error:
            raise MachineFault(f"metric {metric.name!r} failed: {type(error).__name__}: {error}") from error

    def _run(self, code: str, language: str) -> Render:
        """Render code; what several metrics ask for of one prediction is rendered once."""
        render = self._renders.get((code, language))
        if render is None:
            render = self._run_code(code, language)
            self._clock.rendered += render.cpu_seconds
            if render.status.fault is Fault.MACHINE:
                raise MachineFault(render.message)
            self._renders[code, language] = render
        return render

    def _finished(self, image: Image.Image) -> Image.Image:
        return image if self._benchmark.finish is None else self._benchmark.finish(image)

    def _keep(self, name: str, image: Image.Image) -> None:
        """Keep a small copy for reports."""
        if self._plan.images is None:
            return
        from PIL import Image as Images

        path = self._plan.images / image_file(name)
        small = image.reduce(max(1, max(image.size) // (2 * _THUMBNAIL)))
        small.thumbnail((_THUMBNAIL, _THUMBNAIL), Images.Resampling.BILINEAR)
        small.save(path, quality=80)


def image_file(name: str) -> str:
    """Return the name of the file that keeps an image, whatever a sample's id holds.

    Example:
        >>> image_file("target-a/b")
        'target-a=2Fb.jpg'
    """
    return re.sub(r"[^\w.-]", lambda match: "=" + match[0].encode().hex().upper(), name)[:200] + ".jpg"


def code_of(response: str, language: str) -> tuple[str, Status, str]:
    """Return the code of a response, what became of it, and why there is none.

    As predictions that were made elsewhere often are the code alone, a text without any fence counts if it looks like
    code of the language.

    Example:
        >>> code_of("<svg></svg>", "svg")[0]
        '<svg></svg>'
    """
    found = align(response, language, require_fence=False)
    if found.code is not None:
        return found.code, Status.OK, ""
    bare = response.strip()
    if found.status is Status.NO_CODE and "```" not in bare and bare and looks_like(bare, get_language(language).name):
        return bare, Status.OK, ""
    return "", found.status, found.message
