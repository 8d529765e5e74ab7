"""Requests on their way through the stages. Knows jobs and batching, and no weights.

::

    align ──► render ──► prepare ──► encoder stage ───► inline components ──► done
                             ├─────► pixel stage ────────────────────────────►
                             └─────► endpoint stage ─────────────────────────►

A sample is done when its last component is in; no stage waits for another sample.
"""

from __future__ import annotations

import functools
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vincicoder.alignment import Alignment, align
from vincicoder.errors import ConfigError, TargetError
from vincicoder.guards import is_blank, smuggled_raster
from vincicoder.images import target_key
from vincicoder.rendering import Render
from vincicoder.rendering.pool import RenderPool
from vincicoder.reward.components import Component, chosen, load_component
from vincicoder.reward.inputs import OpenTargets, PerTarget, gather, reference_code
from vincicoder.reward.pixels import PixelWorkers
from vincicoder.reward.presets import options_of
from vincicoder.reward.result import STAGES, RewardRequest
from vincicoder.reward.stages import EncoderStage, EndpointStage
from vincicoder.similarity import Comparison, Similarity, blank_page, fitted
from vincicoder.status import Fault, Status

if TYPE_CHECKING:
    from PIL import Image

    from vincicoder.reward.config import RewardConfig


@dataclass
class Job:
    """One request on its way.

    Attributes:
        index: Its place in the stream.
        request: What was asked.
        alignment: What alignment found.
        done: Called once, when the last component is in.
        seconds: Wall time by stage so far.
        started: When it was taken, by ``time.perf_counter``.
        key: The target's key.
        status: What became of it so far.
        message: Why, when that is not ok.
        render: What rendering returned, or None.
        comparison: What the encoder stage returned, or None.
        scores: Component scores so far; None for one that does not apply.
        error: What the encoder raised; ends the stream.
    """

    index: int
    request: RewardRequest
    alignment: Alignment
    done: Callable[[Job], object]
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    started: float = field(default_factory=time.perf_counter)
    key: str = ""
    status: Status = Status.OK
    message: str = ""
    render: Render | None = None
    comparison: Comparison | None = None
    scores: dict[str, float | None] = field(default_factory=dict)
    error: BaseException | None = None
    left: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, status: Status, message: str) -> None:
        """Note what became of it; the first machine fault wins over what components found."""
        with self.lock:
            if self.status.fault is Fault.NONE:
                self.status, self.message = status, message


