"""What rendering can be told: limits, confinement, programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vincicoder.options import Config, option


@dataclass(frozen=True)
class Limits(Config):
    """What one render may use. Exceeding a limit ends the render with a status; it never raises.

    Attributes:
        cpu_seconds: CPU time in seconds, summed over the render's processes. The limit that normally decides, so that
            a busy machine does not turn good answers into time-outs.
        wall_seconds: Wall time in seconds, the backstop for code that sleeps. Time in which code was ready to run and
            had no CPU does not count, up to three times as much.
        memory_mb: Memory in MiB: address space above the idle worker's (Python, SVG, LaTeX), resident memory of the
            browser's processes (HTML).
        output_mb: What the render may leave on disk, and the largest single file, in MiB.
        pixels: Largest image, width times height.
        tasks: Processes and threads together. Python and SVG code may start threads but no process.

    Raises:
        ConfigError: A limit is not above 0.

    Example:
        >>> Limits(cpu_seconds=5).wall_seconds
        30.0
    """

    cpu_seconds: float = option(10.0, help="CPU time of one render", unit="s", above=0, metavar="N")
    wall_seconds: float = option(30.0, help="wall time of one render", unit="s", above=0, metavar="N")
    memory_mb: int = option(2048, help="memory of one render", unit="MiB", minimum=1)
    output_mb: int = option(64, help="what one render may write", unit="MiB", minimum=1)
    pixels: int = option(16_000_000, help="largest image", unit="pixels", minimum=1)
    tasks: int = option(512, help="processes and threads of one render", minimum=1)


@dataclass(frozen=True)
class SandboxConfig(Config):
    """How generated code is confined.

    Attributes:
        allow_unsandboxed: Run code with resource limits only where it cannot be confined.
        namespaces: Add a network namespace around the workers where the system allows it.
        nice: Niceness of the workers, so that rendering gives way to training.
    """

    allow_unsandboxed: bool = option(
        False, help="run generated code unconfined; it can then do whatever you can", changes_scores=False
    )
    namespaces: bool = option(
        True, help="add a network namespace around workers where the system allows it", changes_scores=False
    )
    nice: int = option(5, help="niceness of the workers", minimum=0, maximum=19, changes_scores=False)


@dataclass(frozen=True)
class RenderingConfig(Config):
    """All that a `RenderPool` is made of.

    Attributes:
        limits: What one render may use.
        sandbox: How code is confined.
        workers: Renders at a time; None for one per CPU that this process may use.
        python: Interpreter that runs generated Python; None for this one. It needs the drawing libraries, not this
            package.
        browser: The Chromium that renders HTML; None to search for one.
        renderer_options: More options by language, such as ``{"latex": {"dpi": 200}}``; None for none.

    Example:
        >>> RenderingConfig(limits=Limits(pixels=4_000_000), workers=2).sandbox.namespaces
        True
    """

    limits: Limits = field(default_factory=Limits)
    sandbox: SandboxConfig = field(default_factory=SandboxConfig)
    workers: int | None = option(None, help="renders at a time", shown="one per CPU", minimum=1, changes_scores=False)
    python: str | None = option(
        None, help="interpreter that runs generated Python", shown="this one", metavar="PATH", of_machine=True
    )
    browser: str | None = option(
        None, help="Chromium that renders HTML", shown="the first that is found", metavar="PATH", of_machine=True
    )
    renderer_options: Mapping[str, Any] | None = option(
        None, help='more options by language, such as {"latex": {"dpi": 200}}'
    )
