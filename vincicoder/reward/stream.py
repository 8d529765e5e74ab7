"""Requests on their way through the stages. Knows jobs and batching, and no weights.

::

    align ──► render ──► prepare ──┬──► encoder stage ──┬──► done, when the last component is in
                                   ├──► pixel stage ────┤
                                   └──► endpoint stage ─┘

No stage waits for another sample.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from vincicoder.alignment import Alignment, align
from vincicoder.errors import ConfigError, TargetError
from vincicoder.guards import decoded_raster, is_blank, smuggled_raster
from vincicoder.images import target_key
from vincicoder.rendering import Render
from vincicoder.rendering.pool import RenderPool
from vincicoder.reward.inputs import OpenTargets
from vincicoder.reward.job import Job
from vincicoder.reward.measuring import Measuring
from vincicoder.reward.result import RewardRequest
from vincicoder.reward.stages import EncoderStage
from vincicoder.similarity import Comparison, Similarity
from vincicoder.status import Status

if TYPE_CHECKING:
    from PIL import Image

    from vincicoder.reward.components import Component
    from vincicoder.reward.config import RewardConfig


class Pipeline:
    """The stages of a process, shared by all its streams. Thread-safe.

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
        self._targets = OpenTargets()
        threads = getattr(similarity.encoder, "batches_under_way", 1)
        self._encoder = EncoderStage(similarity, config.encoder.batch_tiles, threads)
        self._measuring = Measuring(config, similarity, pool, self._encoder, self._targets, self._part_done)

    def close(self) -> None:
        """End every thread and worker."""
        self._encoder.close()
        self._measuring.close()

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
        future = self._measuring.render(job, code)
        future.add_done_callback(functools.partial(self._guarded, job, self._arrive))
        return future

    def _align(self, request: RewardRequest) -> Alignment:
        try:
            return align(request.response, request.language, request.prompt, self._config.scoring.require_fence)
        except ConfigError as error:  # an unknown language spoils its own request only
            return Alignment(str(request.language), Status.BAD_REQUEST, None, str(error))

    def _guarded(self, job: Job, step: Callable[[Job, Any], None], known: Any) -> None:
        """Take a step; whatever goes wrong in it is a fault of ours, and the job arrives all the same."""
        try:
            step(job, known)
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
        if "raster" in self._config.scoring.guards and (reason := decoded_raster(job.alignment.code or "", render)):
            job.fail(Status.RASTER, reason)
            self._end(job)
            return
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
        self._compare(job, target)

    def _compare(self, job: Job, target: Image.Image) -> None:
        """Hand a job whose image passed the guards to the stages."""
        started = time.perf_counter()
        # What is cut elsewhere is sent as it was rendered, which is often smaller.
        image = job.rendered if self._similarity.cuts_elsewhere else job.fitted(target.size)
        prepared = self._similarity.prepare(target, image, job.key)
        job.seconds["prepare"] = time.perf_counter() - started
        job.compared = self._encoder.submit(prepared)
        measure = functools.partial(self._measure, target)
        self._measuring.applicable(job).add_done_callback(functools.partial(self._guarded, job, measure))

    def _measure(self, target: Image.Image, job: Job, applicable: Future[list[Component]]) -> None:
        """Start the components that apply, as far as what they wait for is there."""
        running = applicable.result()
        prefixes = self._prefixes(job)
        job.left = 1 + len(running) + len(prefixes)
        self._measuring.start(job, target, running)
        job.compared.add_done_callback(functools.partial(self._compared, job))
        for prefix in prefixes:
            self._guarded(prefix, self._compare, target)

    def _prefixes(self, job: Job) -> list[Job]:
        """Return a job for each prefix of a job's code. No guard looks at them: every drawing begins with nothing."""
        render, code = job.render, job.alignment.code
        assert render is not None and code is not None
        jobs = []
        for end, image in render.prefixes:
            alignment = dataclasses.replace(job.alignment, code=code[:end])
            done = functools.partial(self._prefix_done, job, end)
            drawn = Render(Status.OK, image, facts=render.facts)
            jobs.append(Job(job.index, job.request, alignment, done, key=job.key, render=drawn))
        job.render = dataclasses.replace(render, prefixes=())  # each is let go when it is measured
        return jobs

    def _prefix_done(self, job: Job, end: int, prefix: Job) -> None:
        """Take over what was measured of a prefix. If the machine failed at it, it failed at the job."""
        if prefix.error is not None:
            job.error = prefix.error
        elif prefix.status is not Status.OK:
            job.fail(prefix.status, f"prefix of {end} characters: {prefix.message}")
        else:
            job.prefixes[end] = prefix.measured()
        self._part_done(job)

    def _compared(self, job: Job, future: Future[tuple[Comparison, float]]) -> None:
        error = future.exception()
        if error is not None:
            job.error = error
        else:
            job.comparison, job.seconds["embed"] = future.result()
        self._part_done(job)

    def _part_done(self, job: Job) -> None:
        with job.lock:
            job.left -= 1
            last = job.left == 0
        if last:
            self._end(job)

    def _end(self, job: Job) -> None:
        """Hand the job over, with a score for every component."""
        if job.scores or not job.key:
            self._hand_over(job)
        else:
            self._measuring.applicable(job).add_done_callback(functools.partial(self._decided, job))

    def _decided(self, job: Job, applicable: Future[list[Component]]) -> None:
        error = applicable.exception()
        if error is not None:  # an unreadable target, or a component that cannot decide
            job.fail(Status.INFRASTRUCTURE, f"{type(error).__name__}: {error}")
        self._hand_over(job)

    def _hand_over(self, job: Job) -> None:
        job.scores = {**dict.fromkeys(self._measuring.names, 0.0), **job.scores}
        job.compared = Future()  # which has called what holds the job: with its images it would wait for the collector
        job.done(job)