class Stages:
    """The stages of a process, shared by all its streams.

    Args:
        config: What the reward was told.
        similarity: What compares.
        pool: What renders.

    Raises:
        ConfigError: A component is unknown, or needs what is not there.
    """

    def __init__(self, config: RewardConfig, similarity: Similarity, pool: RenderPool) -> None:
        self._config = config
        self._similarity = similarity
        self._pool = pool
        self.components = [load_component(name, own) for name, own in options_of(config.scoring).items()]
        needs = {name for component in self.components for name in component.needs}
        if needs & {"target_tokens", "render_tokens"}:
            similarity.require_patch_tokens()
        self._needs_render = "render" in needs
        self._targets = OpenTargets()
        self._per_target = PerTarget()
        threads = getattr(similarity.encoder, "batches_under_way", 1)
        self._encoder = EncoderStage(similarity, config.encoder.batch_tiles, threads)
        self._pixels = PixelWorkers(pool.workers, config.rendering.sandbox.nice)
        self._endpoint = EndpointStage(config.scoring.endpoint_concurrency)

    def close(self) -> None:
        """End every thread and worker."""
        self._encoder.close()
        self._pixels.close()
        self._endpoint.close()

    def begin(self, index: int, request: RewardRequest, done: Callable[[Job], object]) -> Future[Render] | None:
        """Align, apply the guard on the text, and queue the render; ``done`` gets the job when all is measured.

        Returns:
            The render, to be cancelled by who gives up; None where there is nothing to render.
        """
        job = Job(index, request, self._align(request), done)
        job.status, job.message = job.alignment.status, job.alignment.message
        code = job.alignment.code
        try:
            job.key = target_key(request.target)
        except TargetError as error:
            job.status, job.message = Status.BAD_TARGET, str(error)
        if code is not None and job.status is Status.OK and "raster" in self._config.scoring.guards:
            reason = smuggled_raster(code, job.alignment.language)
            if reason is not None:
                job.fail(Status.RASTER, reason)
        job.seconds["align"] = time.perf_counter() - job.started
        if code is None or job.status is not Status.OK:
            self._end(job)
            return None
        future = self._pool.submit(code, job.alignment.language)
        future.add_done_callback(functools.partial(self._guarded, job, self._arrive))
        return future

    def _align(self, request: RewardRequest) -> Alignment:
        try:
            return align(request.response, request.language, request.prompt, self._config.scoring.require_fence)
        except ConfigError as error:  # an unknown language spoils its own request only
            return Alignment(str(request.language), Status.BAD_REQUEST, None, str(error))

    def _guarded(self, job: Job, step: Callable[[Job, Any], None], future: Future[Any]) -> None:
        """Take a step; whatever goes wrong in it is a fault of ours, and the job arrives all the same."""
        try:
            step(job, future)
        except Exception as error:  # noqa: BLE001 - nobody may wait for ever
            job.fail(Status.INFRASTRUCTURE, f"{type(error).__name__}: {error}")
            self._end(job)

    def _arrive(self, job: Job, future: Future[Render]) -> None:
        """Check the render and hand the sample to the stages; runs in the thread that rendered."""
        if future.cancelled():
            job.fail(Status.INFRASTRUCTURE, "the reward was closed before this was rendered")
            self._end(job)
            return
        render = job.render = future.result()
        job.seconds["render"] = render.seconds
        if render.image is None:
            job.fail(render.status, render.message)
            self._end(job)
            return
        started = time.perf_counter()
        try:
            target, blank = self._targets.open(job.key, job.request.target)
        except TargetError as error:
            job.fail(Status.BAD_TARGET, str(error))
            self._end(job)
            return
        if "blank" in self._config.scoring.guards and not blank and is_blank(render.image):
            job.fail(Status.BLANK, "the image is a single colour and the target is not")
            self._end(job)
            return
        prepared = self._similarity.prepare(target, render.image, job.key)
        job.seconds["prepare"] = time.perf_counter() - started
        running = self._applicable(job)
        job.left = 1 + len(running)
        compared = self._encoder.submit(prepared)
        offered = self._offered(job, target, render.image)
        for component in running:
            self._launch(job, component, offered, compared)
        compared.add_done_callback(functools.partial(self._compared, job))

    def _applicable(self, job: Job) -> list[Component]:
        """Return the components that apply to the target, which the response cannot change."""
        running = []
        for component in self.components:
            applies = component.applies is None or self._applies(job, component)
            job.scores[component.name] = 0.0 if applies else None
            if applies:
                running.append(component)
        return running

    def _applies(self, job: Job, component: Component) -> bool:
        def decide() -> Future[bool]:
            target, _ = self._targets.open(job.key, job.request.target)
            offered = {"target": target, "reference": job.request.reference, "language": job.alignment.language}
            decided: Future[bool] = Future()
            assert component.applies is not None
            decided.set_result(bool(component.applies(**chosen(component.applies, offered))))
            return decided

        key = f"{job.key} {job.alignment.language} {job.request.reference}"
        return bool(self._per_target.get(f"applies {component.name}", key, decide).result())

    def _offered(self, job: Job, target: Image.Image, render: Image.Image) -> dict[str, Any]:
        """Return what is at hand for components."""
        request = job.request
        return {
            "target": target,
            "render": fitted(render, target.size) if self._needs_render else None,
            "target_size": target.size,
            "render_size": render.size,
            "code": job.alignment.code,
            "reference": request.reference,
            "facts": job.render.facts if job.render is not None else None,
            "language": job.alignment.language,
            "prompt": request.prompt,
            "response": request.response,
            "metadata": request.metadata,
        }

    def _launch(self, job: Job, component: Component, offered: dict[str, Any], compared: Future[Any]) -> None:
        """Start a component as soon as what it waits for is there."""
        waits = {name: self._awaited(name, job, component, offered, compared) for name in component.needs - set(offered)}
        inputs = {name: offered[name] for name in component.needs if name in offered}

        def start(ready: Future[dict[str, Any]]) -> None:
            try:
                arguments = {**inputs, **ready.result()}
                if component.stage == "pixels":
                    measured: Future[Any] = self._pixels.submit(component, "measure", arguments)
                elif component.stage == "endpoint":
                    measured = self._endpoint.submit(component.measure, arguments)
                else:
                    measured = Future()
                    measured.set_result(component.measure(**arguments))
            except BaseException as error:  # noqa: BLE001 - a machine fault of the sample
                measured = Future()
                measured.set_exception(error)
            measured.add_done_callback(functools.partial(self._measured, job, component))

        gather(waits).add_done_callback(start)

    def _awaited(
        self, name: str, job: Job, component: Component, offered: dict[str, Any], compared: Future[Any]
    ) -> Future[Any]:
        """Return the future of something that is not at hand."""
        target: Image.Image = offered["target"]
        if name == "comparison":
            return _first(compared)
        if name == "render_tokens":
            render = job.render.image if job.render is not None else None
            assert render is not None
            return self._encoder.call(self._similarity.patch_tokens, fitted(render, target.size))
        if name == "target_tokens":
            return self._per_target.get(
                name, job.key, lambda: self._encoder.call(self._similarity.patch_tokens, target)
            )
        if name == "blank_comparison":
            return self._per_target.get(name, job.key, lambda: _first(self._blank_comparison(job.key, target)))
        if name == "reference_facts":
            return self._reference_facts(job)
        return self._prepared(job, component, offered)

    def _blank_comparison(self, key: str, target: Image.Image) -> Future[Any]:
        return self._encoder.submit(self._similarity.prepare(target, blank_page(target), key))

    def _reference_facts(self, job: Job) -> Future[Any]:
        """Return the facts of the reference's render, which is rendered once per group; None without one."""
        reference = job.request.reference
        if not reference:
            nothing: Future[Any] = Future()
            nothing.set_result(None)
            return nothing
        code = reference_code(reference, job.alignment.language)

        def render() -> Future[Any]:
            facts: Future[Any] = Future()
            rendered = self._pool.submit(code, job.alignment.language)
            rendered.add_done_callback(
                lambda done: facts.set_result(None if done.cancelled() else done.result().facts)
            )
            return facts

        return self._per_target.get("reference_facts", f"{job.alignment.language} {code}", render)

    def _prepared(self, job: Job, component: Component, offered: dict[str, Any]) -> Future[Any]:
        """Return what the component's own ``prepare`` makes of the target."""
        assert component.prepare is not None

        def prepare() -> Future[Any]:
            inputs = {name: offered[name] for name in ("target", "reference", "language")}
            made: Future[Any] = Future()

            def submit(facts: Future[Any]) -> None:
                try:
                    work = self._pixels.submit(component, "prepare", {**inputs, "reference_facts": facts.result()})
                    work.add_done_callback(functools.partial(_copy, made))
                except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it
                    made.set_exception(error)

            self._reference_facts(job).add_done_callback(submit)
            return made

        key = f"{job.key} {job.alignment.language} {job.request.reference}"
        return self._per_target.get(f"prepared {component.name}", key, prepare)

    def _compared(self, job: Job, future: Future[tuple[Comparison, float]]) -> None:
        error = future.exception()
        if error is not None:
            job.error = error
        else:
            job.comparison, job.seconds["embed"] = future.result()
        self._part_done(job)

    def _measured(self, job: Job, component: Component, future: Future[Any]) -> None:
        try:
            job.scores[component.name] = _checked(future.result())
        except BaseException as error:  # noqa: BLE001 - a component that fails is a machine fault of the sample
            job.fail(Status.INFRASTRUCTURE, f"component {component.name!r}: {error}")
        self._part_done(job)

    def _part_done(self, job: Job) -> None:
        with job.lock:
            job.left -= 1
            last = job.left == 0
        if last:
            self._end(job)

    def _end(self, job: Job) -> None:
        """Hand the job over, with all of its keys."""
        if len(job.scores) < len(self.components):
            try:
                self._applicable(job) if job.key else job.scores.update(dict.fromkeys(self._names(), 0.0))
            except Exception as error:  # noqa: BLE001 - an unreadable target, or a component that cannot decide
                job.scores.update(dict.fromkeys(self._names(), 0.0))
                job.fail(Status.INFRASTRUCTURE, f"{type(error).__name__}: {error}")
        job.done(job)

    def _names(self) -> list[str]:
        return [component.name for component in self.components]


def _first(pair: Future[Any]) -> Future[Any]:
    """Return a future of the first item of another one's result."""
    item: Future[Any] = Future()

    def arrived(done: Future[Any]) -> None:
        error = done.exception()
        if error is None:
            item.set_result(done.result()[0])
        else:
            item.set_exception(error)

    pair.add_done_callback(arrived)
    return item


def _copy(made: Future[Any], done: Future[Any]) -> None:
    error = done.exception()
    if error is None:
        made.set_result(done.result())
    else:
        made.set_exception(error)


def _checked(score: Any) -> float:
    value = float(score)
    if not 0 <= value <= 1 or math.isnan(value):
        raise ValueError(f"it returned {score!r}; expected a number between 0 and 1")
    return value
