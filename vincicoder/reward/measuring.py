"""Components at work on one sample: each starts as soon as what it needs is there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from vincicoder.errors import MachineFault
from vincicoder.languages import LANGUAGES
from vincicoder.rendering.pool import RenderPool
from vincicoder.reward.combine import options_of
from vincicoder.reward.components import (
    OF_REFERENCE,
    Component,
    asked_for,
    checked_score,
    chosen,
    load_component,
)
from vincicoder.reward.inputs import (
    OpenTargets,
    PerTarget,
    chained,
    copied,
    failed,
    finished,
    gather,
    settled,
)
from vincicoder.reward.pixels import PixelWorkers
from vincicoder.reward.references import fault_of
from vincicoder.reward.stages import EncoderStage, EndpointStage
from vincicoder.similarity import Similarity
from vincicoder.status import Fault, Status

if TYPE_CHECKING:
    from PIL import Image

    from vincicoder.rendering import Render
    from vincicoder.reward.config import RewardConfig
    from vincicoder.reward.job import Job

_WITH_PREFIXES = 3.0
"""Times the CPU time of a render that drawing its prefixes as well may take."""


class Measuring:
    """The components of a reward, and the stages that they run in. Shared by all streams of a process.

    Attributes:
        names: Names of the components that run.
        needs_facts: Whether any of them asks for the facts of the render.

    Args:
        config: What the reward was told.
        similarity: What compares.
        pool: What renders references.
        encoder: The encoder stage.
        targets: Where targets are opened.
        part_done: Called after each component, with its score or its failure in the job.

    Raises:
        ConfigError: A component is unknown, or needs what is not there.
    """

    def __init__(
        self,
        config: RewardConfig,
        similarity: Similarity,
        pool: RenderPool,
        encoder: EncoderStage,
        targets: OpenTargets,
        part_done: Callable[[Job], None],
    ) -> None:
        self._similarity = similarity
        self._pool = pool
        self._encoder = encoder
        self._targets = targets
        self._part_done = part_done
        self._scoring = config.scoring
        self._components = [load_component(name, own) for name, own in options_of(config.scoring).items()]
        self.names = tuple(component.name for component in self._components)
        needs = {name for component in self._components for name in component.needs}
        if needs & {"target_tokens", "render_tokens"}:
            similarity.require_patch_tokens()
        self._needs_render = "render" in needs
        self._needs_reference = any(_asks_for_reference(component) for component in self._components)
        self.needs_facts = "facts" in needs
        self._per_target = PerTarget()
        self._pixels = PixelWorkers(pool.workers, config.rendering.sandbox.nice)
        self._endpoint = EndpointStage(config.scoring.endpoint_concurrency)

    def close(self) -> None:
        """End every worker."""
        self._pixels.close()
        self._endpoint.close()

    def applicable(self, job: Job) -> Future[list[Component]]:
        """Return the components that apply to the target, which the response cannot change; note it in the scores."""

        def decide(reason: str) -> Future[dict[str, bool]]:
            job.note = reason
            return gather(
                {each.name: self._applies(job, each) for each in self._components if each.applies is not None}
            )

        def note(applies: dict[str, bool]) -> list[Component]:
            running = [each for each in self._components if applies.get(each.name, True)]
            job.scores = {**dict.fromkeys(self.names), **{each.name: 0.0 for each in running}}
            return running

        return copied(chained(self._reference_fault(job), decide), note)

    def _reference_fault(self, job: Job) -> Future[str]:
        """Return why the reference is of no use; empty where it can be used, or where nobody asks for its render."""
        if not self._needs_reference or job.reference is None or job.alignment.language not in LANGUAGES:
            return finished("")

        def judge() -> Future[str]:
            target, _ = self._targets.open(job.key, job.request.target)
            return copied(self._reference_render(job), lambda render: fault_of(render, target))

        return self._per_target.get("reference fault", _data_key(job), judge)

    def render(self, job: Job, code: str) -> Future[Render]:
        """Queue the render of a response; where its reference limits its CPU time, behind that one's render."""
        prefixes = max(0, self._scoring.prefixes - 1)  # the last one is the whole
        options: dict[str, Any] = {"facts": self.needs_facts, "prefixes": prefixes}
        submit = functools.partial(self._pool.submit, code, job.alignment.language, **options)
        if self._scoring.cpu_factor is None or job.reference is None:
            return submit()
        limit = self._cpu_limit(job, self._scoring.cpu_factor * (_WITH_PREFIXES if prefixes else 1))
        return chained(limit, lambda seconds: submit(cpu_seconds=seconds))

    def _cpu_limit(self, job: Job, factor: float) -> Future[float | None]:
        """Return the CPU seconds that a response may use; None where the reference does not say."""
        code, language = job.reference, job.alignment.language
        assert code is not None

        def limit(render: Render) -> float | None:
            return max(self._scoring.cpu_floor, factor * render.cpu_seconds) if render.ok else None

        def measure() -> Future[float | None]:
            shared = self._needs_reference  # else nobody needs its image, which is not kept
            return copied(self._reference_render(job) if shared else self._pool.submit(code, language), limit)

        return self._per_target.get("CPU limit", f"{language} {code}", measure)

    def start(self, job: Job, target: Image.Image, running: list[Component]) -> None:
        """Start these components on a sample that was rendered."""
        offered = self._offered(job, target)
        together = [component for component in running if component.stage == "pixels"]
        if together:  # at once, so that the render goes to their worker once
            inputs = {component.name: self._inputs(job, component, offered) for component in together}
            settled(inputs).add_done_callback(functools.partial(self._launch_pixels, job, together))
        for component in running:
            if component.stage != "pixels":
                self._launch(job, component, offered)

    def _applies(self, job: Job, component: Component) -> Future[bool]:
        applies = component.applies
        assert applies is not None

        def decide() -> Future[bool]:
            target, _ = self._targets.open(job.key, job.request.target)
            offered = {"target": target, "reference": job.reference, "language": job.alignment.language}
            if "prepared" not in asked_for(applies):
                known = self._of_reference(job, asked_for(applies))
            else:
                known = copied(self._prepared(job, component, offered), lambda prepared: {"prepared": prepared})
            return copied(known, lambda values: bool(applies(**chosen(applies, {**offered, **values}))))

        return self._per_target.get(f"applies {component.name}", _data_key(job), decide)

    def _offered(self, job: Job, target: Image.Image) -> dict[str, Any]:
        """Return what is at hand for components."""
        request, render = job.request, job.rendered
        return {
            "target": target,
            "render": job.fitted(target.size) if self._needs_render else None,
            "target_size": target.size,
            "render_size": render.size,
            "code": job.alignment.code,
            "reference": job.reference,
            "facts": job.facts,
            "language": job.alignment.language,
            "prompt": request.prompt,
            "response": request.response,
            "metadata": request.metadata,
        }

    def _launch(self, job: Job, component: Component, offered: dict[str, Any]) -> None:
        """Start a component as soon as what it waits for is there."""

        def run(inputs: dict[str, Any]) -> Future[Any]:
            if component.stage == "endpoint":
                return self._endpoint.submit(component.measure, inputs)
            return finished(component.measure(**inputs))

        ready = self._inputs(job, component, offered)
        chained(ready, run).add_done_callback(functools.partial(self._measured, job, component))

    def _launch_pixels(self, job: Job, components: list[Component], inputs: Future[dict[str, Future[Any]]]) -> None:
        """Start components of the pixel stage, whose inputs are there or failed."""
        ready = {name: future for name, future in inputs.result().items() if future.exception() is None}
        started = [component for component in components if component.name in ready]
        calls = [(component, "measure", ready[component.name].result()) for component in started]
        try:
            measured: dict[str, Future[Any]] = dict(zip(ready, self._pixels.submit_all(calls), strict=True))
        except RuntimeError as error:  # the workers were closed
            measured = {name: failed(error) for name in ready}
        for component in components:
            future = measured.get(component.name, inputs.result()[component.name])
            future.add_done_callback(functools.partial(self._measured, job, component))

    def _inputs(self, job: Job, component: Component, offered: dict[str, Any]) -> Future[dict[str, Any]]:
        """Return what a component needs, by name."""
        missing = component.needs - offered.keys()
        waits = {name: self._awaited(name, job, component, offered) for name in missing}
        inputs = {name: offered[name] for name in component.needs if name in offered}
        return copied(gather(waits), lambda ready: {**inputs, **ready})

    def _measured(self, job: Job, component: Component, future: Future[Any]) -> None:
        try:
            job.scores[component.name] = checked_score(future.result())
        except BaseException as error:  # noqa: BLE001 - a component that fails is a machine fault of the sample
            job.fail(Status.INFRASTRUCTURE, f"component {component.name!r}: {error}")
        self._part_done(job)

    def _awaited(self, name: str, job: Job, component: Component, offered: dict[str, Any]) -> Future[Any]:
        """Return the future of something that is not at hand."""
        target: Image.Image = offered["target"]
        if name == "comparison":
            return copied(job.compared, lambda pair: pair[0])
        if name == "render_tokens":
            return self._encoder.call(self._similarity.patch_tokens, job.fitted(target.size))
        if name == "target_tokens":
            return self._per_target.get(
                name, job.key, lambda: self._encoder.call(self._similarity.patch_tokens, target)
            )
        if name == "blank_comparison":
            return self._per_target.get(name, job.key, lambda: self._blank_comparison(job.key, target))
        if name in OF_REFERENCE:
            return copied(self._of_reference(job, frozenset((name,))), lambda known: known[name])
        return self._prepared(job, component, offered)

    def _blank_comparison(self, key: str, target: Image.Image) -> Future[Any]:
        compared = self._encoder.submit(self._similarity.prepare_blank(target, key))
        return copied(compared, lambda pair: pair[0])

    def _of_reference(self, job: Job, names: frozenset[str]) -> Future[dict[str, Any]]:
        """Return what the reference's render gives, None where there is none; renders only if that is asked for."""
        if not names & OF_REFERENCE or job.reference is None or job.alignment.language not in LANGUAGES:
            return finished(dict.fromkeys(OF_REFERENCE))

        def known(render: Render) -> dict[str, Any]:
            size = render.image.size if render.image is not None else None
            return {"reference_facts": render.facts, "reference_size": size}

        return copied(self._reference_render(job), known)

    def _reference_render(self, job: Job) -> Future[Render]:
        """Return the render of the reference, once per group. If the machine fails at that, it fails for the group."""
        code, language = job.reference, job.alignment.language
        assert code is not None

        def checked(render: Render) -> Render:
            if render.status.fault is Fault.MACHINE:
                raise MachineFault(f"the reference could not be rendered: {render.message}")
            return render

        return self._per_target.get(
            "reference", f"{language} {code}", lambda: copied(self._pool.submit(code, language, facts=True), checked)
        )

    def _prepared(self, job: Job, component: Component, offered: dict[str, Any]) -> Future[Any]:
        """Return what the component's own ``prepare`` makes of the target."""
        inputs = {name: offered[name] for name in ("target", "reference", "language")}
        function = component.prepare
        assert function is not None

        def prepare() -> Future[Any]:
            return chained(
                self._of_reference(job, asked_for(function)),
                lambda known: self._pixels.submit(component, "prepare", chosen(function, {**inputs, **known})),
            )

        return self._per_target.get(f"prepared {component.name}", _data_key(job), prepare)


def _asks_for_reference(component: Component) -> bool:
    """Whether any part of a component asks for what only a render of the reference can give."""
    parts = [part for part in (component.applies, component.prepare) if part is not None]
    return bool(component.needs.union(*map(asked_for, parts)) & OF_REFERENCE)


def _data_key(job: Job) -> str:
    """Return a key of all that may decide what is computed once per target."""
    return f"{job.key} {job.alignment.language} {job.reference}"
