"""Galleries in the trackers that a trainer has loaded, read back by the trackers' own readers."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from repository import SUPPORT

from vincicoder import RewardRequest
from vincicoder.reporting.gallery import Gallery, Shown
from vincicoder.reward import RewardResult
from vincicoder.status import Status
from vincicoder.trainers.gallery import GalleryConfig, TrainingGallery
from vincicoder.trainers.panels import GalleryWatch, Trackers, panels

TAGS = {f"vincicoder/gallery/{kind}" for kind in ("best", "failed", "followed", "worst")}


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    found = Gallery(tmp_path / "gallery", 1)
    rows = [("a", 0.9, "ok", "p"), ("b", 0.2, "ok", "q"), ("c", 0.0, "timeout", "r")]
    shown = [
        Shown(
            name,
            {"overall": overall, "status": status, "message": "", "language": "svg", "text": "", "prompt": prompt},
            {"target": Image.new("RGB", (60, 40), "teal"), "render": Image.new("RGB", (300, 40), "red")},
        )
        for name, overall, status, prompt in rows
    ]
    found.add(3, shown, ["q"])
    return found


def has_both(image: Image.Image) -> bool:
    """Whether a panel shows the target and the render."""
    colours = [colour for _, colour in image.convert("RGB").getcolors(1 << 20) or ()]
    near = [any(max(abs(a - b) for a, b in zip(c, want, strict=True)) < 30 for c in colours) for want in COLOURS]
    return all(near)


COLOURS = ((0, 128, 128), (255, 0, 0))


def test_a_panel_has_a_row_of_target_and_render_for_each_shown(gallery: Gallery) -> None:
    found = panels(gallery, 3)
    assert set(found) == {tag.rpartition("/")[2] for tag in TAGS}
    assert all(map(has_both, found.values()))
    assert len({image.width for image in found.values()}) == 1


def test_tensorboard_shows_what_a_run_of_steps_gives_its_open_writer(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    closed = SummaryWriter(tmp_path / "closed")
    closed.close()
    holder = SimpleNamespace(tb_writer=SummaryWriter(tmp_path / "log"))  # as the callback of transformers holds it
    Image.new("RGB", (40, 30), "teal").save(tmp_path / "target.png")
    training = TrainingGallery(GalleryConfig(gallery_dir=str(tmp_path / "g"), gallery_every=1, gallery_rows=1))
    failed = RewardResult.failed(RewardRequest("", b""), Status.NO_CODE, "", code="<svg/>", language="svg")
    known = {"render": Image.new("RGB", (8, 8), "red"), "status": Status.OK, "overall": 0.5}
    for step in (1, 2):
        request = RewardRequest("", str(tmp_path / "target.png"), metadata={"global_step": step})
        training.offer(request, RewardResult(**{**failed.__dict__, **known}), Renders())
    training.close()
    holder.tb_writer.close()

    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(tmp_path / "log"))
    read.Reload()
    assert set(read.Tags()["images"]) == {"vincicoder/gallery/best", "vincicoder/gallery/followed"}
    events = read.Images("vincicoder/gallery/best")
    assert [event.step for event in events] == [1, 2]
    assert all(has_both(Image.open(io.BytesIO(event.encoded_image_string))) for event in events)


def test_what_other_processes_add_is_shown_once_its_step_is_over(gallery: Gallery, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(tmp_path / "log")
    gallery.add(4, [])
    watch = GalleryWatch(str(gallery.directory))
    for step in (3, 4, 4, 5, 6):  # the trainer's; the gallery has 3 and an empty 4
        watch.look(step)
        assert watch._thread is not None
        watch._thread.join(60)
    writer.close()
    read = EventAccumulator(str(tmp_path / "log"))
    read.Reload()
    assert [event.step for event in read.Images("vincicoder/gallery/worst")] == [3]


class Renders:
    def render(self, code: str, language: str) -> Any:
        return SimpleNamespace(image=Image.new("RGB", (8, 8), "red"))


def test_a_process_without_trackers_pays_nothing_and_imports_none() -> None:
    program = (
        "import sys; from vincicoder.trainers.panels import Trackers; assert Trackers().show(None, 1) == []; "
        "print([name for name in ('tensorboard', 'wandb', 'swanlab', 'trackio', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_wandb_keeps_the_panels_beside_the_trainers_own_numbers(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    assert "wandb" not in Trackers().show(gallery, 3), "there is no run yet"
    run = wandb.init(mode="offline", project="p", dir=str(tmp_path))
    capfd.readouterr()
    wandb.log({"loss": 1.0}, step=5)
    assert "wandb" in Trackers().show(gallery, 3)
    wandb.log({"loss": 0.5}, step=6)
    run.finish()
    assert "loss 0.5" in capfd.readouterr().err, "no number of the trainer is lost"
    files = list(tmp_path.rglob("media/images/vincicoder/gallery/*.png"))
    assert {f"vincicoder/gallery/{file.name.split('_')[0]}" for file in files} == TAGS
    assert all(has_both(Image.open(file)) for file in files)


@pytest.mark.parametrize("tracker", ["trackio", "swanlab"])
def test_other_trackers_show_the_panels(gallery: Gallery, tmp_path: Path, tracker: str) -> None:
    pytest.importorskip(tracker)
    program = SUPPORT / "tracker_panels.py"
    done = subprocess.run(
        [sys.executable, program, tracker, gallery.directory], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.strip().splitlines()[-1]) == sorted(TAGS)
