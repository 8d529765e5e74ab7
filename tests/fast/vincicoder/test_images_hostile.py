"""Targets that were made to do harm: by the programs that decode them, or by the memory that they take."""

import base64
import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from repository import ROOT

from vincicoder.data.errors import BadRow
from vincicoder.data.image_checks import check_image
from vincicoder.errors import TargetError
from vincicoder.images import image_formats, is_inline, open_target, target_key


def encode(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(width=64, height=64):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 20 20
%%EndComments
newpath 0 0 moveto 20 20 lineto stroke
showpage
"""

DOORS = {
    "path": lambda file: open_target(file),
    "bytes": lambda file: open_target(file.read_bytes()),
    "base64": lambda file: open_target(base64.b64encode(file.read_bytes()).decode()),
    "an image that the caller opened": lambda file: open_target(Image.open(file)),
    "key of an image that the caller opened": lambda file: target_key(Image.open(file)),
    "data check": lambda file: check_image(str(file)),
}


@pytest.mark.parametrize("door", DOORS)
def test_no_other_program_is_started_to_decode_a_target(door, tmp_path, monkeypatch):
    """Pillow would start Ghostscript, from the search path, for an EPS file of any name."""
    marker = tmp_path / "ghostscript was started"
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gs").write_text(f"#!/bin/sh\ntouch '{marker}'\n")
    (programs / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)  # what Pillow found earlier
    file = tmp_path / "chart.png"
    file.write_bytes(EPS)
    with pytest.raises((TargetError, BadRow)):
        DOORS[door](file)
    assert not marker.exists()


def test_base64_of_a_format_that_is_not_opened_is_no_inline_image():
    assert is_inline(base64.b64encode(encode(noise())).decode())
    assert not is_inline(base64.b64encode(EPS).decode())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"])
def test_the_usual_formats_open(kind):
    if kind not in image_formats():
        pytest.skip(f"this Pillow has no {kind}")
    assert open_target(encode(noise(), kind)).size == (64, 64)


def test_a_photograph_of_several_images_opens_as_its_first():
    file = encode(noise(), "MPO", save_all=True, append_images=[noise(32, 32)])
    assert open_target(file).size == open_target(Image.open(io.BytesIO(file))).size == (64, 64)


def test_images_of_unknown_origin_are_opened_in_one_place():
    """Everything else asks `open_image`; renderers open what their own process made, under their sandbox."""
    ours = [path for room in ("vincicoder", "data_recipes", "swift_plugins") for path in (ROOT / room).rglob("*.py")]
    found = {str(path.relative_to(ROOT)) for path in ours if "Image.open(" in path.read_text(encoding="utf-8")}
    confined = ("vincicoder/rendering/", "vincicoder/attacks/")  # an attack's code is a text that a renderer runs
    elsewhere = {name for name in found if not name.startswith(confined)}
    assert elsewhere == {"vincicoder/images.py", "vincicoder/reporting/report.py"}  # a report opens what it stored


def test_a_file_larger_than_any_image_is_not_read(tmp_path):
    file = tmp_path / "target.png"
    file.write_bytes(encode(noise()))
    os.truncate(file, 2**40)  # takes no room on the disk
    with pytest.raises(TargetError, match="1,099,511,627,776 bytes; expected 1 to"):
        open_target(file)


ENDLESS = """
import resource, sys
from vincicoder.data.errors import BadRow
from vincicoder.data.image_checks import check_image
from vincicoder.errors import TargetError
from vincicoder.images import open_target
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
for path in ("/dev/zero", "/proc/self/status", "/"):
    for look in (open_target, check_image):
        try:
            look(path)
        except (TargetError, BadRow):
            print("refused")
"""


def test_what_a_row_names_is_read_only_if_it_is_a_file_with_an_end():
    found = subprocess.run([sys.executable, "-c", ENDLESS], capture_output=True, text=True, timeout=120, check=False)
    assert found.stdout.split() == ["refused"] * 6, found.stderr


def test_a_damaged_image_is_one_all_the_same_and_no_error_where_its_text_is_looked_at():
    text = base64.b64encode(encode(noise())[:20]).decode()
    assert is_inline(text)
    with pytest.raises(TargetError, match="cannot be opened as an image"):
        open_target(text)


MEASURE = """
import resource, sys
from vincicoder.errors import TargetError
from vincicoder.reward.inputs import OpenTargets
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
targets, refused = OpenTargets(), 0
for number, path in enumerate(sys.argv[1:]):
    try:
        targets.open(str(number), path)
    except TargetError:
        refused += 1
print(refused, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def opened_in_mib(paths):
    """Return how many were refused, and by how much memory grew at most, in MiB."""
    command = [sys.executable, "-c", MEASURE, *map(str, paths)]
    refused, grown = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return int(refused), int(grown)


def test_small_files_of_huge_images_take_no_memory(tmp_path):
    file = tmp_path / "huge.png"
    file.write_bytes(encode(Image.new("RGB", (9000, 9000))))
    assert file.stat().st_size < 300_000
    refused, grown = opened_in_mib([file] * 3)
    assert refused == 3
    assert grown < 100


def test_open_targets_are_kept_by_their_bytes(tmp_path):
    file = tmp_path / "largest.png"
    file.write_bytes(encode(Image.new("RGB", (5000, 5000))))
    refused, grown = opened_in_mib([file] * 12)
    assert refused == 0
    assert grown < 700, "twelve such images are 860 MiB; 244 are kept, and one is being opened"


def test_of_an_animation_only_the_first_frame_is_decoded():
    frames = [noise(512, 512), noise(512, 512).rotate(90)]
    file = encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=1)
    assert open_target(file).size == (512, 512)
    damaged = file[: len(file) * 3 // 4]  # in the middle of the second frame
    assert open_target(damaged).size == (512, 512)
