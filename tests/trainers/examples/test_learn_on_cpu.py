from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from needed import needs
from PIL import Image
from repository import EXAMPLES

pytestmark = pytest.mark.long

needs("trl")

QUICK_TRAINING, QUICK_HELD_OUT = 96, 16


@pytest.fixture(scope="module")
def learning():
    """The example's own modules."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        import learning.policy
        import learning.runs
        import learning.scenes

        yield learning
    finally:
        sys.path.remove(str(EXAMPLES))


def learn(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / "learn_on_cpu.py"), "--out", str(out), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=out, check=False)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    out = tmp_path_factory.mktemp("learn")
    done = learn(out, "--quick")
    assert done.returncode == 0, done.stderr
    return out, json.loads((out / "runs" / "seed0-visual.json").read_text())


def test_a_quick_run_leaves_numbers_curve_and_gallery_that_agree(quick):
    out, run = quick
    summary = json.loads((out / "results.json").read_text())
    assert list(summary) == ["visual"]
    assert summary["visual"]["steps"] == [each["step"] for each in run["evaluations"]] == [0, 10, 20]
    assert summary["visual"]["mean"] == [each["reward"] for each in run["evaluations"]]
    for name in ("curve.png", "gallery.png"):
        width, height = Image.open(out / name).size
        assert width > 400
        assert height > 300


def test_the_reward_rises_on_training_and_on_held_out_targets(quick):
    _, run = quick
    on_training = [reward for _, reward in run["training_rewards"]]
    assert on_training[-1] > on_training[0] + 0.03
    assert run["evaluations"][-1]["reward"] > run["evaluations"][0]["reward"] + 0.1


def test_logged_rewards_are_those_of_the_logged_responses(quick, learning):
    from vincicoder import RewardRequest, VisualReward

    _, run = quick
    scenes = run["held_out_scenes"]
    targets = dict(
        zip(map(tuple, scenes), learning.runs.render([learning.scenes.answer(s) for s in scenes]), strict=True)
    )
    with VisualReward(encoder="embedded", renderer_options=learning.runs.RENDERER_OPTIONS) as reward:
        for evaluation in (run["evaluations"][0], run["evaluations"][-1]):
            assert evaluation["reward"] == pytest.approx(sum(evaluation["rewards"]) / 64)
            requests = [
                RewardRequest(response, targets[tuple(scene)], prompt=learning.scenes.PROMPT)
                for response, scene in zip(evaluation["responses"], scenes, strict=True)
            ]
            assert [each.overall for each in reward.score(requests)] == pytest.approx(evaluation["rewards"], abs=1e-6)


def test_the_first_policy_gets_alignment_wrong_now_and_then_and_the_reward_says_so(quick):
    _, run = quick
    first = run["evaluations"][0]
    wrong = [r for r, text in zip(first["rewards"], first["responses"], strict=True) if text.startswith("```python")]
    assert wrong
    assert set(wrong) == {0.0}


def test_held_out_scenes_never_occur_in_training(quick):
    _, run = quick
    training, held_out = ({tuple(scene) for scene in run[name]} for name in ("training_scenes", "held_out_scenes"))
    assert (len(training), len(held_out)) == (QUICK_TRAINING, QUICK_HELD_OUT)
    assert not training & held_out


def test_answers_depend_on_the_image(quick):
    _, run = quick
    assert len(set(run["likeliest_responses"])) > 1


def test_the_image_moves_every_probability_of_an_untrained_policy(learning):
    policy, processor = learning.policy.make_policy(0), learning.policy.make_processor()
    logits = []
    for scene in ((0, 0, 1, 0, 0), (1, 1, 1, 2, 0)):
        image = learning.runs.render([learning.scenes.answer(scene)])[0]
        inputs = processor(images=[image], text=[f"<image>{learning.scenes.PROMPT}"], return_tensors="pt")
        assert inputs["pixel_values"].shape == (1, 3, 16, 16)
        logits.append(policy(**inputs).logits[0, -1])
    may_be_said = logits[0] > -1e8
    assert ((logits[0] - logits[1])[may_be_said].abs() > 1e-4).all()


def test_a_perfect_answer_earns_1_and_no_single_answer_suits_all_targets(learning):
    training, held_out = learning.scenes.split()
    answers = [learning.scenes.answer(scene) for scene in held_out]
    targets = learning.runs.render(answers)
    reward = learning.runs.make_reward()
    prompts = [learning.scenes.PROMPT] * len(answers)
    assert reward(answers, prompts, target=targets) == pytest.approx([1.0] * len(answers))
    for scene in training[:8]:
        scores = reward([learning.scenes.answer(scene)] * len(answers), prompts, target=targets)
        assert sum(scores) / len(scores) < 0.72


@pytest.mark.slow
def test_a_finished_run_is_kept_and_other_settings_are_refused(quick):
    out, _ = quick
    kept = (out / "runs" / "seed0-visual.json").stat().st_mtime_ns
    assert learn(out, "--quick").returncode == 0
    assert (out / "runs" / "seed0-visual.json").stat().st_mtime_ns == kept
    refused = learn(out, "--arms", "visual")
    assert refused.returncode == 1
    assert "give another --out" in refused.stderr


def test_a_missing_trl_is_one_sentence(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'trl' else find(name, *more)\n"
    )
    command = [sys.executable, str(EXAMPLES / "learn_on_cpu.py"), "--out", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("This needs trl, ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_one_seed_learns_and_its_controls_do_not(tmp_path):
    done = learn(tmp_path, "--seeds", "0")
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "results.json").read_text())
    assert summary["visual"]["rise"] >= 0.25
    assert summary["visual"]["end"] > 0.8
    for control in ("random", "shuffled"):
        assert summary[control]["rise"] < 0.25
        assert summary[control]["end"] < 0.75
