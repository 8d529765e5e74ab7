"""The example scripts have the settings of the profile ``paper``, and a plan starts from the same numbers."""

from __future__ import annotations

import dataclasses
import re

import pytest
from dry_run import dry_run
from repository import EXAMPLES

from vincicoder.data.layouts import verl
from vincicoder.planning import Run, make_plan
from vincicoder.planning.overrides import SCRIPTS
from vincicoder.planning.profiles import FAST, SETTINGS, TITLES, paper
from vincicoder.planning.release import RELEASE, Release, source_of

ALL = [setting for group in SETTINGS.values() for setting in group]


def command(trainer: str, directory, **variables: str) -> dict[str, str]:
    """The settings that a trainer's script gives on 16 GPUs, of equal ones the last."""
    nodes = {"NNODES": "2"} if trainer == "swift" else {}
    words = dry_run(EXAMPLES / SCRIPTS[trainer], directory, **nodes, **variables)
    flags = {word: words[index + 1] for index, word in enumerate(words[:-1]) if word.startswith("--")}
    return (
        flags
        if trainer == "swift"
        else dict(word.split("=", 1) for word in words if re.match(r"\+?[a-z_]+\.\S+=", word))
    )


def same(found: str, wanted: str) -> bool:
    try:
        return float(found) == float(wanted)
    except ValueError:
        return found == wanted


@pytest.mark.parametrize("trainer", ["easyr1", "verl", "swift"])
def test_the_script_gives_every_key_of_the_table_with_its_value(trainer, tmp_path):
    given = command(trainer, tmp_path)
    for setting in ALL:
        for key, value, default in setting.keys(trainer):
            if default:
                assert key not in given or same(given[key], value), f"{key} is not the default that the table says"
            else:
                assert same(given.get(key, "missing"), value), f"{SCRIPTS[trainer]}: {key} is {given.get(key)}"


def test_every_script_says_what_a_truncated_response_gets(tmp_path):
    easyr1, verl, swift = (
        command(trainer, tmp_path, TRUNCATED="soft", MAX_RESPONSE="5000") for trainer in ("easyr1", "verl", "swift")
    )
    options = "worker.reward.reward_function_kwargs."
    assert (easyr1[f"{options}truncated"], easyr1[f"{options}max_response"]) == ("soft", "5000")
    assert verl["+reward.reward_kwargs.truncated"] == "soft"
    assert (swift["--soft_max_length"], swift["--soft_cache_length"]) == ("5000", "1000")
    assert command("swift", tmp_path, TRUNCATED="mask")["--overlong_filter"] == "true"


def test_verls_rows_have_the_pixels_of_the_release():
    assert (RELEASE.min_pixels, RELEASE.max_pixels) == (verl.MIN_PIXELS, verl.MAX_PIXELS)


def test_every_setting_of_the_release_is_in_the_table_once_with_a_source():
    assert [each.name for each in ALL] == [field.name for field in dataclasses.fields(Release)]
    assert {source_of(each.name) for each in ALL} == {"script", "config", "code"}


def test_every_trainer_has_a_key_for_a_setting_or_a_reason():
    for setting in ALL:
        for trainer in TITLES:
            assert bool(setting.missing(trainer)) != bool(list(setting.keys(trainer))), (setting.name, trainer)


@pytest.mark.parametrize("trainer", ["easyr1", "verl", "swift"])
def test_a_plan_of_the_profile_paper_is_the_releases_and_fast_changes_only_how_gpus_are_used(trainer):
    plan, fast = (make_plan(Run(gpus=16, trainer=trainer, profile=profile)) for profile in ("paper", "fast"))
    split = plan.split
    assert (split.tensor_parallel, split.gpu_memory, split.offload) == (4, 0.35, True)
    assert trainer != "easyr1" or split.batched_tokens == RELEASE.batched_tokens
    assert plan.steps == fast.steps == 164
    assert dataclasses.replace(fast.run, profile="paper") == plan.run
    assert {"tensor_parallel", "gpu_memory", "batched_tokens", "offload"} == set(FAST)


def test_the_settings_can_be_had_as_values():
    assert paper("trl")["epsilon_high"] == 0.3
    assert paper("trl")["vllm_importance_sampling_correction"] is False
    assert paper("verl")["algorithm.rollout_correction.rollout_is"] is None
