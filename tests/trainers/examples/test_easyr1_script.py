"""The EasyR1 example: its settings against EasyR1's own schema, and its early refusals."""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from easyr1_schema import settings
from repository import EXAMPLES, ROOT, SUPPORT

from vincicoder.errors import RendererUnavailable
from vincicoder.languages import LANGUAGES
from vincicoder.rendering import RenderPool
from vincicoder.reward import VisualReward

SCRIPT = EXAMPLES / "qwen3vl_8b_vincicoder.sh"
KEYS = (SUPPORT / "easyr1_keys.txt").read_text(encoding="utf-8").splitlines()
REWARD_OPTIONS = "worker.reward.reward_function_kwargs."

PAPER = {
    "algorithm.adv_estimator": "grpo",
    "algorithm.disable_kl": True,
    "data.rollout_batch_size": 256,
    "data.max_prompt_length": 6144,
    "data.max_response_length": 10240,
    "data.min_pixels": 262144,
    "data.max_pixels": 4194304,
    "worker.actor.global_batch_size": 256,
    "worker.actor.max_grad_norm": 1.0,
    "worker.actor.model.freeze_vision_tower": False,
    "worker.actor.optim.lr": 1e-6,
    "worker.actor.optim.lr_warmup_ratio": 0.0,
    "worker.actor.optim.weight_decay": 1e-2,
    "worker.actor.optim.strategy": "adamw_bf16",
    "worker.rollout.n": 8,
    "worker.rollout.temperature": 1.0,
    "worker.rollout.top_p": 1.0,
    "worker.rollout.tensor_parallel_size": 4,
    "worker.reward.num_cpus": 1,
    "trainer.total_epochs": 1,
    "trainer.nnodes": 2,
    "trainer.n_gpus_per_node": 8,
    "trainer.val_freq": -1,
    "trainer.val_before_train": False,
}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    settled = {"PYTHON": sys.executable, "HF_HUB_OFFLINE": "1", **inherited, **environment}
    return subprocess.run(
        ["bash", str(SCRIPT), *arguments], env=settled, capture_output=True, text=True, timeout=240, cwd="/"
    )


def command(*arguments: str, **environment: str) -> dict[str, str]:
    """The settings of the command that the script would run; of equal keys the last, as in EasyR1."""
    done = run(*arguments, DRY_RUN="1", **environment)
    assert done.returncode == 0, done.stderr
    words = shlex.split(done.stdout)
    start = words.index("verl.trainer.main")
    assert words[start - 2 : start] == [sys.executable, "-m"]
    return dict(word.split("=", 1) for word in words[start + 1 :])


def value(text: str):
    """Read a value as EasyR1's configuration does, for the kinds that occur here."""
    if text.startswith("["):
        return json.loads(text)
    constants = {"true": True, "false": False, "null": None}
    if text in constants:
        return constants[text]
    number = re.fullmatch(r"-?\d+(\.\d*)?(e-?\d+)?", text)
    return text if number is None else float(text) if number[1] or number[2] else int(text)


def fits(given, kind: str) -> bool:
    if kind.startswith("Optional["):
        return given is None or fits(given, kind[len("Optional[") : -1])
    kinds = {"int": int, "float": (int, float), "bool": bool, "str": str, "Tuple[str]": list}
    return isinstance(given, kinds[kind]) and (kind == "bool" or not isinstance(given, bool))


def test_every_key_is_in_easyr1s_schema_with_a_value_of_its_type():
    schema = dict(line.split(" ") for line in KEYS)
    for key, text in command(IMAGE_DIR="/").items():
        parent = key.rsplit(".", 1)[0]
        if schema.get(parent, "").startswith("dict"):
            continue
        assert key in schema, f"{key} is not a setting of EasyR1"
        assert fits(value(text), schema[key]), f"{key}={text} is not {schema[key]}"


def test_keys_that_only_the_fork_has_are_not_given():
    assert not {"worker.reward.reward_type", "worker.reward.num_gpus"} & set(command())


@pytest.mark.skipif("EASYR1_HOME" not in os.environ, reason="EASYR1_HOME names no checkout of EasyR1")
def test_key_list_is_that_of_the_checkout():
    assert settings(os.environ["EASYR1_HOME"]) == KEYS


def test_settings_are_the_papers():
    given = {key: value(text) for key, text in command().items()}
    assert {key: given[key] for key in PAPER} == PAPER


def test_prompt_template_adds_nothing_and_columns_are_the_public_data_sets():
    given = command()
    assert given["data.format_prompt"] == "null"
    assert (given["data.prompt_key"], given["data.answer_key"], given["data.image_key"]) == (
        "problem",
        "answer",
        "images",
    )


