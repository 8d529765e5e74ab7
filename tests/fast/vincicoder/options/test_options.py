"""Options: one declaration, and every form of it."""

from __future__ import annotations

import argparse
import json
import math

import pytest

from vincicoder.errors import ConfigError
from vincicoder.options import (
    add_flags,
    changed,
    digest_values,
    flat_names,
    from_environment,
    from_flat,
    given_flags,
    leaves,
    schema,
    table,
    to_flat,
)
from vincicoder.rendering import Limits
from vincicoder.reward.config import RewardConfig, ScoringConfig

LEAVES = list(leaves(RewardConfig))


def flags(*arguments: str) -> dict[str, object]:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_flags(parser, RewardConfig)
    return given_flags(parser.parse_args(arguments), RewardConfig)


def test_flat_names_are_unique_and_so_are_flags() -> None:
    assert len(set(flat_names(RewardConfig))) == len(LEAVES)
    assert len({leaf.flag for leaf in LEAVES}) == len(LEAVES)


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.name)
def test_every_option_says_what_it_is_in_every_form(leaf: object) -> None:
    assert leaf.about.help and not leaf.about.help.endswith(".")
    assert leaf.checked(leaf.default) == leaf.default
    assert f"`{leaf.name}`" in table(RewardConfig)
    assert leaf.name in schema(RewardConfig)["properties"]


def test_options_go_there_and_back() -> None:
    config = from_flat(RewardConfig, {"encoder": "embedded", "cpu_seconds": 5, "guards": ["blank"], "workers": 3})
    assert from_flat(RewardConfig, json.loads(json.dumps(to_flat(config)))) == config
    assert changed(config) == {"encoder": "embedded", "cpu_seconds": 5.0, "guards": ["blank"], "workers": 3}


def test_nested_options_are_objects_or_mappings_and_flat_names_win() -> None:
    by_object = from_flat(RewardConfig, {"limits": Limits(cpu_seconds=5), "pixels": 9})
    by_mapping = from_flat(RewardConfig, {"rendering": {"limits": {"cpu_seconds": 5}}, "pixels": 9})
    by_names = from_flat(RewardConfig, {"cpu_seconds": 5, "pixels": 9})
    assert by_object == by_mapping == by_names
    assert from_flat(RewardConfig, {"encoder": {"name": "embedded", "device": "cpu"}}).encoder.name == "embedded"


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"alignment_weight": "1e-1"}, "alignment_weight", 0.1),
        ({"workers": "4"}, "workers", 4),
        ({"workers": "none"}, "workers", None),
        ({"require_fence": "false"}, "require_fence", False),
        ({"guards": "blank,raster"}, "guards", ["blank", "raster"]),
        ({"components": '{"text": 0.2}'}, "components", {"text": 0.2}),
        ({"keep_renders": False}, "keep_renders", "none"),
        ({"keep_renders": True}, "keep_renders", "all"),
    ],
)
def test_texts_become_what_they_mean(given: dict[str, object], name: str, value: object) -> None:
    assert to_flat(from_flat(RewardConfig, given))[name] == value


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cpu_second": 1}, "did you mean 'cpu_seconds'"),
        ({"limits": {"cpu": 1}}, "cpu_seconds"),
        ({"colour": 1}, "the options are: alignment_weight"),
        ({"cpu_seconds": "ten"}, "cpu_seconds is 'ten'; expected a number above 0"),
        ({"cpu_seconds": math.nan}, "cpu_seconds"),
        ({"cpu_seconds": True}, "cpu_seconds"),
        ({"workers": 0}, "workers is 0; expected a whole number of at least 1, or none"),
        ({"workers": 1.5}, "workers"),
        ({"alignment_weight": 2}, "between 0 and 1"),
        ({"require_fence": "perhaps"}, "true or false"),
        ({"guards": ["blnk"]}, "did you mean 'blank'"),
        ({"guards": [1]}, "guards"),
        ({"preset": "papr"}, "did you mean 'paper'"),
        ({"encoder": 7}, "encoder is 7; expected text"),
        ({"renderer_options": "x"}, "a mapping"),
        ({"keep_renders": "some"}, "all, sample, none"),
    ],
)
def test_what_cannot_work_is_named_with_what_was_expected(given: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        from_flat(RewardConfig, given)


def test_a_configuration_checks_itself() -> None:
    with pytest.raises(ConfigError, match="cpu_seconds"):
        Limits(cpu_seconds=-1)
    with pytest.raises(ConfigError, match="components"):
        ScoringConfig(components={"text": "much"})


def test_every_option_has_a_flag_and_a_flag_that_was_not_given_says_nothing() -> None:
    assert flags() == {}
    given = flags(
        "--no-fence", "--no-namespaces", "--allow-unsandboxed", "--guards", "raster", "--components", '{"a": 1}'
    )
    assert given == {
        "require_fence": False,
        "namespaces": False,
        "allow_unsandboxed": True,
        "guards": ("raster",),
        "components": {"a": 1},
    }
    assert from_flat(RewardConfig, given).scoring.guards == ("raster",)


def test_a_wrong_flag_is_an_error_of_the_parser() -> None:
    with pytest.raises(argparse.ArgumentError, match="a number above 0"):
        flags("--cpu-seconds", "ten")


def test_the_environment_is_read_by_name() -> None:
    environ = {"X_CPU_SECONDS": "5", "X_LIMITS": '{"pixels": 9}', "X_GUARDS": "blank", "OTHER": "1"}
    config = from_flat(RewardConfig, from_environment(RewardConfig, "X_", environ))
    assert (config.rendering.limits.cpu_seconds, config.rendering.limits.pixels) == (5, 9)
    assert config.scoring.guards == ("blank",)


def test_the_digest_holds_what_changes_scores_and_nothing_else() -> None:
    values = digest_values(RewardConfig())
    assert {"encoder", "dtype", "cpu_seconds", "coarse_weight", "python", "guards"} <= values.keys()
    assert not {"device", "workers", "batch_tiles", "cache_targets", "keep_renders", "nice"} & values.keys()
