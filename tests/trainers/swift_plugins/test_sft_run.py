"""What a packed run trains on, on two nodes, interrupted and resumed: updates, tokens and rows, to the last one."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from itertools import chain
from types import SimpleNamespace

import numpy as np
import pytest
from needed import needs
from packed_runs import PackedRuns, trained
from public_layout import chart_rows, parquet, svg_rows, web_rows
from repository import ROOT

pytestmark = pytest.mark.swift
needs("swift", "ms-swift is not installed")

PLUGINS = ROOT / "swift_plugins"


@pytest.fixture(scope="module")
def run_plugin(swift_environment):
    from swift.utils import import_external_file

    return import_external_file(str(PLUGINS / "vincicoder_sft_run.py"))


class Packed:
    """A packed data set of rows of 10 to 99 tokens."""

    def __init__(self, sequences: int, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        sizes = random.integers(1, 9, sequences)
        rows = iter(range(int(sizes.sum())))
        self.packed_idx = [[next(rows) for _ in range(size)] for size in sizes]
        self.lengths = random.integers(10, 100, int(sizes.sum())).tolist()
        self.packed_length = [sum(self.lengths[row] for row in rows) for rows in self.packed_idx]

    def __len__(self) -> int:
        return len(self.packed_idx)


def arguments(processes, micro_batch, accumulation, **others):
    given = {"world_size": processes, "per_device_train_batch_size": micro_batch, "data_seed": 42}
    given |= {"gradient_accumulation_steps": accumulation, "train_dataloader_shuffle": True, "max_steps": -1}
    given |= {"num_train_epochs": 2.0, "resume_from_checkpoint": None, "ignore_data_skip": False}
    return SimpleNamespace(**given | others)


def started(run_plugin, dataset, args, master=True):
    run = run_plugin.VinciCoderRun(args, SimpleNamespace(train_dataset=dataset))
    run.on_init_end(args, SimpleNamespace(is_world_process_zero=master, global_step=0), None)
    return run


def dealt(args, length, rank, epoch, skipped=0):
    """The batches that ms-swift's own sampler gives to a process in an epoch, those of a resumed run included."""
    from accelerate.data_loader import SkipBatchSampler
    from swift.dataloader import BatchSamplerShard

    kind = type("Of", (BatchSamplerShard,), {"rank": rank, "world_size": args.world_size})
    sampler = kind(length, args.per_device_train_batch_size, shuffle=True, drop_last=False, data_seed=args.data_seed)
    sampler.set_epoch(epoch)
    return list(SkipBatchSampler(sampler, skipped) if skipped else sampler)


@pytest.mark.parametrize(("sequences", "shape"), [(24, (2, 1, 3)), (25, (2, 2, 2)), (67, (8, 1, 2)), (9, (1, 1, 4))])
def test_rows_and_tokens_are_those_that_ms_swift_deals(run_plugin, sequences, shape):
    dataset, args = Packed(sequences), arguments(*shape)
    run = started(run_plugin, dataset, args)
    rows = tokens = updates = 0
    for epoch in range(2):
        batches = [dealt(args, len(dataset), rank, epoch) for rank in range(args.world_size)]
        seen = Counter(chain.from_iterable(chain.from_iterable(batches)))
        assert seen == Counter(range(sequences - run.schedule.left_over)), "the last ones are left over in each epoch"
        for start in range(0, len(batches[0]), args.gradient_accumulation_steps):
            taken = [each[start : start + args.gradient_accumulation_steps] for each in batches]
            indices = list(chain.from_iterable(chain.from_iterable(taken)))
            rows += sum(len(dataset.packed_idx[index]) for index in indices)
            tokens += sum(dataset.packed_length[index] for index in indices)
            updates += 1
            assert run.seen(updates) == (rows, tokens)
        assert updates == (epoch + 1) * run.schedule.updates
    resumed = dealt(args, len(dataset), 0, 1, skipped=args.gradient_accumulation_steps)
    assert resumed == dealt(args, len(dataset), 0, 1)[args.gradient_accumulation_steps :]


def saved(run, directory, step):
    checkpoint = directory / f"checkpoint-{step}"
    checkpoint.mkdir()
    run.on_save(
        SimpleNamespace(output_dir=str(directory)), SimpleNamespace(global_step=step, is_world_process_zero=True), None
    )
    return checkpoint


