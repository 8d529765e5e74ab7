"""What the reward can be told; the one place from which flags, trainers' options and documents are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vincicoder.errors import ConfigError
from vincicoder.options import Config, option
from vincicoder.rendering.config import RenderingConfig
from vincicoder.reward.extras import load_extra, names_of
from vincicoder.reward.presets import DEFAULT_PRESET, PRESETS
from vincicoder.reward.schedule import FORM, is_schedule
from vincicoder.similarity.config import EncoderConfig

GUARDS = ("blank", "raster")
KEPT_RENDERS = ("all", "sample", "none")


@dataclass(frozen=True)
class ScoringConfig(Config):
    """How components become one reward.

    Attributes:
        preset: A named set of components and weights.
        components: Changes to the preset: a component's name to its weight, or to a mapping with ``weight`` and the
            component's own options. Weight 0 switches a component off; ``{"log": true}`` runs it all the same. A weight
            may change over the trainer's steps, as ``"linear 0 0.3 200"`` does.
        extra: Functions of a request and its result whose scores join the components, as ``"module:function"`` or
            ``"/path/to/file.py:function"``; ``components`` has their weights. They run in the process that asks.
        alignment_weight: Share of alignment in ``overall``, in [0, 1].
        coarse_weight: None for the plain mean over tiles and thumbnail; a number ``w`` in [0, 1] for
            ``w * coarse + (1 - w) * fine``.
        guards: Rules in force. That an image must be a regular file from the request's own directory is part of the
            sandbox and always in force.
        endpoint_concurrency: Calls to endpoints under way at a time, for components that ask one.
        require_fence: Whether code must stand in a fenced block, as the paper has it; False accepts bare SVG, HTML and
            LaTeX documents too.
        cpu_factor: Limits the CPU time of a response to this many times what the render of its reference used, and to
            ``cpu_seconds`` at most. It is fixed before the first response to a target is rendered, however busy the
            machine becomes. Where the reference is missing or does not render, ``cpu_seconds`` alone holds. None for
            no such limit.
        cpu_floor: The least that ``cpu_factor`` limits a response to, in seconds.
        prefixes: Most prefixes of a response's code that are scored too, the empty drawing and the whole among them; 0
            for none.
    """

    preset: str = option(DEFAULT_PRESET, help="named set of components and weights", choices=tuple(PRESETS))
    components: Mapping[str, Any] = option(
        default_factory=dict, help='changes to the preset: a weight for each component, such as {"paper": 0.8}'
    )
    extra: tuple[str, ...] = option(
        (), help="functions that score beside the components, such as my_terms:short; components weighs them"
    )
    alignment_weight: float = option(0.1, help="share of alignment in overall", minimum=0, maximum=1, metavar="W")
    coarse_weight: float | None = option(
        None,
        help="share of coarse in visual",
        shown="coarse counts as one more tile",
        minimum=0,
        maximum=1,
        metavar="W",
    )
    guards: tuple[str, ...] = option(GUARDS, help="rules that refuse a reward that was not earned", choices=GUARDS)
    require_fence: bool = option(True, help="require that code stands in a fenced block", flag="--no-fence")
    cpu_factor: float | None = option(
        None,
        help="limit a response's CPU time to this many times its reference's",
        shown="cpu_seconds alone holds",
        minimum=1,
        metavar="X",
    )
    cpu_floor: float = option(2.0, help="the least that cpu_factor allows", unit="s", above=0, metavar="N")
    prefixes: int = option(
        0, help="most prefixes of SVG and LaTeX code that are scored too; 0 for none", minimum=0, maximum=64
    )
    endpoint_concurrency: int = option(32, help="calls to endpoints at a time", minimum=1, changes_scores=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, change in self.components.items():
            _check_change(name, change, PRESETS[self.preset].weights.get(name))
        _check_extras(self.extra, self.components)


def _check_change(name: str, change: Any, preset_weight: float | None) -> None:
    """Refuse a change to a component that cannot be meant."""
    weight = change.get("weight", preset_weight) if isinstance(change, Mapping) else change
    if weight is None and isinstance(change, Mapping):
        if not change.get("log"):
            raise ConfigError(
                f"components[{name!r}] is {dict(change)}, which neither counts nor is logged; expected 'weight' in it, "
                "or 'log': true"
            )
        return
    if isinstance(weight, bool) or not isinstance(weight, int | float | str) or not _is_weight(weight):
        raise ConfigError(
            f"components[{name!r}] is {change!r}; expected a weight ({FORM}), or a mapping with 'weight', 'log' and "
            "the component's own options"
        )


def _is_weight(weight: float | str) -> bool:
    return is_schedule(weight) if isinstance(weight, str) else 0 <= weight < float("inf")


def _check_extras(extras: Sequence[str], components: Mapping[str, Any]) -> None:
    """Refuse an extra that would not count, and options for one, which takes none."""
    for name in names_of(extras):
        own = components.get(name)
        if isinstance(own, Mapping) and (unknown := sorted(set(own) - {"weight", "log"})):
            raise ConfigError(f"components[{name!r}] has {unknown[0]!r}, but an extra takes 'weight' and 'log' only")
    for value in extras:
        names = load_extra(value).names
        if not any(name in components for name in names):
            raise ConfigError(
                f"extra {value!r} neither counts nor is logged; give it a weight, such as components="
                f"{{{names[0]!r}: 0.2}}, or {{'log': true}}"
            )


@dataclass(frozen=True)
class RewardConfig(Config):
    """All that a `VisualReward` is made of.

    Attributes:
        encoder: Which encoder compares, and how it runs.
        rendering: How code becomes an image.
        scoring: How scores become a reward.
        keep_renders: Whose results hold their render: "all"; "sample", those of every sixteenth target, whole groups
            of them; "none". True and False stand for "all" and "none".

    Example:
        >>> from vincicoder.options import from_flat
        >>> from_flat(RewardConfig, {"encoder": "embedded", "cpu_seconds": 5}).rendering.limits.cpu_seconds
        5.0
    """

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    rendering: RenderingConfig = field(default_factory=RenderingConfig)
    scoring: ScoringConfig = field(default_factory=ScoringConfig)
    keep_renders: str = option(
        "all", help="which results hold their render", choices=KEPT_RENDERS, changes_scores=False, metavar="WHICH"
    )

    def __post_init__(self) -> None:
        given: Any = self.keep_renders
        if isinstance(given, bool):
            object.__setattr__(self, "keep_renders", "all" if given else "none")
        super().__post_init__()
