import base64
import io
import pathlib
import threading

import numpy as np
import pytest
from PIL import Image

from vincicoder.errors import TargetError
from vincicoder.images import open_target, target_key

PIXELS = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[0, 0, 0], [255, 255, 255], [7, 8, 9]]], np.uint8)


def encode(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png():
    return encode(Image.fromarray(PIXELS))


def noise(width=64, height=64):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


BASE64 = base64.b64encode(png()).decode()
PERCENT = "".join(f"%{byte:02X}" for byte in png())

FORMS = {
    "path": lambda directory: directory / "target.png",
    "path as text": lambda directory: str(directory / "target.png"),
    "file URL": lambda directory: (directory / "target.png").as_uri(),
    "file URL with host": lambda directory: f"file://localhost{directory}/target.png",
    "file URL with escapes": lambda directory: (directory / "a b%.png").as_uri(),
    "bytes": lambda directory: png(),
    "bytearray": lambda directory: bytearray(png()),
    "memoryview": lambda directory: memoryview(png()),
    "base64": lambda directory: BASE64,
    "base64 in lines": lambda directory: "\n" + base64.encodebytes(png()).decode(),
    "base64 without padding": lambda directory: BASE64.rstrip("="),
    "base64 for URLs": lambda directory: base64.urlsafe_b64encode(png()).decode(),
    "data URL": lambda directory: f"data:image/png;base64,{BASE64}",
    "data URL, escaped": lambda directory: f"DATA:image/png,{PERCENT}",
    "PIL image": lambda directory: Image.fromarray(PIXELS),
    "PIL image not yet decoded": lambda directory: Image.open(directory / "target.png"),
    "array": lambda directory: PIXELS,
    "array, not contiguous": lambda directory: np.asfortranarray(PIXELS),
    "dict of bytes": lambda directory: {"bytes": png(), "path": None},
    "dict of path": lambda directory: {"bytes": None, "path": str(directory / "target.png")},
    "dict of both": lambda directory: {"bytes": png(), "path": "no such file.png"},
    "dict of base64": lambda directory: {"bytes": BASE64},
    "dict of PIL image": lambda directory: {"type": "image", "image": Image.fromarray(PIXELS)},
    "list": lambda directory: [png()],
    "tuple of dict": lambda directory: ({"bytes": png(), "path": None},),
    "object array": lambda directory: np.array([{"bytes": png(), "path": None}], dtype=object),
    "object scalar": lambda directory: np.array({"bytes": png()}, dtype=object),
}


@pytest.fixture
def directory(tmp_path):
    for name in ("target.png", "a b%.png"):
        (tmp_path / name).write_bytes(png())
    return tmp_path


@pytest.mark.parametrize("form", FORMS)
def test_every_form_opens_as_the_same_image(form, directory):
    image = open_target(FORMS[form](directory))
    assert image.mode == "RGB"
    assert np.array_equal(np.asarray(image), PIXELS)


def test_keys_tell_contents_apart_and_forms_together(directory):
    from_files = {
        target_key(make(directory)) for form, make in FORMS.items() if "PIL" not in form and "arr" not in form
    }
    assert target_key(np.array([png()], dtype=object)) in from_files
    assert len(from_files) == 1
    pixels = {target_key(FORMS[form](directory)) for form in FORMS if "PIL" in form}
    assert pixels == {target_key(PIXELS)}
    assert target_key(encode(noise())) not in from_files
    assert target_key(PIXELS) != target_key(PIXELS.reshape(3, 2, 3)), "the same bytes in another shape"


def test_a_file_named_like_base64_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("iVBORw0KGgo").write_bytes(png())
    assert open_target("iVBORw0KGgo").size == (3, 2)


def test_the_callers_image_is_not_changed():
    original = Image.fromarray(PIXELS)
    open_target(original).putpixel((0, 0), (1, 2, 3))
    assert np.array_equal(np.asarray(original), PIXELS)


# Kinds of images


def _black(alpha, mode):
    original = Image.new("L", alpha.size, 0)
    if mode == "PA":
        original = original.convert("P")
    elif mode != "LA":
        original = original.convert("RGB")
    original.putalpha(alpha)
    return original.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "RGBa", "LA", "PA"])
def test_transparency_lies_over_white(mode):
    alpha = Image.fromarray(np.array([[0, 255, 128]], np.uint8))
    assert np.asarray(open_target(_black(alpha, mode)))[0].tolist() == [[255] * 3, [0] * 3, [127] * 3]


def test_a_transparent_palette_colour_lies_over_white():
    original = Image.new("P", (2, 1))
    original.putpalette([0, 0, 0, 255, 0, 0])
    original.putpixel((1, 0), 1)
    opened = open_target(encode(original, transparency=0))
    assert [opened.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (255, 0, 0)]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled(kind):
    grey = Image.fromarray(np.array([[0, 257 * 100, 65535]], np.uint16))
    opened = open_target(encode(grey, kind))
    assert np.array_equal(np.asarray(opened)[0, :, 0], [0, 100, 255])


def test_32_bit_grey_is_scaled_if_it_needs_to_be():
    for values, expected in (([0, 100, 255], [0, 100, 255]), ([0, 25700, 65535], [0, 100, 255])):
        opened = open_target(Image.fromarray(np.array([values], np.int32)))
        assert np.array_equal(np.asarray(opened)[0, :, 0], expected)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "HSV", "F"])
def test_every_colour_mode_becomes_rgb(mode):
    opened = open_target(Image.new("RGB", (5, 4), (255, 255, 255)).convert(mode))
    assert opened.mode == "RGB"
    assert opened.getpixel((2, 2)) == pytest.approx((255, 255, 255), abs=2)


