"""The script for verl: its settings are composed by verl's own configuration, and what is missing is said."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from repository import EXAMPLES

SCRIPT = EXAMPLES / "qwen3vl_8b_vincicoder_verl.sh"
GIVEN = {"PYTHON": sys.executable, "TRAIN_FILES": "/data/train.parquet"}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, **GIVEN, **environment}
    return subprocess.run(["bash", str(SCRIPT), *arguments], env=variables, capture_output=True, text=True)


@pytest.mark.verl
def test_verl_composes_the_settings_and_finds_the_manager():
    reward_loop = pytest.importorskip("verl.experimental.reward_loop", reason="verl >= 0.9 is not installed")
    import verl
    from hydra import compose, initialize_config_dir
    from verl.trainer.ppo.reward import resolve_reward_manager_cls

    done = run("trainer.save_freq=7", DRY_RUN="1", REWARD_WORKERS="12")
    assert done.returncode == 0, done.stderr
    overrides = shlex.split(done.stdout)[3:]
    with initialize_config_dir(config_dir=str(Path(verl.__file__).parent / "trainer" / "config"), version_base=None):
        config = reward_loop.migrate_legacy_reward_impl(compose("ppo_trainer", overrides=overrides))
    assert resolve_reward_manager_cls(config).__name__ == "VinciCoderRewardManager"
    assert dict(config.reward.reward_kwargs) == {"encoder": "facebook/dinov2-large", "device": "cuda", "workers": 12}
    assert (config.algorithm.adv_estimator, config.actor_rollout_ref.rollout.n) == ("grpo", 8)
    assert (config.data.train_batch_size, config.actor_rollout_ref.actor.optim.lr) == (256, 1e-6)
    assert not config.actor_rollout_ref.actor.use_kl_loss
    assert config.trainer.save_freq == 7, "one's own settings win"


def test_benchmarks_become_validation_data_at_an_interval(tmp_path):
    missing = run(DRY_RUN="1", BENCHMARKS="unisvg,chartmimic", VALIDATION=str(tmp_path))
    assert missing.returncode == 2
    assert "run: vincicoder eval export unisvg --samples 50 --layout verl" in missing.stderr
    for name in ("unisvg", "chartmimic"):
        (tmp_path / f"{name}.parquet").touch()
    done = run(DRY_RUN="1", BENCHMARKS="unisvg,chartmimic", VALIDATION=str(tmp_path), EVAL_STEPS="7")
    assert done.returncode == 0, done.stderr
    settings = dict(each.split("=", 1) for each in shlex.split(done.stdout)[3:])
    assert settings["data.val_files"] == f"[{tmp_path}/unisvg.parquet,{tmp_path}/chartmimic.parquet]"
    assert settings["+reward.reward_kwargs.benchmarks"] == "[unisvg,chartmimic]"
    assert settings["trainer.test_freq"] == "7"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TRAIN_FILES": ""}, "TRAIN_FILES is not set; give the Parquet files"),
        ({"PYTHON": "/bin/false"}, r"/bin/false has no verl >= 0.9; run: pip install"),
    ],
)
def test_what_is_missing_is_one_sentence(environment, said):
    done = run(**environment)
    assert done.returncode == 2
    assert re.match(f"qwen3vl_8b_vincicoder_verl.sh: {said}", done.stderr.splitlines()[-1])


def test_help_lists_every_variable_that_the_script_reads():
    help_text = run("--help").stdout
    for name in re.findall(r'"\$\{([A-Z_]+):=', SCRIPT.read_text("utf-8")):
        assert re.search(rf"\b{name}\b", help_text), name
