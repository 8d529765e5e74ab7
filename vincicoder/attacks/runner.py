"""Try attacks on this machine, with the sandbox as it is here, and say what came of them."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from vincicoder.attacks import native
from vincicoder.attacks.attack import Attack, Layer, Result, Verdict
from vincicoder.attacks.bait import ESCAPED, Bait, secret_environment, shows_secret
from vincicoder.attacks.code import filled, script
from vincicoder.attacks.explain import stopped_by
from vincicoder.attacks.services import NotHere, Services
from vincicoder.errors import RendererUnavailable
from vincicoder.languages import LANGUAGES
from vincicoder.rendering import Render, RenderPool
from vincicoder.rendering.config import Limits, SandboxConfig
from vincicoder.rendering.sandbox import confine, processes
from vincicoder.rendering.sandbox.channel import ServerDied
from vincicoder.rendering.sandbox.client import ForkServer
from vincicoder.reporting.printable import printable
from vincicoder.status import Fault, Status

LIMITS = Limits(cpu_seconds=3, wall_seconds=15, memory_mb=1536, output_mb=16, tasks=256)
"""What attacks in code may use. Low, so that what runs into a limit does so soon."""

_SIGNALS_SINCE = 6  # the version of Landlock that covers signals
_BROKEN = re.compile(r"^(Name|Type|Attribute|Syntax|Import|ModuleNotFound|Key|Index|UnboundLocal|Assertion)Error\b")
"""Ends of code that has not come to its point."""

_PATIENCE = 20.0  # seconds for what is removed in the background
_LONGEST = 200
_LONGEST_MESSAGE = 5000
_WAITING = 4  # attacks under way for each processor: many only wait


@dataclass(frozen=True)
class Options:
    """What `run` is told of the machine; as for `vincicoder.rendering.RenderPool`.

    Attributes:
        python: Interpreter that runs generated Python; None for this one.
        browser: The Chromium that renders HTML; None to search for one.
        namespaces: Add a network namespace where the system allows it.
        workers: Renders at a time; None for one per CPU.
    """

    python: str | None = None
    browser: str | None = None
    namespaces: bool = True
    workers: int | None = None


def run(
    attacks: Iterable[Attack], options: Options | None = None, progress: Callable[[Result], None] | None = None
) -> list[Result]:
    """Try attacks and functional checks, and return what came of each, in their order.

    Args:
        attacks: What to try; `vincicoder.attacks.collection.ATTACKS` is all there is.
        options: What to try it on.
        progress: Called with each result when it is there.

    Raises:
        SandboxUnavailable: This kernel cannot confine code, so that nothing can be tried.

    Example:
        >>> from vincicoder.attacks.collection import select
        >>> [result] = run(select("svg/laughs"))  # doctest: +SKIP
        >>> result.verdict.value  # doctest: +SKIP
        'stopped'
    """
    chosen, options = list(attacks), options or Options()
    results: list[Result] = []
    with _own_directory() as directory, secret_environment() as secret:
        before = set(processes.descendants(os.getpid()))
        with Range(options, secret) as place, ThreadPoolExecutor(_WAITING * place.pool.workers) as threads:
            place.warm({attack.surface for attack in chosen})
            for future in [threads.submit(place.result, attack) for attack in chosen]:
                results.append(future.result())
                if progress is not None:
                    progress(results[-1])
            results += place.unchanged()
        results.append(_nothing_remains(directory, before))
    return results


@contextlib.contextmanager
def _own_directory() -> Iterator[Path]:
    """Have all temporary files of this process made in one directory, so that what is left can be seen."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="vincicoder-attacks-") as directory:
        tempfile.tempdir = directory
        try:
            yield Path(directory)
        finally:
            tempfile.tempdir = before