def test_a_cmyk_file_keeps_its_colours():
    opened = open_target(encode(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    assert opened.getpixel((4, 4)) == pytest.approx((255, 0, 0), abs=12)


def test_exif_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    opened = open_target(encode(Image.fromarray(PIXELS), exif=exif))
    assert opened.size == (2, 3)
    assert opened.getpixel((1, 0)) == (255, 0, 0)


def test_the_first_frame_of_an_animation_is_taken():
    frames = [Image.new("RGB", (3, 3), colour) for colour in ("red", "blue")]
    opened = open_target(encode(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert opened.getpixel((1, 1)) == (255, 0, 0)


def test_one_undecoded_image_can_be_opened_by_many_threads(tmp_path):
    noise(400, 400).save(tmp_path / "noise.png")
    expected = noise(400, 400).tobytes()
    for _ in range(5):
        shared = Image.open(tmp_path / "noise.png")
        results = []
        threads = [
            threading.Thread(
                target=lambda shared=shared, results=results: results.append(open_target(shared).tobytes())
            )
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [expected] * 8


# Targets that cannot be read


def nested(depth, around=lambda inner: [inner]):
    target = png()
    for _ in range(depth):
        target = around(target)
    return target


def endless():
    target = []
    target.append(target)
    return target


BROKEN = {
    "missing file": ("charts/missing.png", r"'charts/missing\.png' is neither an existing file nor base64"),
    "missing file named like base64": ("images/chart1", "'images/chart1' is neither"),
    "missing PathLike": (pathlib.Path("missing.png"), r"'missing\.png' is not an existing file"),
    "missing file URL": ("file:///missing.png", r"'/missing\.png' is not an existing file"),
    "directory": ("/", "is not an existing file"),
    "device": ("/dev/zero", "is not an existing file"),
    "empty text": ("", "is not an existing file"),
    "NUL": ("a\0b", "neither"),
    "lone surrogate": ("\udcff\ud800", "neither"),
    "long text": ("x.y" * 100_000, r"\(300,000 characters\)"),
    "base64 of no image": (base64.b64encode(b"no image at all" * 9).decode(), "neither"),
    "network": ("https://example.org/a.png", "network address; download it"),
    "bad data URL": ("data:image/png;base64,?", "cannot be decoded"),
    "data URL without a comma": ("data:image/png", "cannot be decoded"),
    "data URL with a surrogate": ("data:image/png,\ud800", "cannot be decoded"),
    "bytes of no image": (b"<svg/>", "of 6 bytes beginning with b'<svg/>' is not an image file"),
    "no bytes": (b"", "not an image file"),
    "truncated": (png()[:50], "of 50 bytes beginning with .*cannot be opened"),
    "empty dict": ({}, "nothing under 'bytes', 'path' or 'image'"),
    "dict of None": ({"bytes": None, "path": None}, r"keys \['bytes', 'path'\]"),
    "no items": ([], "holds 0 items; expected exactly one"),
    "two items": ([png(), png()], "holds 2 items"),
    "float array": (np.zeros((4, 4, 3)), r"array of float64 with shape \[4, 4, 3\]"),
    "flat array": (np.zeros((4, 4), np.uint8), r"expected|is not an array"),
    "empty array": (np.zeros((0, 4, 3), np.uint8), "array"),
    "empty image": (Image.new("RGB", (0, 3)), "0x3 pixels"),
    "deep list": (nested(1000), r"nested more than 16 deep"),
    "list that holds itself": (endless(), r"nested more than 16 deep"),
    "deep mappings": (nested(1000, lambda inner: {"image": inner}), r"nested more than 16 deep"),
    "deep key": ({nested(500, lambda inner: (inner,)): 1}, "nothing under"),
    "number": (3, "of type int is no image"),
    "None": (None, "of type NoneType is no image; give a path"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_unreadable_target_is_named(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    target, message = BROKEN[case]
    with pytest.raises(TargetError, match=message) as caught:
        open_target(target)
    assert len(str(caught.value)) < 350


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF"])
@pytest.mark.parametrize("kept", [0.2, 0.6])
def test_truncated_files_are_errors_in_every_format(kind, kept):
    data = encode(noise(), kind)
    with pytest.raises(TargetError, match="bytes beginning"):
        open_target(data[: int(len(data) * kept)])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_files_raise_nothing_else():
    random = np.random.default_rng(1)
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF"):
        data = np.frombuffer(encode(noise(16, 16), kind), np.uint8)
        for _ in range(60):
            damaged = data.copy()
            damaged[random.integers(0, len(data), 8)] = random.integers(0, 256, 8)
            try:
                assert open_target(damaged.tobytes()).mode == "RGB"
            except TargetError:
                pass


def test_the_pixel_cap_holds_before_decoding():
    data = encode(Image.new("1", (2000, 1000)))
    assert open_target(data, max_pixels=2_000_000).size == (2000, 1000)
    with pytest.raises(TargetError, match="2000x1000 pixels; expected 1 to 1,999,999"):
        open_target(data, max_pixels=1_999_999)
    with pytest.raises(TargetError, match="2000x1000"):
        open_target(Image.open(io.BytesIO(data)), max_pixels=1_999_999)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_is_refused():
    bomb = encode(Image.new("1", (20_000, 10_000)))
    with pytest.raises(TargetError, match="cannot be opened"):
        open_target(bomb)
    with pytest.raises(TargetError, match="cannot be opened"):
        open_target(base64.b64encode(bomb).decode())
