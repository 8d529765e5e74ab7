"""The trainers' doors: what they are handed for every sample, and what they log.

The reward files for EasyR1 and verl and the reward function for TRL are called as the trainers call them, without the
trainers. The plugins for ms-swift and the reward manager for verl import theirs, so they are looked at only where it is
installed.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import importlib.util
import io
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from golden_environment import variables
from golden_images import RESPONSES, ROOT, blocks
from golden_names import OPTIONS, accepted

from vincicoder import CompletionReward

_QUICK = {"encoder": "embedded", "workers": 1, "cluster": False}
_PROMPT = "Write SVG code that draws this picture."
DATA_DIRECTORIES = {
    "VINCICODER_SFT_DATA": "vincicoder-sft",
    "VINCICODER_RL_DATA": "vincicoder-rl",
    "VINCICODER_RECORDS_DATA": "vincicoder-records",
}
"""Variables that name a directory, and the data set that is read from it."""

_NO_VALUE = "seconds"  # in the name of a metric that is a time


def load_by_path(directory: str, name: str) -> ModuleType:
    """Load a file of this clone as trainers do."""
    spec = importlib.util.spec_from_file_location(f"golden_{name}", ROOT / directory / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _png() -> bytes:
    buffer = io.BytesIO()
    blocks().save(buffer, "PNG")
    return buffer.getvalue()


def _logged(rows: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Return the keys of all samples, and the values that do not depend on the machine."""
    keys = [list(row) for row in rows.values()]
    values = {
        name: {key: round(value, 6) for key, value in row.items() if _NO_VALUE not in key} for name, row in rows.items()
    }
    return {"keys": keys[0], "the same for all": all(each == keys[0] for each in keys), "values": values}


# EasyR1


def easyr1() -> dict[str, Any]:
    """Collect what EasyR1 is handed, for every way in which a row can name its target."""
    module = load_by_path("verl_rewards", "vincicoder_easyr1")
    target = {"target": base64.b64encode(_png()).decode(), "language": "svg"}
    inputs = [{"response": response, "ground_truth": json.dumps(target)} for response in RESPONSES.values()]
    scored = dict(zip(RESPONSES, module.compute_score(inputs, **_QUICK), strict=True))
    perfect = RESPONSES["perfect"]
    beside = {"multi_modal_data": {"images": [blocks()]}, "problem": _PROMPT}
    ways: dict[str, dict[str, Any]] = {
        "struct": {"ground_truth": target},
        "path": {"ground_truth": {"target": "target.png", "language": "SVG"}},
        "code, image beside it": {"ground_truth": perfect, **beside},
        "missing image": {"ground_truth": {"target": "missing.png", "language": "svg"}},
        "no image": {"ground_truth": {"language": "svg"}},
    }
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "target.png").write_bytes(_png())
        rows = module.compute_score(
            [{"response": perfect, **way} for way in ways.values()], image_dir=directory, **_QUICK
        )

    def attempt(options: dict[str, Any]) -> object:
        return module.compute_score(inputs[:1], **{**_QUICK, **options})

    return {
        "names": {"REWARD_NAME": module.REWARD_NAME, "REWARD_TYPE": module.REWARD_TYPE},
        "metrics": _logged(scored),
        "ways": _logged(dict(zip(ways, rows, strict=True))),
        "options": accepted(attempt, {**OPTIONS, "image_dir": ".", "read_batch": False, "cluster": False}),
    }


# verl


def verl() -> dict[str, Any]:
    """Collect what verl's reward function is handed."""
    module = load_by_path("verl_rewards", "vincicoder_verl")
    extra = {"target": _png(), "language": "svg"}
    in_truth = json.dumps({"target": base64.b64encode(_png()).decode(), "language": "svg"})
    rows: dict[str, tuple[Any, ...]] = {
        **{name: (RESPONSES[name], "", extra) for name in ("perfect", "partial", "no_code", "raster")},
        "target in the ground truth": (RESPONSES["partial"], in_truth, None),
        "no target": (RESPONSES["partial"], "", {"language": "svg"}),
    }

    async def score() -> list[dict[str, float]]:
        calls = [module.compute_score("vincicoder", *each, **_QUICK) for each in rows.values()]
        return await asyncio.gather(*calls)

    def attempt(options: dict[str, Any]) -> object:
        call = module.compute_score("vincicoder", RESPONSES["perfect"], "", extra, **{**_QUICK, **options})
        return asyncio.run(call)

    own = {"image_dir": ".", "batch_size": 8, "window_ms": 5.0, "cluster": False}
    return {
        "metrics": _logged(dict(zip(rows, asyncio.run(score()), strict=True))),
        "options": accepted(attempt, {**OPTIONS, **own}),
    }


