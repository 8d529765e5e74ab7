"""Plans obey physics, agree with what others measured, and say truly what fits."""

from __future__ import annotations

import dataclasses
import itertools
import shlex

import pytest

from vincicoder.cli import build_parser
from vincicoder.errors import ConfigError
from vincicoder.options import from_flat, given_flags
from vincicoder.planning import Rates, Run, make_plan, nearest, shape_of
from vincicoder.planning.activations import activations
from vincicoder.planning.memory import GIB, cached_sequences, encoder_bytes, memory_of
from vincicoder.planning.report import text_of, verdict
from vincicoder.planning.sensitivity import effects_of
from vincicoder.planning.settings import GPUS
from vincicoder.planning.timing import TILE_FLOPS, cores_to_hide, decoding_of, forward_flops, update_passes

TRAINERS = ("easyr1", "verl", "swift")
PROFILES = ("paper", "fast")
RUNS = [
    *(Run(trainer=trainer, profile=profile) for trainer in TRAINERS for profile in PROFILES),
    Run(model="2b", gpu="4090", gpus=8, profile="fast"),
    Run(model="32b", gpus=32, profile="fast"),
    Run(stage="sft"),
]
IDS = [f"{run.framework}-{run.profile}-{run.stage}-{run.model}" for run in RUNS]


@pytest.mark.parametrize("run", RUNS, ids=IDS)
def test_more_gpus_never_take_more_hours_nor_more_memory_in_training(run):
    plans = [make_plan(dataclasses.replace(run, gpus=gpus)) for gpus in (8, 16, 32, 64, 128)]
    for fewer, more in itertools.pairwise(plans):
        if fewer.fits and more.fits:
            assert more.hours <= fewer.hours
        assert more.memory.training <= fewer.memory.training
    assert plans[-1].fits


@pytest.mark.parametrize("run", RUNS, ids=IDS)
def test_longer_texts_and_larger_batches_never_take_less(run):
    base = make_plan(run)
    batch = make_plan(dataclasses.replace(run, batch=2 * run.batch_size))
    assert batch.step_seconds > base.step_seconds
    for name in ("response_tokens", "prompt_tokens", "image_tokens", "row_tokens"):
        rates = dataclasses.replace(base.rates, **{name: getattr(base.rates, name) * 1.5})
        assert make_plan(run, rates).hours >= base.hours * (1 - 1e-3), name  # the last packed sequence may be fuller
    longer = {"max_length": 2 * run.max_length} if run.stage == "sft" else {"max_response": 2 * run.max_response}
    wider = {"micro_batch": 2 * base.split.micro_batch}
    for changes in (longer, wider):
        changed = dataclasses.replace(run, **changes)
        assert memory_of(changed, base.shape, dataclasses.replace(base.split, **wider), base.rates).training > (
            base.memory.training
        )


@pytest.mark.parametrize("run", RUNS, ids=IDS)
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_nothing_exceeds_what_a_gpu_can_do(run, share):
    plan = make_plan(run, Rates(flops_utilisation=share, bandwidth_utilisation=share, tensor_parallel_efficiency=1))
    gpu = GPUS[run.gpu]
    if plan.fits:
        assert plan.memory.peak <= run.memory * GIB
    if plan.step is None:
        done = plan.batch.rows * forward_flops(plan.shape, plan.rates.row_tokens, plan.rates.image_tokens)
        assert update_passes(run) * done / plan.step_seconds <= run.gpus * gpu.tflops * 1e12 * (1 + 1e-9)
        return
    responses, length = run.batch_size * run.group, plan.rates.prompt_tokens + plan.rates.response_tokens
    done = responses * forward_flops(plan.shape, length, plan.rates.image_tokens)
    assert update_passes(run) * done / plan.step.update <= run.gpus * gpu.tflops * 1e12 * (1 + 1e-9)
    decoding = decoding_of(run, plan.shape, plan.split, plan.memory, plan.rates)
    tokens = decoding.tokens_per_second
    assert tokens * forward_flops(plan.shape, 1, 0) <= gpu.tflops * 1e12
    # Each engine reads its weights once for every token of all that it writes at a time, and their caches.
    read = 2 * plan.shape.layers * plan.shape.layer_parameters / decoding.at_once
    read += plan.shape.kv_bytes_per_token() * plan.rates.prompt_tokens
    assert tokens * read <= gpu.bandwidth * 1e9
    assert decoding.at_once <= cached_sequences(run, plan.shape, plan.split, plan.memory, length) + 1e-9
    assert plan.step.encoding * run.gpus * gpu.tflops * 1e12 >= responses * plan.rates.tiles * TILE_FLOPS
    assert plan.step.scoring * run.nodes == pytest.approx(responses * plan.rates.scorer_seconds)
    assert plan.step.rendering * run.nodes * run.cpus >= responses * plan.rates.render_cpu_seconds * 0.98


