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

TRAINING, HELD_OUT = 38, 16


@pytest.fixture(scope="module")
def learning():
    """The example's own modules."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        import learning.judging
        import learning.policy
        import learning.scenes

        yield learning
    finally:
        sys.path.remove(str(EXAMPLES))


@pytest.fixture(scope="module")
def judge(learning, tmp_path_factory):
    judge = learning.judging.Judge(tmp_path_factory.mktemp("judge") / "marks.jsonl", workers=2)
    yield judge
    judge.close()


def learn(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / "learn_on_cpu.py"), "--out", str(out), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=out, check=False)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    out = tmp_path_factory.mktemp("learn")
    done = learn(out, "--quick")
    assert done.returncode == 0, done.stderr
    return out, json.loads((out / "runs" / "seed0-robust.json").read_text())


@pytest.mark.slow
def test_a_quick_run_leaves_numbers_curve_and_gallery_that_agree(quick):
    out, run = quick
    summary = json.loads((out / "results.json").read_text())
    assert list(summary) == ["robust"]
    assert summary["robust"]["steps"] == [each["step"] for each in run["evaluations"]] == [0, 10, 20]
    assert summary["robust"]["curves"]["ssim"]["mean"] == [each["ssim"] for each in run["evaluations"]]
    assert summary["robust"]["likeliest"]["label"]["lowest"] == [run["likeliest"]["label"]]
    for name in ("curve.png", "gallery.png"):
        width, height = Image.open(out / name).size
        assert width > 200
        assert height > 300


@pytest.mark.slow
def test_the_reward_rises_on_training_and_on_held_out_targets(quick):
    _, run = quick
    on_training = [reward for _, reward in run["training_rewards"]]
    assert on_training[-1] > on_training[0] + 0.03
    assert run["evaluations"][-1]["robust"] > run["evaluations"][0]["robust"] + 0.1


@pytest.mark.slow
def test_logged_numbers_are_those_of_the_logged_responses(quick, learning, judge):
    """Each preset by a reward of its own, where the example measures both in one pass."""
    from vincicoder import RewardRequest, VisualReward
    from vincicoder.evaluation.metrics.ssim import METRIC

    _, run = quick
    scenes = [tuple(scene) for scene in run["held_out_scenes"]] * (64 // HELD_OUT)
    first = run["evaluations"][0]
    references = [learning.scenes.answer(scene).split("\n", 1)[1].removesuffix("```") for scene in scenes]
    said = [judge.said(*each) for each in zip(first["responses"], scenes, strict=True)]
    assert any("<rect" in text for text in said), "there is a mosaic among them"
    targets = judge.images(scenes)
    for preset in ("paper", "robust"):
        options = {"encoder": "embedded", "renderer_options": learning.judging.RENDERER_OPTIONS, "workers": 2}
        with VisualReward(preset=preset, **options) as reward:
            results = reward.score(
                [
                    RewardRequest(text, target, learning.scenes.PROMPT, reference=reference)
                    for text, target, reference in zip(said, targets, references, strict=True)
                ]
            )
        assert sum(each.overall for each in results) / 64 == pytest.approx(first[preset], abs=1e-6)
    alike = [METRIC.measure(t, r.render)["ssim"] if r.render else 0 for t, r in zip(targets, results, strict=True)]
    assert sum(alike) / 64 == pytest.approx(first["ssim"], abs=1e-6)


@pytest.mark.slow
def test_the_first_policy_says_every_opening_now_and_then(quick, learning):
    _, run = quick
    first = run["evaluations"][0]["responses"]
    assert {word for word in learning.scenes.OPENINGS for text in first if text.startswith(word)} == set(
        learning.scenes.OPENINGS
    )


@pytest.mark.slow
def test_held_out_scenes_never_occur_in_training(quick):
    _, run = quick
    training, held_out = ({tuple(scene) for scene in run[name]} for name in ("training_scenes", "held_out_scenes"))
    assert (len(training), len(held_out)) == (TRAINING, HELD_OUT)
    assert not training & held_out


@pytest.mark.slow
def test_answers_depend_on_the_image(quick):
    _, run = quick
    assert len(set(run["likeliest_responses"])) > 1


def test_the_image_moves_every_probability_of_an_untrained_policy(learning, judge):
    policy, processor = learning.policy.make_policy(0), learning.policy.make_processor()
    logits = []
    for image in judge.images([(0, 0, 1, 0), (1, 1, 2, 2)]):
        inputs = processor(images=[image], text=[f"<image>{learning.scenes.PROMPT}"], return_tensors="pt")
        assert inputs["pixel_values"].shape == (1, 3, 32, 32)
        logits.append(policy(**inputs).logits[0, -1])
    may_be_said = logits[0] > -1e8
    assert int(may_be_said.sum()) == len(learning.scenes.OPENINGS)
    assert ((logits[0] - logits[1])[may_be_said].abs() > 1e-4).all()


def test_a_policy_without_mosaics_cannot_say_their_word(learning):
    words = learning.scenes.vocabulary(learning.policy._OTHERS)
    asked, mosaic = words[learning.scenes.PROMPT], words[learning.scenes.MOSAIC]
    allowed = [bool(learning.policy.make_policy(0, each).may_follow[asked, mosaic]) for each in (False, True)]
    assert allowed == [False, True]


def test_a_perfect_answer_earns_1_and_only_paper_pays_a_mosaic_more_than_a_guess(learning, judge):
    found = learning.judging.worth(judge)
    assert tuple(found["no mistake"]) == pytest.approx((1.0, 1.0, 1.0))
    guess, mosaic = found["any answer that draws"], found["a mosaic"]
    assert mosaic.paper > guess.paper + 0.02
    assert mosaic.robust < guess.robust / 2
    assert found["another label"].paper > 0.95
    assert found["another label"].robust < 0.5


def test_the_same_answer_is_scored_once_and_marks_outlast_the_judge(learning, judge, monkeypatch):
    scene, other = (0, 0, 0, 0), (1, 1, 1, 1)
    said = [learning.scenes.answer(other), "Here is the drawing:\n\n" + learning.scenes.answer(other)]
    marks = judge.marks(said, [scene, scene], [scene, scene])
    assert marks[0] == marks[1]
    again = learning.judging.Judge(judge._memory)
    monkeypatch.setattr(again._reward, "score", lambda requests: pytest.fail("it is known") if requests else [])
    assert again.marks(said, [scene, scene], [scene, scene]) == marks
    again.close()


@pytest.mark.slow
def test_a_finished_run_is_kept_and_other_settings_are_refused(quick):
    out, _ = quick
    kept = (out / "runs" / "seed0-robust.json").stat().st_mtime_ns
    assert learn(out, "--quick").returncode == 0
    assert (out / "runs" / "seed0-robust.json").stat().st_mtime_ns == kept
    refused = learn(out, "--arms", "robust")
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
def test_robust_teaches_the_label_and_paper_teaches_mosaics(tmp_path):
    done = learn(tmp_path, "--seeds", "0")
    assert done.returncode == 0, done.stderr
    found = {arm: each["likeliest"] for arm, each in json.loads((tmp_path / "results.json").read_text()).items()}
    share = {arm: {name: values["mean"][0] for name, values in each.items()} for arm, each in found.items()}
    assert share["robust"]["mosaics"] < 0.1
    assert share["paper"]["mosaics"] > 0.4
    assert share["robust"]["label"] > 0.8
    assert share["shuffled"]["label"] < 0.7