def test_validation_takes_as_many_responses_as_easyr1_expects():
    assert command()["worker.rollout.val_override_config.n"] == "1"


@pytest.mark.parametrize("train", ["org/name", "org/name@train", "/data/rows.parquet"])
def test_validation_rows_are_a_slice_of_the_training_rows(train):
    assert command(TRAIN_FILES=train)["data.val_files"] == train.split("@")[0] + "@train[:64]"


def test_reward_options_exist():
    known = {*inspect.signature(VisualReward).parameters, "image_dir"}
    for environment in ({}, {"IMAGE_DIR": "/"}, {"REWARD_ENCODER": "embedded"}):
        given = command(**environment)
        names = {key.removeprefix(REWARD_OPTIONS) for key in given if key.startswith(REWARD_OPTIONS)}
        assert names <= known


def test_reward_file_is_the_one_of_this_repository():
    path, function = command()["worker.reward.reward_function"].rsplit(":", 1)
    assert Path(path) == ROOT / "verl_rewards" / "vincicoder_easyr1.py"
    assert function == "compute_score"


def test_environment_and_arguments_override():
    given = command(
        "worker.rollout.n=16",
        "trainer.max_steps=2",
        MODEL="/m odel",
        NNODES="1",
        BATCH="32",
        LR="2e-6",
        GROUP="4",
    )
    assert given["worker.rollout.n"] == "16"
    assert given["trainer.max_steps"] == "2"
    assert given["worker.actor.model.model_path"] == "/m odel"
    assert given["trainer.nnodes"] == "1"
    assert given["data.rollout_batch_size"] == given["worker.actor.global_batch_size"] == "32"
    assert given["worker.actor.optim.lr"] == "2e-6"


def test_help_lists_every_variable_that_the_script_reads():
    help_text = run("--help").stdout
    script = SCRIPT.read_text(encoding="utf-8")
    for name in re.findall(r'"\$\{([A-Z_]+):=', script):
        assert re.search(rf"\b{name}\b", help_text), name


def test_script_names_no_machine():
    text = SCRIPT.read_text(encoding="utf-8") + (EXAMPLES / "easyr1_checks.py").read_text(encoding="utf-8")
    assert not [word for word in ("/mnt/", "/home/", "/opt/") if word in text]


def package(directory: Path, **modules: str) -> Path:
    """Make importable modules out of texts; ``__`` in a name stands for a dot."""
    for name, text in modules.items():
        path = directory / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        for parent in path.relative_to(directory).parents[:-1]:
            (directory / parent / "__init__.py").touch()
        path.write_text(text, encoding="utf-8")
    return directory


@pytest.fixture
def home(tmp_path) -> Path:
    """What a checkout of EasyR1 looks like to the checks; its trainer prints the settings it was given."""
    return package(
        tmp_path / "EasyR1",
        verl__workers__reward__function="",
        verl__trainer__main="import sys\nprint('TRAINING', *sys.argv[1:])\n",
    )


def ray(*nodes: dict[str, int]) -> str:
    """Stands in for Ray: a cluster of these nodes, or none that answers."""
    if not nodes:
        return "def init(**options): raise ConnectionError"
    listed = [{"Alive": True, "Resources": node} for node in nodes]
    return f"def init(**options): pass\ndef shutdown(): pass\ndef nodes(): return {listed!r}\n"


@pytest.fixture
def modules(tmp_path) -> Path:
    """What the checks find installed: a Ray with eight GPUs, and an OmegaConf that EasyR1 can use."""
    directory = package(tmp_path / "modules", ray=ray({"CPU": 200, "GPU": 8}))
    return with_omegaconf(directory, "2.3.0")


def with_omegaconf(modules: Path, version: str) -> Path:
    facts = modules / "omegaconf.dist-info"
    facts.mkdir(exist_ok=True)
    text = f"Metadata-Version: 2.1\nName: omegaconf\nVersion: {version}\n"
    (facts / "METADATA").write_text(text, encoding="utf-8")
    return modules


@pytest.fixture
def world(home, modules, tmp_path) -> dict[str, str]:
    """An environment in which nothing is missing."""
    rows = tmp_path / "rows.jsonl"
    rocket = EXAMPLES / "samples" / "svg" / "rocket"
    answer = "```svg\n" + (rocket / "reference.svg").read_text("utf-8") + "```"
    row = {"problem": "As SVG.", "answer": answer, "images": [str(rocket / "target.png")]}
    rows.write_text(json.dumps(row) + "\n", encoding="utf-8")
    return {
        "EASYR1_HOME": str(home),
        "PYTHONPATH": str(modules),
        "TRAIN_FILES": str(rows),
        "REWARD_ENCODER": "embedded",
        "NNODES": "1",
    }


