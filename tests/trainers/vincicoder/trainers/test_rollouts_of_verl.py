"""What verl's own code writes of responses, read as requests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from needed import needs_release
from taught_vlm import PROMPT, target_png

from vincicoder.cli.requests_file import RequestsFile
from vincicoder.data import Record
from vincicoder.data.layouts import LAYOUTS

pytestmark = pytest.mark.verl
needs_release("verl", 0, 9)


def test_rollouts_of_verl_find_their_images_in_the_data(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from verl.trainer.ppo.v1.trainer_base import PPOTrainer

    codes = ["<svg width='1'/>", "<svg width='2'/>"]
    records = [Record(str(n), "svg", "generate", "svg", PROMPT, code, target_png()) for n, code in enumerate(codes)]
    rows = [LAYOUTS.get("verl").write(record) for record in records]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    for step in (1, 2):
        PPOTrainer._write_generations(
            inputs=[f"user\n{PROMPT}\nassistant\n"] * 2,
            outputs=["first", "second"],
            gts=[row["reward_model"]["ground_truth"] for row in rows],
            scores=[np.float32(0.5), np.float32(0.25)],
            reward_extra_infos_dict={"uid": ["a_0_0", "b_0_0"]},
            dump_path=tmp_path / "rollouts",
            global_steps=step,
        )
    read = list(RequestsFile(tmp_path / "rollouts", data=[str(tmp_path / "train.parquet")]))
    assert [row.problem for row in read] == [""] * 4
    assert [row.request.reference for row in read] == codes * 2
    assert [row.labels for row in read[1:3]] == [
        {"kind": "step 1", "group": "b", "domain": "svg"},
        {"kind": "step 2", "group": "a", "domain": "svg"},
    ]
    assert all(row.request.target == target_png() for row in read)