def verl_manager() -> dict[str, Any]:
    """Collect what verl's reward manager hands back; needs verl."""
    module = load_by_path("verl_rewards", "vincicoder_manager")
    from verl.experimental.reward_loop.reward_manager.registry import REWARD_MANAGER

    config = _verl_configuration({**_QUICK, "batch_size": 8, "window_ms": 5.0})
    tokenizer = SimpleNamespace(decode=lambda tokens, skip_special_tokens: "".join(map(chr, tokens)))

    async def run(response: str, columns: dict[str, Any]) -> dict[str, Any]:
        manager = module.VinciCoderRewardManager(config, tokenizer, None)
        import torch

        tokens = torch.tensor([ord(each) for each in response])
        batch = {"responses": tokens, "attention_mask": torch.ones(3 + len(tokens), dtype=torch.long)}
        scored: dict[str, Any] = await manager.run_single([SimpleNamespace(batch=batch, non_tensor_batch=columns)])
        return scored

    asked = [{"role": "user", "content": [{"type": "image", "image": blocks()}, {"type": "text", "text": _PROMPT}]}]
    rows = {
        "image of the prompt": {"raw_prompt": asked},
        "extra_info": {"extra_info": {"target": _png(), "language": "svg"}},
        "ground_truth": {"reward_model": {"ground_truth": {"target": _png(), "language": "svg"}}},
    }
    scored = {name: asyncio.run(run(RESPONSES["partial"], columns)) for name, columns in rows.items()}
    return {
        "registered": [name for name in REWARD_MANAGER if "vincicoder" in name],
        "keys": list(scored["extra_info"]),
        "scores": {name: round(each["reward_score"], 6) for name, each in scored.items()},
        "metrics": _logged({name: each["reward_extra_info"] for name, each in scored.items()}),
    }


def _verl_configuration(options: Mapping[str, Any]) -> Any:
    """Return verl's own configuration with our reward manager and its options."""
    import verl
    from hydra import compose, initialize_config_dir
    from verl.experimental.reward_loop import migrate_legacy_reward_impl

    settings = [f"+reward.reward_kwargs.{name}={json.dumps(value)}" for name, value in options.items()]
    directory = Path(verl.__file__).parent / "trainer" / "config"
    with initialize_config_dir(config_dir=str(directory), version_base=None):
        configuration = compose("ppo_trainer", overrides=["reward.reward_manager.name=vincicoder", *settings])
    return migrate_legacy_reward_impl(configuration)


# TRL


def completions() -> dict[str, Any]:
    """Collect what the reward function for TRL and ms-swift returns and logs."""
    texts = list(RESPONSES.values())
    messages = [[{"role": "assistant", "content": text}] for text in texts]
    asked = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": _PROMPT}]}]
    count = len(texts)
    columns: dict[str, dict[str, Any]] = {
        "texts": {"completions": texts, "prompts": [_PROMPT] * count, "image": [blocks()] * count},
        "messages": {"completions": messages, "prompts": [asked] * count, "images": [[blocks()]] * count},
        "language": {"completions": texts, "target": [_png()] * count, "language": ["svg"] * count},
        "ms-swift": {
            "completions": texts,
            "messages": [[*asked, *message] for message in messages],
            "images": [[{"bytes": _png(), "path": None}]] * count,
        },
        "solution": {
            "completions": texts,
            "solution": [json.dumps({"target": base64.b64encode(_png()).decode(), "language": "svg"})] * count,
        },
    }
    logged: dict[str, float] = {}
    rewards = {name: CompletionReward(name, **_QUICK) for name in ("overall", "visual", "alignment", "execution")}
    first = columns["texts"] | {"log_metric": logged.__setitem__}
    return {
        "names": {name: reward.__name__ for name, reward in rewards.items()},
        "components": {name: _rounded(reward(**first)) for name, reward in rewards.items()},
        "columns": {name: _rounded(rewards["overall"](**each)) for name, each in columns.items()},
        "logged": list(logged),
        "means": {name: round(value, 6) for name, value in logged.items() if _NO_VALUE not in name},
    }