def refusal(world: dict[str, str], **changes: str) -> str:
    done = run(**{**world, **changes})
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.startswith("Not started: ")
    assert "Traceback" not in done.stderr
    assert "TRAINING" not in done.stdout
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def renderers() -> None:
    """Goes on only where every language can be rendered."""
    with RenderPool(workers=1) as pool:
        try:
            details = [pool.start(language) for language in LANGUAGES]
        except RendererUnavailable as error:
            pytest.skip(f"this machine lacks a renderer: {error}")
    assert len(details) == len(LANGUAGES)


def test_starts_when_everything_is_there(world, renderers):
    done = run("trainer.max_steps=1", **world)
    assert done.returncode == 0, done.stderr
    assert "TRAINING data.train_files=" in done.stdout
    assert done.stdout.strip().endswith("trainer.max_steps=1")


def test_refuses_without_easyr1(world):
    assert "EASYR1_HOME" in refusal(world, EASYR1_HOME="/nowhere")


def test_refuses_verl_in_place_of_easyr1(world, tmp_path):
    other = package(tmp_path / "other", verl__trainer__main_ppo="")
    assert "is verl, not EasyR1" in refusal(world, EASYR1_HOME=str(other))


def test_refuses_an_omegaconf_that_easyr1_cannot_use(world, modules):
    with_omegaconf(modules, "2.4.0")
    assert "omegaconf<2.4" in refusal(world)


def test_refuses_without_the_rewards_dependencies(world, modules):
    package(modules, PIL__Image="raise ModuleNotFoundError(name='PIL')")
    assert "vincicoder needs PIL" in refusal(world)


def test_refuses_missing_data(world):
    assert "TRAIN_FILES" in refusal(world, TRAIN_FILES="/nowhere/rows.parquet")


def test_refuses_data_with_other_columns(world):
    said = refusal(world, PROMPT_KEY="question")
    assert "no column question but answer, images, problem" in said


def test_refuses_a_directory_with_more_than_data(world, tmp_path):
    directory = tmp_path / "rl"
    directory.mkdir()
    for name in ("a.parquet", "b.parquet", "README.md", ".lock"):
        (directory / name).touch()
    assert "as one kind of file; move .lock, README.md elsewhere" in refusal(world, TRAIN_FILES=str(directory))


def test_refuses_too_few_gpus_on_this_machine(world, modules):
    device_count = "class cuda:\n    @staticmethod\n    def device_count(): return 4\n"
    package(modules, ray=ray(), torch=device_count)
    assert "1 node(s) with 8 GPUs each were asked for, the GPUs here are: 4" in refusal(world)


def test_refuses_several_nodes_without_ray(world, modules):
    package(modules, ray=ray())
    assert "no Ray cluster answers" in refusal(world, NNODES="2")


def test_refuses_a_cluster_with_too_few_gpus(world, modules):
    package(modules, ray=ray({"CPU": 200, "GPU": 8}, {"CPU": 200}))
    assert "2 node(s) with 8 GPUs each were asked for, the GPUs here are: 8, 0" in refusal(world, NNODES="2")


def test_refuses_reward_actors_that_would_wait_for_ever(world, modules):
    package(modules, ray=ray({"CPU": 160, "GPU": 8}))
    said = refusal(world, REWARD_CPUS="80")
    assert "the CPUs here suffice for 1" in said and "fix: lower REWARD_CPUS" in said


def test_renders_as_many_as_each_node_has_cpus_unless_told_otherwise():
    assert REWARD_OPTIONS + "workers" not in command()
    assert command(REWARD_WORKERS="40")[REWARD_OPTIONS + "workers"] == "40"


def test_refuses_an_encoder_that_cannot_be_loaded(world):
    pytest.importorskip("transformers")
    said = refusal(world, REWARD_ENCODER="/nowhere/dinov2")
    assert "MISSING   encoder" in said and "hf download" in said


def test_refuses_an_option_of_the_reward_that_is_misspelt(world):
    done = run("worker.reward.reward_function_kwargs.presett=robust", **world)
    assert done.returncode == 1
    assert "did you mean 'preset'?" in done.stdout


def test_a_variable_that_is_nearly_one_of_the_scripts_is_named(world):
    done = run(DRY_RUN="1", **world, NNODE="1")
    assert done.returncode == 2
    assert done.stderr == (
        "qwen3vl_8b_vincicoder.sh: NNODE is set, but the variable is called NNODES; rename or unset it\n"
    )