def test_the_releases_engine_holds_about_36_full_sequences():
    assert make_plan(Run(gpus=16)).full_sequences == pytest.approx(36, abs=2)


@pytest.mark.parametrize(
    ("users", "context", "measured"), [(396, 128 + 512, 13_322), (40, 2048 + 1024, 2_815)], ids=["short", "long"]
)
def test_decoding_is_near_what_vllm_was_measured_to_do(users, context, measured):
    # Published: Qwen3-8B in bfloat16 on one H100, vLLM 0.30, silybench-data of 24 September 2026.
    run, shape = Run(gpus=1, batch=users, group=1, profile="fast"), shape_of("8b")
    rates = Rates(prompt_tokens=context - 1, response_tokens=2)
    plan = make_plan(dataclasses.replace(run, gpu_memory=2000), rates)
    split = dataclasses.replace(plan.split, tensor_parallel=1)
    decoding = decoding_of(run, shape, split, memory_of(plan.run, shape, split, rates), rates)
    assert decoding.at_once == users
    assert decoding.tokens_per_second == pytest.approx(measured, rel=0.35)
    best = decoding_of(run, shape, split, plan.memory, dataclasses.replace(rates, bandwidth_utilisation=1))
    assert best.tokens_per_second > measured, "nothing is quicker than the memory"


def test_a_tile_costs_what_its_network_does():
    width, layers, tokens = 1024, 24, 1025
    linear = 2 * tokens * layers * 12 * width**2
    attention = 4 * layers * width * tokens**2
    spared = 2 * (tokens - 1) * 10 * width**2 + 4 * width * tokens * (tokens - 1)  # the last layer computes one token
    assert linear + attention - spared == pytest.approx(TILE_FLOPS, rel=0.003)
    assert encoder_bytes() > 2 * 304e6