def _nothing_remains(directory: Path, before: set[int]) -> Result:
    attack = Attack("nothing-remains", "python", "no file and no process is left when all is over", "")
    deadline = time.monotonic() + _PATIENCE
    while True:
        left = [path.name for path in directory.iterdir() if path.name.startswith("vincicoder-")]
        running = {pid for pid in processes.descendants(os.getpid()) if os.path.exists(f"/proc/{pid}/exe")}  # noqa: PTH110
        alive = running - before
        if not left and not alive:
            return Result(attack, Verdict.WORKS)
        if time.monotonic() > deadline:
            return Result(attack, Verdict.FAILS, detail=f"left: {left}, processes {sorted(alive)}")
        time.sleep(0.1)


class Range:
    """Where attacks are tried: pools of renderers, native code in the browser's place, the services.

    Args:
        options: What the pools are made of.
        secret: What is in this process's environment.
    """

    def __init__(self, options: Options, secret: str) -> None:
        self._options = options
        self._secret = secret
        self.pool = self._pool(options.workers)
        self._pages = self._pool(1)  # so that a page meets the browser that the one before it has used
        self._page_lock = threading.Lock()
        self._box_lock = threading.Lock()
        self._box: ForkServer | None = None
        self._services = Services()
        self._missing: dict[str, str] = {}
        self._samples: dict[str, Render] = {}

    def __enter__(self) -> Range:
        return self

    def __exit__(self, *_: object) -> None:
        for part in (self.pool, self._pages, self._services, self._box):
            if part is not None:
                part.close()

    def _pool(self, workers: int | None) -> RenderPool:
        options = self._options
        return RenderPool(
            workers, LIMITS, python=options.python, browser=options.browser, namespaces=options.namespaces
        )

    def _pool_of(self, language: str) -> RenderPool:
        return self._pages if language == "html" else self.pool

    def warm(self, surfaces: Iterable[str]) -> None:
        """Start the renderers of some surfaces and render their samples."""
        for name in sorted({*LANGUAGES, "browser"} & set(surfaces)):
            with self._noting_what_is_missing(name):
                if name == "browser":
                    self._box = self._start_box()
                else:
                    self._pool_of(name).start(name)
                    self._samples[name] = self._pool_of(name).render(LANGUAGES.get(name).sample, name)

    @contextlib.contextmanager
    def _noting_what_is_missing(self, surface: str) -> Iterator[None]:
        try:
            yield
        except RendererUnavailable as error:
            self._missing[surface] = str(error)

    def unchanged(self) -> list[Result]:
        """Render the samples again, and say whether they are still the same images."""
        results = []
        for name, first in self._samples.items():
            attack = Attack("same-image", name, "the sample gives the same image as before all attacks", "")
            again = self._pool_of(name).render(LANGUAGES.get(name).sample + "\n", name)
            same = (
                first.image is not None and again.image is not None and again.image.tobytes() == first.image.tobytes()
            )
            detail = "" if same else f"before: {first}, after: {again}"
            results.append(Result(attack, Verdict.WORKS if same else Verdict.FAILS, detail=detail))
        return results

    def result(self, attack: Attack) -> Result:
        """Try one attack and say what came of it."""
        started = time.monotonic()
        if attack.surface in self._missing:
            return Result(attack, Verdict.NOT_RUN, detail=one_line(self._missing[attack.surface]))
        try:
            with Bait() as bait:
                judged = self._tried(attack, bait)
        except NotHere as error:
            judged = Result(attack, Verdict.NOT_RUN, detail=str(error))
        except Exception as error:  # noqa: BLE001 - one attack that cannot be tried must not end the others
            judged = Result(attack, Verdict.FAILS, detail=one_line(f"{type(error).__name__}: {error}"))
        return replace(judged, seconds=time.monotonic() - started)

    def _tried(self, attack: Attack, bait: Bait) -> Result:
        if callable(attack.code):
            seen = attack.code(bait, self._services)
            evidence = seen.evidence or bait.harm()
            if attack.is_check:
                return Result(attack, Verdict.FAILS if evidence else Verdict.WORKS, detail=evidence or seen.detail)
            return self._judged(attack, evidence, None, seen.detail)
        render = self._rendered(attack, attack.code, bait)
        evidence = self._evidence(attack, render, bait)
        if attack.is_check:
            evidence = evidence or ("" if render.image is not None else f"{render.status}: {render.message}")
            return Result(attack, Verdict.FAILS if evidence else Verdict.WORKS, detail=one_line(evidence))
        detail = f"{render.status}: {render.message}" if render.message else str(render.status)
        if not evidence and attack.surface in ("python", "browser"):
            if _BROKEN.search(render.message):
                return Result(attack, Verdict.FAILS, detail=one_line(f"the attack itself is broken: {detail}"))
            if "FileNotFoundError" in render.message:
                return Result(attack, Verdict.NOT_RUN, detail=one_line(f"there is nothing to attack: {detail}"))
        return self._judged(attack, evidence, stopped_by(attack, render), detail)

    def _judged(self, attack: Attack, evidence: str, seen: Layer | None, detail: str) -> Result:
        if evidence:
            covered = attack.needs is None or self._in_force(attack.needs, attack.surface)
            return Result(attack, Verdict.ESCAPED if covered else Verdict.UNCOVERED, detail=one_line(evidence))
        return Result(attack, Verdict.STOPPED, seen or attack.layers[0], seen is not None, one_line(detail))

    def _rendered(self, attack: Attack, code: str, bait: Bait) -> Render:
        names = bait.names()
        if attack.surface in ("python", "browser"):
            code = script(code, names, LIMITS) if not attack.is_check else code
        else:
            code = filled(code, names)
        if attack.surface == "browser":
            return self._natively(code)
        with self._page_lock if attack.surface == "html" else contextlib.nullcontext():
            pool = self._pool_of(attack.surface)
            if attack.before:
                pool.render(attack.before, attack.surface)
            return pool.render(code, attack.surface)

    def _start_box(self) -> ForkServer:
        options = {} if self._options.browser is None else {"browser": self._options.browser}
        sandbox = SandboxConfig(namespaces=self._options.namespaces)
        return ForkServer(native.RENDERER, options, LIMITS, sandbox)

    def _natively(self, code: str) -> Render:
        """Run native code in the browser's place; whoever ends its server has harmed others."""
        assert self._box is not None
        try:
            result = self._box.run(code)
        except ServerDied as error:
            with self._box_lock:
                if not self._box.alive:
                    self._box = self._start_box()
            return Render(Status.INFRASTRUCTURE, message=str(error))
        return Render(result.status, message=result.message)

    def _evidence(self, attack: Attack, render: Render, bait: Bait) -> str:
        """Return what shows that code has escaped; empty if nothing does."""
        said = f"{render.message} {render.note} {render.facts.to_json() if render.facts is not None else ''}"
        if ESCAPED in said or bait.secret in said or self._secret in said:
            return f"it says: {said.strip()}"
        if shows_secret(render.image):
            return "the image shows the secret"
        if harm := bait.harm():
            return harm
        readable = render.message.encode("utf-8", "replace").decode() == render.message
        if not readable or len(render.message) > _LONGEST_MESSAGE:
            return "its message breaks whoever prints it"
        if render.status.fault is Fault.MACHINE:
            return f"the machine is blamed: {render.message}"
        if attack.endings and render.status not in attack.endings:
            return f"it ended as {render.status}: {render.message}"
        if attack.compared and render.image is not None:
            assert isinstance(attack.code, str)
            names = {**bait.names(), **dict.fromkeys(("FILE", "TEX", "PNG"), bait.names()["MISSING"])}
            plain = self._pool_of(attack.surface).render(filled(attack.code, names), attack.surface)
            if plain.image is not None and plain.image.tobytes() != render.image.tobytes():
                return "the image depends on a file that it may not read"
        return ""

    def _in_force(self, layer: Layer, surface: str) -> bool:
        if layer is Layer.PROCESSES:
            return False
        if layer is Layer.LANDLOCK:
            return confine.layers().landlock >= _SIGNALS_SINCE
        if surface == "browser":
            return self._box is not None and bool(self._box.details["network_namespace"])
        return bool(self._pool_of(surface).start(surface)["network_namespace"])


def one_line(text: str) -> str:
    """Return a text as one short line that no terminal obeys."""
    return printable(" ".join(text.split()))[:_LONGEST]
