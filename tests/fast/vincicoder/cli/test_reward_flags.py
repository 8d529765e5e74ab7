"""Every option of the reward can be given on the command line, under the name that it has everywhere."""

from __future__ import annotations

from typing import Any

import pytest

from vincicoder.cli import build_parser
from vincicoder.cli.serve import service_options
from vincicoder.options import Leaf, from_flat, given_flags, leaves, to_flat
from vincicoder.rendering.config import RenderingConfig
from vincicoder.reward.config import RewardConfig

OTHER_VALUES: dict[str, tuple[str, Any]] = {
    "encoder": ("embedded", "embedded"),
    "device": ("cuda:1", "cuda:1"),
    "dtype": ("bfloat16", "bfloat16"),
    "preset": ("paper", "paper"),
    "components": ('{"paper": 0.5}', {"paper": 0.5}),
    "extra": ("math:hypot", ["math:hypot"]),
    "guards": ("raster", ["raster"]),
    "python": ("/usr/bin/python3", "/usr/bin/python3"),
    "browser": ("/usr/bin/chromium", "/usr/bin/chromium"),
    "renderer_options": ('{"latex": {"dpi": 200}}', {"latex": {"dpi": 200}}),
    "keep_renders": ("sample", "sample"),
}
"""What to give for options that are no number, and what it means."""

NEEDED = {"extra": ["--components", '{"hypot": 1}']}
"""What an option cannot do without."""


def given(command: list[str], leaf: Leaf, config: Any) -> Any:
    """Give an option another value than its default; return what arrives and what should."""
    if isinstance(leaf.default, bool):
        arguments, expected = [leaf.flag], not leaf.default
    else:
        text, expected = OTHER_VALUES.get(leaf.name, ("1", 1))
        arguments = [leaf.flag, text, *NEEDED.get(leaf.name, [])]
    options = build_parser().parse_args([*command, *arguments])
    return to_flat(from_flat(config, given_flags(options, config)))[leaf.name], expected


@pytest.mark.parametrize("command", ["score", "serve"])
@pytest.mark.parametrize("leaf", list(leaves(RewardConfig)), ids=lambda leaf: leaf.name)
def test_every_option_of_the_reward_has_a_flag_that_sets_it(command: str, leaf: Leaf) -> None:
    found, expected = given([command], leaf, RewardConfig)
    assert found == expected


@pytest.mark.parametrize("leaf", list(leaves(RenderingConfig)), ids=lambda leaf: leaf.name)
def test_every_option_of_rendering_has_a_flag_of_render(leaf: Leaf) -> None:
    found, expected = given(["render", "icon.svg", "-o", "icon.png"], leaf, RenderingConfig)
    assert found == expected


def test_options_that_are_not_given_are_left_to_the_reward() -> None:
    assert given_flags(build_parser().parse_args(["score", "requests.jsonl"]), RewardConfig) == {}


def test_all_guards_can_be_switched_off() -> None:
    options = build_parser().parse_args(["score", "requests.jsonl", "--guards", ""])
    assert from_flat(RewardConfig, given_flags(options, RewardConfig)).scoring.guards == ()


def test_what_serve_is_told_reaches_the_service() -> None:
    options = build_parser().parse_args(["serve", "--allow-unsandboxed", "--no-fence", "--encoders", "2"])
    assert service_options(options) == {"allow_unsandboxed": True, "require_fence": False, "encoders": 2}


@pytest.mark.parametrize("command", ["score", "render", "serve"])
def test_the_help_says_what_is_the_default(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args([command, "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--cpu-seconds N CPU time of one render, in s (default: 10)" in text
    workers = {"render": "1"}.get(command, "one per CPU")
    assert f"--workers N renders at a time (default: {workers})" in text
    renders = {"score": "none, or all with --report", "serve": "none"}.get(command)
    assert renders is None or f"one of: all, sample, none (default: {renders})" in text
