"""A persistent pool of confined renderers, shared by every thread of a process."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from vincicoder.errors import ConfigError, RendererUnavailable
from vincicoder.languages import LANGUAGES, get_language
from vincicoder.registry import load
from vincicoder.rendering.config import Limits, RenderingConfig, SandboxConfig
from vincicoder.rendering.outcome import render_of
from vincicoder.rendering.renderer import Redirect
from vincicoder.rendering.sandbox import wire
from vincicoder.rendering.sandbox.channel import ServerDied
from vincicoder.rendering.sandbox.client import ForkServer, require_confinement
from vincicoder.rendering.sandbox.confine import on_linux
from vincicoder.rendering.suspicion import Suspicion
from vincicoder.rendering.types import Render
from vincicoder.status import Status

_ATTEMPTS = 2
_START_ATTEMPTS = 3
_RETRY_START_SECONDS = 60.0
_WORKERS_PER_SERVER = 4  # a server has up to 12 ms of its own to do for a render


class _Wanted(NamedTuple):
    """One render; who wants the same shares it."""

    language: str
    code: str
    facts: bool
    cpu_seconds: float | None
    prefixes: int


class RenderPool:
    """Render code in confined worker processes, several at a time.

    One fork server for each renderer is started when it is first needed and kept. Code that misbehaves loses its own
    process and nothing else; a server that dies is replaced and its work is done again, once. A renderer must render
    its language's sample when it starts, and again when renders fail in a row; if it cannot, its language is
    unavailable for a minute, and responses get ``infrastructure`` and the reason.

    Args:
        workers: Renders at a time; None for one per CPU that this process may use.
        limits: What one render may use.
        python: The interpreter that runs generated Python, None for this one. It needs the libraries that
            the code draws with, not this package.
        browser: The Chromium to render HTML with, None to search for one.
        renderer_options: More options by language, such as ``{"latex": {"dpi": 200}}``.
        allow_unsandboxed: Run code with resource limits only. It can then do whatever you can.
        namespaces: Add a network namespace around the workers where the system allows it.
        nice: Niceness of the workers, so that rendering gives way to training.

    Raises:
        SandboxUnavailable: If this kernel cannot confine code and ``allow_unsandboxed`` is not set.
        ConfigError: If an option has an impossible value.

    Example:
        >>> circle = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="3"/></svg>'
        >>> with RenderPool(workers=2, limits=Limits(cpu_seconds=5)) as pool:  # doctest: +SKIP
        ...     render = pool.render(circle, "svg")
        ...     waiting = [pool.submit(code, "python") for code in ("1 / 0", "while True: pass")]
        ...     statuses = [future.result().status.value for future in waiting]
        >>> render.image.size, statuses  # doctest: +SKIP
        ((512, 512), ['runtime_error', 'timeout'])
    """

    def __init__(
        self,
        workers: int | None = None,
        limits: Limits | None = None,
        python: str | None = None,
        browser: str | None = None,
        renderer_options: Mapping[str, Mapping[str, Any]] | None = None,
        allow_unsandboxed: bool = False,
        namespaces: bool = True,
        nice: int = 5,
    ) -> None:
        sandbox = SandboxConfig(allow_unsandboxed, namespaces, nice)
        self.config = RenderingConfig(limits or Limits(), sandbox, workers, python, browser, renderer_options)
        if not sandbox.allow_unsandboxed or not on_linux():  # nothing here was written for another kernel
            require_confinement()
        if python is not None and shutil.which(python) is None:
            raise ConfigError(f"python is {python!r}, which is not an interpreter that can be run")
        self.workers = self.config.workers or len(os.sched_getaffinity(0))
        self._options = _options(self.config.renderer_options or {}, browser)
        self._servers: dict[str, ForkServer] = {}
        self._failures: dict[str, tuple[float, str]] = {}
        self._suspicions = {language: Suspicion() for language in LANGUAGES}
        self._locks = {language: threading.Lock() for language in LANGUAGES}
        self._pending: dict[_Wanted, list[Future[Render]]] = {}
        self._pending_lock = threading.Lock()
        self._executor = ThreadPoolExecutor(self.workers, thread_name_prefix="vincicoder-render")
        self._closed = False

    @classmethod
    def of(cls, config: RenderingConfig) -> RenderPool:
        """Return a pool with this configuration.

        Args:
            config: All options of the pool.

        Example:
            >>> RenderPool.of(RenderingConfig(workers=2)).workers
            2
        """
        options = vars(config) | vars(config.sandbox)
        del options["sandbox"]
        return cls(**options)

    def submit(
        self, code: str, language: str, facts: bool = False, cpu_seconds: float | None = None, prefixes: int = 0
    ) -> Future[Render]:
        """Queue one render. Equal code that is still queued or being rendered is rendered once.

        Args:
            code: The code.
            language: Name or alias of its language.
            facts: Ask for the image's facts, which take a little longer.
            cpu_seconds: CPU time that it may use, where that is less than the pool's own limit.
            prefixes: Ask for so many images of prefixes at most; there are none where the renderer draws none.

        Returns:
            The future of a `Render`. It has a status whatever the code does; it raises only if it is cancelled.

        Raises:
            ConfigError: If the language is unknown, or the pool is closed.
        """
        if self._closed:
            raise ConfigError("the render pool is closed")
        wanted = _Wanted(get_language(language).name, code, facts, cpu_seconds, prefixes)
        future: Future[Render] = Future()  # each caller's own: who cancels it takes nothing from the others
        with self._pending_lock:
            callers = self._pending.get(wanted)
            if callers is None:
                self._executor.submit(self._run, wanted)
                callers = self._pending[wanted] = []
            callers.append(future)
        return future

    def render(self, code: str, language: str, facts: bool = False) -> Render:
        """Render one piece of code and wait for it.

        Args:
            code: The code, without a fence.
            language: Name or alias of its language.
            facts: Ask for the image's facts, such as its text, which take a little longer.

        Returns:
            The image, or the status and message that say why there is none.

        Raises:
            ConfigError: The language is not known, or the pool is closed.

        Example:
            >>> with RenderPool(workers=1) as pool:  # doctest: +SKIP
            ...     pool.render("<svg/>", "svg").image.save("render.png")
        """
        return self.submit(code, language, facts).result()

    def start(self, language: str) -> dict[str, Any]:
        """Start a language's renderer, if it does not run yet, and return what it says of itself.

        Args:
            language: Name or alias of the language.

        Raises:
            RendererUnavailable: If it cannot work here; the message says why.
        """
        return self._server(get_language(language).name).details

    def _run(self, wanted: _Wanted) -> None:
        """Render what at least one caller still waits for, and tell them all."""
        language = wanted.language
        with self._pending_lock:
            if all(future.cancelled() for future in self._pending[wanted]):
                del self._pending[wanted]
                return
        try:
            render = self._with_retry(wanted)
            if self._suspicions[language].aroused(render.status) and self._retire_if_broken(language):
                render = self._with_retry(wanted)
        except Exception as error:  # noqa: BLE001 - a fault of ours; whoever waits must hear of it
            render = Render(Status.INFRASTRUCTURE, message=f"{language} renderer: {type(error).__name__}: {error}")
        with self._pending_lock:
            callers = self._pending.pop(wanted)
        for future in callers:
            if future.set_running_or_notify_cancel():
                future.set_result(render)

    def _with_retry(self, wanted: _Wanted) -> Render:
        if not wire.fits(wanted.code):
            return Render(Status.TOO_LARGE, message=f"the code is longer than {wire.MAX_BYTES >> 20} MiB as JSON")
        render = Render(Status.INFRASTRUCTURE)
        for _ in range(_ATTEMPTS):
            try:
                render = self._render(wanted)
            except RendererUnavailable as error:
                return Render(Status.INFRASTRUCTURE, message=str(error))
            except ServerDied as error:
                render = Render(Status.INFRASTRUCTURE, message=f"{wanted.language} renderer: {error}")
            if render.status is not Status.INFRASTRUCTURE or self._closed:
                break
        return render

    def _retire_if_broken(self, language: str) -> bool:
        """Render the sample again; return whether the renderer failed at it, and so must start anew or not at all."""
        server = self._servers.get(language)
        if server is None or not server.alive:
            return False
        try:
            broken = bool(_self_check(server, LANGUAGES.get(language).sample))
        except ServerDied:
            broken = True
        if broken:
            server.close()
        return broken

    def _render(self, wanted: _Wanted) -> Render:
        server = self._server(wanted.language)
        prefixes = wanted.prefixes if wanted.prefixes and LANGUAGES.get(wanted.language).draws_prefixes else 0
        result = server.run(wanted.code, facts=wanted.facts, cpu_seconds=wanted.cpu_seconds, prefixes=prefixes)
        if result.redirect is None:
            return render_of(result)
        if result.redirect.language not in server.redirects_to:
            return Render(Status.RUNTIME_ERROR, message="the code wrote to the renderer's own channel")
        second = self._render_redirect(result.redirect, wanted)
        return replace(
            second,
            seconds=second.seconds + result.seconds,
            cpu_seconds=second.cpu_seconds + result.cpu_seconds,
        )

    def _render_redirect(self, redirect: Redirect, wanted: _Wanted) -> Render:
        """Render what one renderer left to another."""
        language = wanted.language
        options: dict[str, Any] = {}
        if redirect.language not in LANGUAGES:
            raise RendererUnavailable(f"this {language} code needs the {redirect.language} renderer, which is not here")
        server = self._server(redirect.language)
        if "assets_directory" in server.details:  # it lays out pages
            options = {"width": redirect.width, "height": redirect.height, "scale": redirect.scale}
            assets = self._server(language).details.get("assets", {})
            options["assets"] = _copy_assets(assets, Path(server.details["assets_directory"]))
        return render_of(server.run(redirect.code, options, wanted.facts, wanted.cpu_seconds))

    def _server(self, language: str) -> ForkServer:
        with self._locks[language]:
            server = self._servers.get(language)
            if server is not None and server.alive:
                return server
            since, reason = self._failures.get(language, (float("-inf"), ""))
            if time.monotonic() - since < _RETRY_START_SECONDS:
                raise RendererUnavailable(reason)
            if self._closed:
                raise RendererUnavailable("the render pool is closed")
            if server is not None:
                server.close()
            try:
                self._servers[language] = self._start_patiently(language)
            except RendererUnavailable as error:
                self._failures[language] = (time.monotonic(), str(error))
                raise
            return self._servers[language]

    def _start_patiently(self, language: str) -> ForkServer:
        """Start a server, again if something kills it meanwhile; more often than that is no accident."""
        for _ in range(_START_ATTEMPTS):
            with contextlib.suppress(ServerDied):
                return self._start(language)
        raise RendererUnavailable(f"the {language} renderer was killed {_START_ATTEMPTS} times while it started")

    def _start(self, name: str) -> ForkServer:
        try:
            language = LANGUAGES.get(name)
            renderer = load(language.renderer_path)
        except (ConfigError, ImportError, AttributeError) as error:
            raise RendererUnavailable(f"the {name} renderer cannot be loaded: {error}") from error
        directory = LANGUAGES.entries()[name].directory
        server = ForkServer(
            language.renderer_path,
            options=self._options.get(name, {}),
            limits=self.config.limits,
            sandbox=self.config.sandbox,
            jobs_per_child=renderer.jobs_per_child,
            redirects_to=getattr(renderer, "redirects_to", ()),
            path=[directory] if directory else [],
            interpreter=self.config.python if "python" in language.uses else None,
            servers=math.ceil(self.workers / _WORKERS_PER_SERVER),
            is_plain=getattr(renderer, "is_plain", None),
            beginnings_of=getattr(renderer, "beginnings_of", None),
        )
        try:
            reason = _self_check(server, language.sample)
        except ServerDied:
            server.close()
            raise
        if reason:
            server.close()
            raise RendererUnavailable(f"the {name} renderer fails on a sample that it should render: {reason}")
        return server

    def close(self) -> None:
        """End every worker. Queued renders are cancelled. May be called twice."""
        self._closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)
        for language, lock in self._locks.items():
            with lock:
                server = self._servers.pop(language, None)
            if server is not None:
                server.close()
        self._executor.shutdown(wait=True)
        with self._pending_lock:
            abandoned, self._pending = self._pending, {}
        for future in (future for callers in abandoned.values() for future in callers):
            future.cancel()

    def __enter__(self) -> RenderPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _self_check(server: ForkServer, sample: str) -> str:
    """Return why a renderer does not render its sample here, confined; empty if it does.

    Limits that are too small for the sample are the user's choice.

    Raises:
        ServerDied: If it did not live to say.
    """
    reason = ""
    for _ in range(_ATTEMPTS):
        result = server.run(sample)
        if result.status in (Status.OK, Status.TIMEOUT, Status.OUT_OF_MEMORY, Status.TOO_LARGE):
            return ""
        reason = f"{result.status.value}: {result.message}"
        if result.status is not Status.INFRASTRUCTURE:
            break
    return reason


def _options(given: Mapping[str, Mapping[str, Any]], browser: str | None) -> dict[str, dict[str, Any]]:
    if unknown := set(given) - set(LANGUAGES):
        raise ConfigError(f"renderer_options names {sorted(unknown)}; the languages are {', '.join(LANGUAGES)}")
    options = {language: dict(values) for language, values in given.items()}
    if browser is not None:
        for language in LANGUAGES.values():
            if "browser" in language.uses:
                options.setdefault(language.name, {})["browser"] = browser
    return options


def _copy_assets(assets: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Copy files that a page needs to where the browser may read them, and return their names and new paths."""
    copies = {}
    for name, path in assets.items():
        copy = directory / name
        if not copy.exists():
            partial = copy.with_suffix(f".{threading.get_ident()}")
            shutil.copyfile(path, partial)
            partial.replace(copy)
        copies[name] = str(copy)
    return copies
