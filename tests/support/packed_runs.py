"""Packed runs of the fine-tuning script on CPUs, which write down what each process trains on."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

from repository import EXAMPLES, ROOT, SUPPORT


class PackedRuns:
    """Runs of ``qwen3vl_8b_sft.sh`` with a tiny model, one after the other, in one output directory.

    Args:
        directory: For all they write; ``directory / "out"`` is that of checkpoints and log.
        data: In the layout of the public set.
        held_out: Share of its images that are kept from training.
        flags: Of ``swift sft``, as a command line has them.
    """

    def __init__(self, directory: Path, data: Path, held_out: float, flags: str) -> None:
        self.directory, self.out = directory, directory / "out"
        plugins = [ROOT / "swift_plugins" / name for name in ("vincicoder_sft.py", "vincicoder_sft_run.py")]
        plugins += [EXAMPLES / "smoke_tokens.py", EXAMPLES / "smoke_packing.py", SUPPORT / "swift_row_log.py"]
        fixed = "--dataset vincicoder-sft --val_dataset vincicoder-sft-held-out --max_steps -1 --logging_steps 1 "
        fixed += "--save_strategy steps --eval_strategy steps --add_version false --external_plugins"
        self.command = ["bash", str(EXAMPLES / "qwen3vl_8b_sft.sh"), *flags.split(), *fixed.split()]
        self.command += map(str, plugins)
        self.variables = {"SMOKE": "1", "VINCICODER_SFT_DATA": str(data), "OUTPUT": str(self.out)}
        self.variables["VINCICODER_HELD_OUT"] = str(held_out)

    def start(self, log: str, nodes: int, **environment: str) -> tuple[str, list[int]]:
        """Start the script on so many nodes at once, and return the first one's output and the exit codes.

        What the processes train on goes to ``directory / log``; :func:`trained` reads it.
        """
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        (self.directory / log).mkdir()
        variables = self.variables | {"NNODES": str(nodes), "MASTER_PORT": port}
        variables |= {"ROW_LOG": str(self.directory / log)} | environment
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        ranks = [os.environ | variables | {"NODE_RANK": str(rank)} for rank in range(nodes)]
        started = [subprocess.Popen(self.command, env=each, **streams) for each in ranks]
        outputs = [each.communicate(timeout=900)[0] for each in started]
        return outputs[0], [each.returncode for each in started]

    def logged(self) -> list[dict]:
        """Return the lines of the training log."""
        return [json.loads(line) for line in (self.out / "logging.jsonl").read_text().splitlines()]


def trained(directory: Path, processes: int = 2) -> list[dict]:
    """Return what all processes trained on, micro batch by micro batch."""
    paths = sorted(directory.glob("rank-*.jsonl"))
    assert len(paths) == processes
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]
