"""What an attack is, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

from vincicoder.status import Status

if TYPE_CHECKING:
    from vincicoder.attacks.bait import Bait
    from vincicoder.attacks.services import Services

SURFACES = ("python", "html", "svg", "latex", "browser", "target", "http", "node")
"""Where attacks start: code in a language, native code that got hold of the browser, an image file as target, a caller
of ``vincicoder serve``, a process that knows the node's socket."""


class Layer(str, Enum):
    """What can stop an attack. Members compare equal to their string values."""

    LANDLOCK = "Landlock"
    SECCOMP = "seccomp"
    CAPABILITIES = "capabilities"
    PERMISSIONS = "ordinary permissions"
    NETWORK = "network namespace"
    PROCESSES = "process namespace"
    """Not part of the sandbox: what only it would stop is not covered anywhere."""
    LIMITS = "resource limits"
    WATCH = "server's watch"
    FRESH = "fresh process"
    RESULT = "checks of results"
    RENDERER = "renderer"
    GUARDS = "guards"
    TARGETS = "checks of targets"
    SERVICE = "service's checks"
    KEY = "node's key"

    def __str__(self) -> str:
        return self.value


class Verdict(str, Enum):
    """What came of an attack or a functional check."""

    STOPPED = "stopped"
    ESCAPED = "ESCAPED"
    WORKS = "works"
    """A functional check that passed."""
    FAILS = "FAILS"
    """A functional check that did not, or an attack that the machine could not carry out."""
    UNCOVERED = "not covered"
    """It went through, and nothing promised that it would not: the layer that stops it is not to be had here."""
    NOT_RUN = "not run"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Seen:
    """What an attack outside the renderers has seen.

    Attributes:
        evidence: What shows that it has escaped; empty if nothing does.
        detail: How it was stopped, in a few words.
    """

    evidence: str = ""
    detail: str = ""


Probe: TypeAlias = "Callable[[Bait, Services], Seen]"
"""An attack that is no code to render."""


@dataclass(frozen=True)
class Attack:
    """One attack, or a functional check.

    Attributes:
        name: Its name, unique within its surface.
        surface: Where it starts; one of `SURFACES`.
        tries: What it tries, in one sentence.
        code: The code to render. Names of the bait are put in where the surface's file says so. Or a function that
            attacks by other means.
        layers: What is expected to stop it, any one of them; empty for a functional check.
        endings: The statuses that it may end in; empty for any that is the response's own fault.
        before: Code that another request renders first, such as one that leaves a secret behind.
        compared: Whether it has escaped if its image differs from that of the same code about a file that is missing.
        needs: The layer without which nothing promises to stop it, None if others always do.
    """

    name: str
    surface: str
    tries: str
    code: str | Probe
    layers: tuple[Layer, ...] = ()
    endings: tuple[Status, ...] = ()
    before: str = ""
    compared: bool = False
    needs: Layer | None = None

    @property
    def title(self) -> str:
        """Its surface and name, as ``doctor --only`` takes them."""
        return f"{self.surface}/{self.name}"

    @property
    def is_check(self) -> bool:
        """Whether it is a functional check: honest work, which must succeed."""
        return not self.layers


@dataclass(frozen=True)
class Result:
    """What came of one attack.

    Attributes:
        attack: The attack.
        verdict: What came of it.
        layer: What stopped it; None if it was not stopped.
        observed: Whether the layer follows from what was seen. If not, it is the one that is expected to stop it.
        detail: What was seen, in one line.
        seconds: How long it took.
    """

    attack: Attack
    verdict: Verdict
    layer: Layer | None = None
    observed: bool = False
    detail: str = ""
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether this is a reason to worry."""
        return self.verdict in (Verdict.ESCAPED, Verdict.FAILS)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            "attack": self.attack.title,
            "tries": self.attack.tries,
            "verdict": self.verdict.value,
            "layer": self.layer and self.layer.value,
            "observed": self.observed,
            "detail": self.detail,
            "seconds": round(self.seconds, 3),
        }


def listed(
    surface: str, layers: Iterable[Layer], rows: Mapping[str, tuple[str, str | Probe]], **more: Any
) -> tuple[Attack, ...]:
    """Return the attacks of a table that have all but name, purpose and code in common.

    Args:
        surface: Where they start.
        layers: What is expected to stop each of them.
        rows: Name to what it tries and its code.
        more: Further attributes of all of them.
    """
    return tuple(Attack(name, surface, tries, code, tuple(layers), **more) for name, (tries, code) in rows.items())