def _rounded(scores: list[float | None]) -> dict[str, float | None]:
    """Return the scores by the names of ``RESPONSES``."""
    pairs = zip(RESPONSES, scores, strict=True)
    return {name: None if score is None else round(score, 6) for name, score in pairs}


# ms-swift


def swift() -> dict[str, Any]:
    """Collect what ms-swift's plugins register, read and log; needs ms-swift."""
    from swift.callbacks import callbacks_map
    from swift.dataset import DATASET_MAPPING
    from swift.rewards import orms
    from swift.utils import import_external_file

    for name in ("vincicoder_sft", "vincicoder_grpo"):
        import_external_file(str(ROOT / "swift_plugins" / f"{name}.py"))
    found = [meta for meta in DATASET_MAPPING.values() if (meta.dataset_name or "").startswith("vincicoder")]
    return {
        "rewards": sorted(name for name in orms if name.startswith("vincicoder")),
        "callbacks": sorted(name for name in callbacks_map if name.startswith("vincicoder")),
        "data_sets": sorted(meta.dataset_name for meta in found),
        "subsets": sorted({subset.name for meta in found for subset in meta.subsets}),
        "repositories": {meta.dataset_name: meta.hf_dataset_id for meta in found},
        "directories": [name for name, data_set in DATA_DIRECTORIES.items() if _reads_directory(name, data_set)],
        **_swift_rewards(orms, callbacks_map),
    }


def _reads_directory(variable: str, data_set: str) -> bool:
    """Whether a data set is looked for in the directory that a variable names; it is empty, which the error says."""
    from swift.dataset import load_dataset

    with (
        tempfile.TemporaryDirectory() as directory,
        variables({variable: directory, "HF_HUB_OFFLINE": "1", "MODELSCOPE_CACHE": directory}),
    ):
        try:
            load_dataset(data_set)
        except SystemExit as end:
            return directory in str(end)
    return False


def _swift_rewards(orms: Mapping[str, Any], callbacks: Mapping[str, Any]) -> dict[str, Any]:
    """Score a batch as a training does, with options from the environment and from a file."""
    names = ("vincicoder", "vincicoder_visual", "vincicoder_alignment", "vincicoder_execution")
    texts = list(RESPONSES.values())
    columns = {"images": [[{"bytes": _png(), "path": None}]] * len(texts), "language": ["svg"] * len(texts)}

    async def score() -> list[list[float | None]]:
        return await asyncio.gather(*(orms[name]()(texts, **columns) for name in names))

    log: dict[str, dict[str, list[float]]] = {"train": defaultdict(list), "eval": defaultdict(list)}
    callback = callbacks["vincicoder"](None, SimpleNamespace(_metrics=log))
    with _reward_variables(_QUICK):
        callback.on_step_end(None, None, None)  # forgets what was scored before
        log["train"].clear()
        scores = asyncio.run(score())
        callback.on_step_end(None, None, None)
        orms["vincicoder"]()
        asyncio.run(orms["vincicoder"]()(texts[:2], **{name: values[:2] for name, values in columns.items()}))
        callback.on_prediction_step(None, None, None)
    return {
        "scores": {name: _rounded(each) for name, each in zip(names, scores, strict=True)},
        "logged": {mode: sorted(values) for mode, values in log.items()},
        "variables": _swift_variables(orms),
        "config": _swift_config(orms),
    }


def _swift_variables(orms: Mapping[str, Any]) -> list[str]:
    """Return the variables of the environment that set an option."""

    def attempt(options: dict[str, Any]) -> None:
        with _reward_variables(options):
            orms["vincicoder"]()

    options = {**OPTIONS, "image_dir": ".", "faults": "mean"}
    return [f"VINCICODER_REWARD_{name.upper()}" for name in accepted(attempt, options)]


def _swift_config(orms: Mapping[str, Any]) -> dict[str, bool]:
    """Say whether the file that ``VINCICODER_REWARD_CONFIG`` names is read, and a misspelt option refused."""
    taken: dict[str, bool] = {}
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        for name, text in {"known option": "workers: 1", "unknown option": "wrokers: 1"}.items():
            Path(file.name).write_text(text)
            with _reward_variables({"config": file.name}):
                taken[name] = bool(accepted(lambda _: orms["vincicoder"](), {"file": None}))
    return taken


def _reward_variables(options: Mapping[str, Any]) -> contextlib.AbstractContextManager[None]:
    """Set the reward's options in the environment, and no others."""
    return variables(
        {
            f"VINCICODER_REWARD_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
            for name, value in options.items()
        }
    )
