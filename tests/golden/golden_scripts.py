"""The example scripts: the variables that their help lists, and the settings that a dry run shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from typing import Any

from golden_images import ROOT

TRAINING = (
    "qwen3vl_8b_sft",
    "qwen25vl_7b_sft",
    "qwen3vl_8b_grpo_swift",
    "qwen3vl_8b_vincicoder",
    "qwen3vl_8b_vincicoder_verl",
)
OTHERS = ("quickstart",)

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]+")
_SWITCH = re.compile(r"\b([A-Z_]{4,})=\w")
_INHERITED = ("PATH", "HOME", "LANG")


def scripts() -> dict[str, Any]:
    """Collect every script's variables, and the settings of those that start a training."""
    return {
        name: {"variables": _variables(name), **({"settings": _settings(name)} if name in TRAINING else {})}
        for name in (*TRAINING, *OTHERS)
    }


def _run(name: str, *arguments: str, **environment: str) -> str:
    variables = {each: os.environ[each] for each in _INHERITED if each in os.environ} | environment
    command = ["bash", str(ROOT / "examples" / f"{name}.sh"), *arguments]
    done = subprocess.run(command, env=variables, cwd="/", check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{name}.sh {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def _variables(name: str) -> list[str]:
    """Return the names in the first column of the help, and those that its text sets."""
    text = _run(name, "--help")
    found = dict.fromkeys(_SWITCH.findall(text))
    for line in text.splitlines():
        if line.startswith("  "):
            column = re.split(r"\s{2,}|\s\(|\s\[", line.strip())[0]
            found |= dict.fromkeys(each for each in re.split(r",\s*", column) if _VARIABLE.fullmatch(each))
    return sorted(found)


def _settings(name: str) -> dict[str, str]:
    """Return flags or keys with their values; directories of this clone stand as ``{root}``."""
    shown = _run(
        *(name,),
        DRY_RUN="1",
        SKIP_CHECKS="1",
        SWIFT="true",
        PYTHON=sys.executable,
        MODEL="model",
        TRAIN_FILES="train.parquet",
        OUTPUT="out",
    )
    words = [word.replace(str(ROOT), "{root}") for word in shlex.split(shown)]
    settings: dict[str, list[str]] = {}
    flag = None
    for word in words:
        if word.startswith("--"):
            flag = word
            settings[flag] = []
        elif flag is not None:
            settings[flag].append(word)
        elif re.match(r"\+?[a-z][\w.]*\.[\w.]+=", word):
            key, _, value = word.partition("=")
            settings[key] = [value]
    return {key: " ".join(values) for key, values in settings.items()}