def test_a_batch_in_rows_keeps_its_updates_when_rows_are_packed():
    tokens = 1_600_000 * 2200
    for run, sequences in (
        (Run(stage="sft"), 16),  # 128 rows are 17.2 sequences, and 8 GPUs share 16 of them
        (Run(stage="sft", batch=262_144, batch_unit="tokens"), 16),
        (Run(stage="sft", batch=128, batch_unit="sequences"), 128),
        (Run(stage="sft", gpus=64), 64),  # one for each GPU
        (Run(stage="sft", gpus=64, pack_length=4096), 64),
        (Run(stage="sft", batch=1), 8),
    ):
        plan = make_plan(run)
        assert plan.batch.sequences == sequences
        assert plan.batch.tokens == sequences * run.packed
        assert plan.steps == -(-tokens // plan.batch.tokens), "the last update may have fewer"
    assert make_plan(Run(stage="sft")).steps == pytest.approx(1_600_000 / 128, rel=0.1)
    assert make_plan(Run(stage="sft", batch=128, batch_unit="sequences")).steps == 1679
    assert make_plan(Run()).steps == 164


def test_a_batch_that_is_far_from_what_was_asked_for_is_remarked_on():
    remark = "3.7 times what was asked for, as each GPU takes whole sequences"
    assert remark in text_of(make_plan(Run(stage="sft", gpus=64)))
    for near in (Run(stage="sft"), Run(stage="sft", gpus=64, pack_length=4096)):
        assert "times what was asked for" not in text_of(make_plan(near))


@pytest.mark.parametrize("trainer", TRAINERS)
def test_the_reward_adds_what_the_trainer_does_not_hide(trainer):
    rates = Rates(hanging_share=0, render_cpu_seconds=0.1)
    plenty, few = (make_plan(Run(trainer=trainer, cpus=cores), rates) for cores in (80, 1))
    # verl's engines leave the GPU's arithmetic to the encoder, EasyR1's trainer does not; ms-swift waits for all of it.
    longest = max(plenty.step.rendering, plenty.step.scoring, plenty.step.encoding)
    waiting = {"verl": 0, "easyr1": plenty.step.encoding, "swift": longest}
    assert plenty.step.waiting == pytest.approx(waiting[trainer])
    assert few.step.waiting > plenty.step.waiting
    assert few.hours > plenty.hours
    assert ("nobody waits for the reward" in text_of(plenty)) == (trainer == "verl")
    assert "so the reward adds" in text_of(few)
    needed = cores_to_hide(plenty.run, plenty.step, rates)
    enough, less = (make_plan(Run(trainer=trainer, cpus=cores), rates) for cores in (needed, needed - 1))
    assert enough.step.waiting == pytest.approx(plenty.step.waiting)
    assert less.step.waiting > plenty.step.waiting


def test_the_encoder_has_every_gpu_and_a_node_one_process_that_scores():
    one, two = (make_plan(Run(gpus=gpus)).step for gpus in (8, 16))
    assert one.encoding == pytest.approx(2 * two.encoding)
    assert make_plan(Run(gpus=1)).step.encoding == pytest.approx(8 * one.encoding)
    assert make_plan(Run(gpus=1)).step.scoring == one.scoring == pytest.approx(2 * two.scoring)


def test_a_process_that_scores_slowly_is_what_ms_swift_waits_for():
    slow = make_plan(Run(trainer="swift"), Rates(scorer_seconds=0.02)).step
    assert slow.waiting == slow.scoring == pytest.approx(2048 * 0.02)


def test_a_render_that_hangs_cannot_be_hidden_behind_a_phase_that_is_shorter():
    plan = make_plan(Run(trainer="swift", batch=16))
    assert plan.step.encoding < plan.rates.cpu_limit
    assert cores_to_hide(plan.run, plan.step, plan.rates) is None
    assert "with no number of cores, as one that hangs takes longer" in text_of(plan)


def test_checkpointing_saves_memory_and_logits_count():
    shape = shape_of("8b")
    full, kept = (activations(shape, 8192, 2048, checkpointing=each).peak for each in (False, True))
    assert kept < full / 5
    assert activations(shape, 8192, 2048, logit_bytes=12).peak > kept


def test_lora_needs_less_of_everything_but_time_to_write():
    full, lora = (make_plan(Run(lora_rank=rank)) for rank in (0, 64))
    assert lora.memory.training < full.memory.training - 8 * GIB
    assert lora.step.update < full.step.update
    assert lora.step.writing == full.step.writing


@pytest.mark.parametrize(
    "run",
    [
        Run(model="32b", trainer="verl"),
        Run(gpus=1),
        Run(gpus=1, gpu="4090", model="2b"),
        Run(trainer="swift", gpu_memory=48),
        Run(gpus=12, gpus_per_node=12, batch=255, group=4, trainer="swift"),
        Run(stage="sft", gpus=1),
        Run(max_response=400_000),
    ],
    ids=lambda run: f"{run.model}-{run.gpus}-{run.framework}-{run.stage}-{run.max_response}",
)
def test_what_does_not_fit_says_why_and_the_change_that_it_names_fits(run):
    plan = make_plan(run)
    assert not plan.fits
    words, changed = nearest(plan)
    assert changed.fits
    assert verdict(plan).startswith("It does not fit: ")
    assert verdict(plan).endswith(f"The nearest change that fits: {words}.")
    options = build_parser().parse_args(["plan", *shlex.split(words)])
    given = {**dataclasses.asdict(run), **given_flags(options, Run)}
    assert make_plan(from_flat(Run, given)).fits, "the words are flags that can be given"


def test_what_leaves_little_free_is_said_to_be_tight():
    assert verdict(make_plan(Run(model="32b"))).startswith("It fits, but tightly: 97% of the memory")
    assert verdict(make_plan(Run())).startswith("It fits: ")


def test_what_nothing_helps_is_said():
    plan = make_plan(Run(gpus=1, gpu_memory=4, model="32b"))
    assert nearest(plan) is None
    assert not plan.timed
    assert "There are no hours" in text_of(plan, explain=True)
    assert " inf" not in text_of(plan)
    assert verdict(plan).endswith("No change that was tried fits.")


def test_the_sensitivity_of_each_rate_is_what_planning_again_gives():
    plan = make_plan(Run(trainer="verl"))
    effects = {effect.name: effect for effect in effects_of(plan)}
    assert set(effects) == {field.name for field in dataclasses.fields(Rates)} - {"rollout_tokens_per_second"}
    for name in ("response_tokens", "flops_utilisation", "reserve"):
        for factor, hours in zip((0.75, 1.25), effects[name].hours, strict=True):
            again = make_plan(plan.run, Rates(**{name: getattr(Rates(), name) * factor}))
            assert hours == pytest.approx(again.hours)
    assert effects["reserve"].memory[0] < plan.memory.peak < effects["reserve"].memory[1]
    # A quarter off the only input of a phase moves it by a third, so no rate can do more than that to the whole.
    assert all(effect.change_of_hours(plan) < 0.34 for effect in effects.values())
    changes = [effect.change_of_hours(plan) for effect in effects_of(plan)]
    assert changes == sorted(changes, reverse=True)


def test_a_given_speed_of_rollouts_is_taken():
    slow, quick = (make_plan(Run(), Rates(rollout_tokens_per_second=speed)) for speed in (500, 1000))
    assert slow.step.writing == pytest.approx(2048 * 2000 / (8 * 500))
    assert slow.step.writing == pytest.approx(2 * quick.step.writing)


@pytest.mark.parametrize("run", RUNS, ids=IDS)
def test_the_text_says_that_nobody_measured_and_explains_each_number(run):
    plain, explained = text_of(make_plan(run)), text_of(make_plan(run), explain=True)
    assert "measured by nobody" in plain
    assert explained.startswith(plain.rstrip("\n"))
    assert "Formulas" in explained
    assert max(map(len, plain.splitlines())) <= 150


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"gpus": 12}, "gpus is 12; expected a multiple of gpus_per_node, which is 8"),
        ({"stage": "sft", "trainer": "verl"}, "trainer is 'verl'; expected swift"),
        ({"sharding": "zero3", "trainer": "verl"}, "sharding is 'zero3', which is DeepSpeed's; expected trainer swift"),
        ({"gpu": "h1000"}, "gpu is 'h1000'; expected one of: a100, h100"),
        ({"gpus": 0}, "gpus is 0; expected a whole number of at least 1"),
        ({"batch_unit": "tokens"}, "batch_unit is 'tokens'; expected rows, or stage sft, as rl counts prompts"),
        ({"stage": "sft", "pack_length": 20_000}, "pack_length is 20000; expected at most max_length, which is 16384"),
    ],
)
def test_what_cannot_be_planned_is_refused(given, said):
    with pytest.raises(ConfigError, match=said):
        Run(**given)
