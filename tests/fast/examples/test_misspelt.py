"""A variable that is nearly one of a script's is named before the script does anything."""

from __future__ import annotations

import os
import subprocess

import pytest
from repository import EXAMPLES

SCRIPTS = {
    "qwen3vl_8b_vincicoder.sh": ("NNODE", "NNODES"),
    "qwen3vl_8b_vincicoder_verl.sh": ("TRAIN_FILE", "TRAIN_FILES"),
    "qwen3vl_8b_grpo_swift.sh": ("GPU_PER_NODE", "GPUS_PER_NODE"),
    "qwen3vl_8b_sft.sh": ("BATHC", "BATCH"),
    "qwen25vl_7b_sft.sh": ("PACKNG", "PACKING"),
    "choose_checkpoint.sh": ("PATIENC", "PATIENCE"),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_misspelt_variable_ends_the_script_with_its_right_name(name, tmp_path):
    wrong, right = SCRIPTS[name]
    command = ["bash", str(EXAMPLES / name), str(tmp_path)]
    done = subprocess.run(command, env={"PATH": os.environ["PATH"], wrong: "2"}, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{name}: {wrong} is set, but the variable is called {right}; rename or unset it\n"


def test_every_script_that_starts_a_job_is_here():
    starts = {path.name for path in EXAMPLES.glob("*.sh")} - {"install_system.sh", "quickstart.sh", "swift_sft.sh"}
    assert starts == set(SCRIPTS)
