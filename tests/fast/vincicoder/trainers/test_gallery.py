"""Galleries while training: what is shown, by how many processes, and that no step pays for it."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from vincicoder import CompletionReward, RewardRequest, trainers
from vincicoder.errors import ConfigError
from vincicoder.reporting.gallery import MAX_STEPS, Gallery, Shown, chosen
from vincicoder.reward import RewardResult
from vincicoder.status import Status
from vincicoder.trainers.gallery import GalleryConfig, TrainingGallery


def svg(fill: str, radius: int = 20) -> str:
    shape = f'<rect width="64" height="64" fill="white"/><circle cx="32" cy="32" r="{radius}" fill="{fill}"/>'
    return f'```svg\n<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">{shape}</svg>\n```'


def page(directory: Path) -> dict[str, Any]:
    text = (directory / "index.html").read_text("utf-8")
    found = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def shown(name: str, overall: float = 0.5, status: str = "ok", prompt: str = "p") -> Shown:
    data = {"overall": overall, "status": status, "message": "", "language": "svg", "text": "", "prompt": prompt}
    return Shown(name, data, {"target": Image.new("RGB", (900, 30)), "render": Image.new("RGB", (8, 8), "red")})


def result_of(overall: float, status: Status = Status.OK, **known: Any) -> RewardResult:
    failed = RewardResult.failed(RewardRequest("", b""), Status.NO_CODE, "", code="<svg/>", language="svg")
    scores = {**failed.scores, "execution": float(status is Status.OK)}
    return RewardResult(**{**failed.__dict__, "overall": overall, "status": status, "scores": scores, **known})


def wait_for(condition: Any) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def target(tmp_path: Path) -> str:
    Image.new("RGB", (40, 30), "teal").save(tmp_path / "target.png")
    return str(tmp_path / "target.png")


class Scorer:
    """Renders a red square, and counts."""

    renders = 0

    def render(self, code: str, language: str) -> Any:
        self.renders += 1
        return SimpleNamespace(image=Image.new("RGB", (16, 16), "red"))


def test_a_step_shows_its_best_and_worst_of_different_prompts_and_each_kind_of_failure():
    rows = [
        {"id": f"{prompt}{number}", "overall": number / 10, "status": "ok", "prompt": prompt}
        for prompt in "pq"
        for number in range(1, 4)
    ]
    rows += [{"id": f"t{number}", "overall": 0.0, "status": "timeout", "prompt": "p"} for number in range(5)]
    kinds = chosen(rows, 2, ["q"])
    assert {name: each for name, each in kinds.items() if "best" in each} == {
        "p3": ["best"],
        "q3": ["best", "followed"],
    }
    assert sorted(name for name, each in kinds.items() if "worst" in each) == ["p1", "q1"]
    assert sorted(name for name, each in kinds.items() if each == ["failed"]) == ["t0", "t1"]


def test_what_other_processes_add_to_a_step_is_merged_and_what_is_displaced_goes(tmp_path):
    Gallery(tmp_path / "gallery", 1).add(5, [shown("a", 0.5, prompt="p"), shown("b", 0.2, prompt="q")])
    Gallery(tmp_path / "gallery", 1).add(5, [shown("c", 0.9, prompt="r")])
    [step] = page(tmp_path / "gallery")["steps"]
    assert {row["id"]: row["kinds"] for row in step["rows"]} == {"c": ["best"], "b": ["worst"]}
    images = {path.name for path in (tmp_path / "gallery" / "images").iterdir()}
    assert images == {"render-b.webp", "render-c.webp", "target-q.webp", "target-r.webp"}
    with Image.open(tmp_path / "gallery" / "images" / "target-q.webp") as small:
        assert small.width < 500


def test_disk_is_bounded_and_the_first_and_latest_steps_stay(tmp_path):
    gallery = Gallery(tmp_path, 1)
    for step in range(MAX_STEPS + 20):
        gallery.add(step, [shown(f"s{step}", prompt=f"p{step}")])
    steps = [each["step"] for each in page(tmp_path)["steps"]]
    assert len(steps) <= MAX_STEPS
    assert (steps[0], steps[-1], gallery.last_step()) == (0, MAX_STEPS + 19, MAX_STEPS + 19)
    assert len(list((tmp_path / "images").iterdir())) == 2 * len(steps)


def test_a_reward_of_trl_writes_a_gallery_by_the_trainers_step(tmp_path, target):
    directory = tmp_path / "gallery"
    reward = CompletionReward(
        encoder="embedded", workers=1, gallery_dir=str(directory), gallery_every=2, gallery_rows=1
    )
    for step in (1, 2, 3, 4):
        reward(
            [svg("red"), svg("red", step), "no code"],
            image=[target] * 3,
            language=["svg"] * 3,
            trainer_state=SimpleNamespace(global_step=step),
        )
    reward._shared().close()
    found = page(directory)
    assert [each["step"] for each in found["steps"]] == [1, 2, 3, 4], (
        "the first, each second, and where a prompt is back"
    )
    assert [len(each["rows"]) for each in found["steps"]] == [3, 3, 1, 3]
    statuses = {row["status"]: row for row in found["steps"][1]["rows"]}
    assert statuses["no_code"]["render"] is None and statuses["no_code"]["text"] == "no code"
    assert (directory / statuses["ok"]["render"]["src"]).is_file()
    assert len(found["followed"]) == 1


def test_calls_are_steps_where_the_trainer_says_none_and_a_resumed_run_goes_on(tmp_path, target):
    options = {"gallery_dir": str(tmp_path / "g"), "gallery_every": 1, "gallery_rows": 1}
    for expected in ([1, 2], [1, 2, 3, 4]):
        gallery = TrainingGallery(GalleryConfig(**options))
        for call in (1, 2):
            for overall in (0.1, 0.9):
                gallery.offer(RewardRequest("", target), result_of(overall), Scorer(), call)
        gallery.close()
        assert [each["step"] for each in page(tmp_path / "g")["steps"]] == expected


def test_a_validation_belongs_to_the_step_that_training_has_come_to(tmp_path, target):
    """As under EasyR1, where nobody says a step and either has a process of its own."""
    options = GalleryConfig(gallery_dir=str(tmp_path / "g"), gallery_every=1, gallery_rows=1)
    steps = []
    for call in (0, 1, 2, 0, 3):
        training, validation = TrainingGallery(options), TrainingGallery(options)
        for overall in (0.1, 0.9):
            (training if call else validation).offer(RewardRequest("", target), result_of(overall), Scorer(), call)
        training.close()
        validation.close()
        steps.append([each["step"] for each in page(tmp_path / "g")["steps"]])
    assert steps == [[0], [0, 1], [0, 1, 2], [0, 1, 2], [0, 1, 2, 3]]


def test_a_followed_prompt_is_shown_from_its_first_appearance_on(tmp_path):
    gallery = TrainingGallery(GalleryConfig(gallery_dir=str(tmp_path / "g"), gallery_every=100, gallery_rows=1))
    targets = []
    for number, colour in enumerate(("red", "green", "blue")):
        Image.new("RGB", (40, 30), colour).save(tmp_path / f"{number}.png")
        targets.append(str(tmp_path / f"{number}.png"))

    def offer(step: int, prompt: int, overall: float) -> None:
        gallery.offer(RewardRequest("", targets[prompt], metadata={"global_step": step}), result_of(overall), Scorer())

    for prompt, overall in ((0, 0.9), (1, 0.1), (2, 0.4), (2, 0.5), (2, 0.3)):  # the third is neither best nor worst
        offer(1, prompt, overall)
    offer(7, 2, 0.6)
    gallery.close()
    first, later = page(tmp_path / "g")["steps"]
    assert (first["step"], later["step"]) == (1, 7)
    followed = [row for step in (first, later) for row in step["rows"] if "followed" in row["kinds"]]
    assert [row["overall"] for row in followed] == [0.5, 0.6]
    assert all((tmp_path / "g" / row["render"]["src"]).is_file() for row in followed)


def test_a_render_that_was_not_kept_is_made_again_only_for_what_is_shown(tmp_path, target):
    scorer = Scorer()
    gallery = TrainingGallery(GalleryConfig(gallery_dir=str(tmp_path / "g"), gallery_rows=1))
    for number in range(200):
        gallery.offer(RewardRequest("", target, metadata={"global_step": 10}), result_of(number / 200), scorer)
    gallery.close()
    [step] = page(tmp_path / "g")["steps"]
    assert [row["overall"] for row in step["rows"] if "best" in row["kinds"]] == [199 / 200]
    assert all(row["render"] for row in step["rows"])
    assert 2 <= scorer.renders < 20


def test_a_gallery_that_cannot_be_written_or_is_slow_costs_no_step(tmp_path, target, caplog):
    release = threading.Event()

    class Stuck(Scorer):
        def render(self, code: str, language: str) -> Any:
            release.wait(60)
            raise OSError("no space left")

    gallery = TrainingGallery(GalleryConfig(gallery_dir=str(tmp_path / "g"), gallery_every=1, gallery_rows=1))
    with caplog.at_level(logging.WARNING):
        started = time.process_time()
        for step in range(2000):
            gallery.offer(RewardRequest("", target, metadata={"global_step": step}), result_of(0.5), Stuck())
        assert time.process_time() - started < 5
        wait_for(lambda: caplog.records)
    release.set()
    gallery.close()
    assert len(caplog.records) == 1, "said once"
    assert "leaves samples out; training goes on" in caplog.text


def test_wrong_options_of_a_gallery_are_refused_at_once(tmp_path):
    (tmp_path / "file").touch()
    for options, said in (
        ({"gallery_dir": str(tmp_path / "file")}, "gallery_dir is .*cannot be made"),
        ({"gallery_dir": str(tmp_path), "gallery_every": 0}, "gallery_every is 0; expected a whole number"),
        ({"galery_dir": str(tmp_path)}, "did you mean 'gallery_dir'?"),
    ):
        with pytest.raises(ConfigError, match=said):
            trainers.shared_reward({"encoder": "embedded", **options}, "")


RANK = """
import sys
from vincicoder import CompletionReward
from types import SimpleNamespace
reward = CompletionReward(encoder="embedded", workers=1, gallery_dir=sys.argv[1], gallery_rows=8)
reward([sys.argv[3]], image=[sys.argv[2]], language=["svg"], trainer_state=SimpleNamespace(global_step=10))
"""


@pytest.mark.long
def test_ranks_that_share_a_nodes_reward_give_one_gallery_with_the_renders(tmp_path, target):
    import os

    environment = {**os.environ, "LOCAL_WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": f"gallery-{os.getpid()}"}
    command = [sys.executable, "-c", RANK, str(tmp_path / "g"), target]
    ranks = [subprocess.Popen([*command, svg(fill)], env=environment) for fill in ("red", "blue")]
    assert [rank.wait(120) for rank in ranks] == [0, 0]
    [step] = page(tmp_path / "g")["steps"]
    assert len(step["rows"]) == 2
    assert all((tmp_path / "g" / row["render"]["src"]).is_file() for row in step["rows"])


AT_THE_END = """
import sys
from types import SimpleNamespace
from vincicoder import CompletionReward
reward = CompletionReward(encoder="embedded", workers=1, gallery_dir=sys.argv[2], gallery_every=1)
for step in range(2):
    circles = [f"<circle r='{r + step}'/>" for r in (8, 30)]
    answers = [f"```svg\\n<svg width='64' height='64'>{circle}</svg>\\n```" for circle in circles]
    state = SimpleNamespace(global_step=step)
    reward(answers, target=[sys.argv[1]] * 2, language=["svg"] * 2, trainer_state=state)
"""


def test_a_run_that_ends_right_after_a_step_still_shows_it(tmp_path, target):
    """The prompt came back, so that its first appearance is rendered once more, when the process is about to end."""
    command = [sys.executable, "-c", AT_THE_END, target, str(tmp_path / "gallery")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "training goes on" not in done.stderr
    steps = page(tmp_path / "gallery")["steps"]
    assert len(steps) == 2
    rows = [row for step in steps for row in step["rows"]]
    assert all(row["render"] and (tmp_path / "gallery" / row["render"]["src"]).is_file() for row in rows)