@pytest.mark.parametrize(
    ("changes", "data", "sentence"),
    [
        ({}, Packed(20), None),
        ({"world_size": 4}, Packed(20), "processes was 2 and is 4"),
        ({"gradient_accumulation_steps": 1}, Packed(20), "accumulation was 3 and is 1"),
        ({"data_seed": 7}, Packed(20), "seed was 42 and is 7"),
        ({}, Packed(20, seed=1), "packing was [0-9a-f]{16} and is"),
        ({"ignore_data_skip": True}, Packed(21), None),
    ],
    ids=["same", "processes", "accumulation", "seed", "packing", "asked for"],
)
def test_a_run_goes_on_only_with_what_it_began_with(run_plugin, tmp_path, changes, data, sentence):
    first = started(run_plugin, Packed(20), arguments(2, 1, 3))
    args = arguments(2, 1, 3, resume_from_checkpoint=str(saved(first, tmp_path, 4)))
    args = SimpleNamespace(**vars(args) | changes)
    if sentence is None:
        assert started(run_plugin, data, args).schedule
        return
    with pytest.raises(SystemExit, match=rf"checkpoint-4 cannot be resumed .*{sentence}"):
        started(run_plugin, data, args)
    with pytest.raises(SystemExit, match=r"^1$"):
        started(run_plugin, data, args, master=False)


def test_the_schedule_is_said_in_words(run_plugin):
    schedule = run_plugin.Schedule(1000, 2_000_000, 125, 2, 1, 4, 42, "")
    assert run_plugin.described(schedule, -1, 2.0) == (
        "vincicoder-sft: an epoch has 1,000 rows in 125 sequences, 2,000,000 tokens; an update 8 sequences, about 64 rows "
        "and 128,000 tokens; 16 updates an epoch, 32 in all; the last 1 left over in each epoch, about 8 rows"
    )
    plain = dataclasses.replace(schedule, tokens=None, sequences=1000)
    assert run_plugin.described(plain, 50, 2.0) == (
        "vincicoder-sft: an epoch has 1,000 rows in 1,000 sequences; an update 8 sequences, about 8 rows; 125 updates an "
        "epoch, 50 in all"
    )
    assert run_plugin.schedule_of(iter(()), None) is None, "the length of a stream is unknown"


ROWS, HELD_OUT, SAVED, ENDED = 114, 0.2, 5, 6


@pytest.fixture(scope="module")
def two_nodes(swift_environment, tmp_path_factory):
    directory = tmp_path_factory.mktemp("two")
    parquet(directory / "data" / "chart2code_refine.parquet", chart_rows(31))
    parquet(directory / "data" / "web2html_1.parquet", web_rows(23))
    parquet(directory / "data" / "img2svg_1.parquet", svg_rows(60))
    flags = f"--num_train_epochs 2 --gradient_accumulation_steps 2 --save_steps {SAVED} --eval_steps {SAVED} "
    return PackedRuns(directory, directory / "data", HELD_OUT, flags + "--packing_length 512")


@pytest.mark.slow
@pytest.mark.timeout(2000)
def test_a_packed_run_on_two_nodes_is_exact_when_it_is_killed_and_resumed(two_nodes):
    output, codes = two_nodes.start("first", nodes=2, END_AT=str(ENDED))
    assert all(codes), output[-3000:]
    output, codes = two_nodes.start("second", nodes=2, RESUME="auto")
    assert codes == [0, 0], output[-3000:]
    schedule = json.loads((two_nodes.out / f"checkpoint-{SAVED}" / "vincicoder_sft.json").read_text())
    first, second = (trained(two_nodes.directory / log) for log in ("first", "second"))
    # What counts is what the checkpoint has seen, and what the second run adds to it.
    kept = [each for each in first if each["updates"] < SAVED]
    assert {each["updates"] for each in first} == set(range(ENDED + 1))
    batches = kept + second
    per_epoch = -(-(schedule["sequences"] // 2) // 2)
    updates = 2 * per_epoch
    assert per_epoch < SAVED < ENDED < updates, "it ended in the second epoch"
    assert {each["updates"] for each in second} == set(range(SAVED, updates))
    everything = {row for each in batches for row in each["rows"]}
    assert len(everything) == schedule["rows"] < ROWS, "every row that is not held out was seen"
    for epoch in range(2):
        seen = [each for each in batches if each["updates"] // per_epoch == epoch]
        rows = Counter(row for each in seen for row in each["rows"])
        assert set(rows.values()) == {1}, "no row is seen twice in an epoch"
        assert len(seen) == schedule["sequences"] - schedule["sequences"] % 2
        if schedule["sequences"] % 2 == 0:
            assert set(rows) == everything
            assert sum(each["tokens"] for each in seen) == schedule["tokens"]
    log = two_nodes.logged()
    counted = {int(each["global_step/max_steps"].split("/")[0]): each for each in log if "rows" in each}
    assert set(counted) == set(range(1, updates + 1))
    for update, line in counted.items():
        seen = [each for each in batches if each["updates"] < update]
        assert line["rows"] == sum(len(each["rows"]) for each in seen)
        assert line["tokens"] == sum(each["tokens"] for each in seen)
        assert line["global_step/max_steps"] == f"{update}/{updates}"
    [evaluated] = [each for each in log if "eval_loss" in each and "rows" not in each][-1:]
    assert {"eval_loss_chart-refine", "eval_loss_web-direct", "eval_loss_svg-direct"} <= set(evaluated)
