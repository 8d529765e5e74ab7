"""``--not-like``: what is nearly a benchmark's sample, by image or by code, is left out of training data."""

from __future__ import annotations

import io
import json

import pytest
from recipe_helpers import record_of
from sampled_records import kept, made, sample_image

from data_recipes import export, rl, sample
from data_recipes.engine.pipeline import run
from data_recipes.engine.units import Row, Unit
from data_recipes.engine.unlike import KeptOut
from vincicoder.data import DataError
from vincicoder.data.measure import fingerprint

CODE = "\n".join(
    f'<rect x="{n}" y="{n * 7 % 50}" width="12" height="{n + 3}" fill="#a0b{n % 10}c{n % 7}"/>' for n in range(20)
)
OTHER = "\n".join(f'<circle cx="{n * 11}" cy="{n}" r="{n % 9}" stroke="navy" stroke-width="{n}"/>' for n in range(20))
SHORT = '<svg width="64"><rect width="64" height="64" fill="red"/></svg>'


def jpeg(image):
    buffer = io.BytesIO()
    image.resize((image.width // 2, image.height // 2)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


class Benchmark:
    """Samples with the images of ``Made``'s records of these numbers, smaller and as JPEG, and code of their own."""

    def __init__(self, numbers, code=CODE):
        self.numbers, self.code = numbers, code

    def units(self):
        return [Unit(0, len(self.numbers), "benchmark")]

    def read(self, unit):
        for number in self.numbers:
            yield Row(f"b{number}", record_of(number, target=jpeg(sample_image(number)), code=self.code))


@pytest.mark.parametrize("layout", ["records", "sft", "swift", "verl", "slime", "easyr1"])
@pytest.mark.parametrize("flags", [(), ("--pictures",)], ids=["in rows", "in files"])
def test_images_and_code_of_a_set_in_any_layout_are_kept_out(tmp_path, capsys, layout, flags):
    run(Benchmark([3, 5]), [], tmp_path / "records", {})
    export.main([str(tmp_path / "records"), "--layout", layout, "--out", str(tmp_path / "benchmark"), *flags])
    made(tmp_path / "in", ["svg"] * 9, {7: CODE.replace("#a0b1c1", "#ffffff").replace("<rect", "<rect  ", 1)})
    capsys.readouterr()
    sample.main([str(tmp_path / "in"), "--not-like", str(tmp_path / "benchmark"), "--out", str(tmp_path / "out")])
    dropped = json.loads(capsys.readouterr().out)["dropped"]
    assert dropped == {"image like one to keep out": 2, "code like that of one to keep out": 1}
    assert [record.id for record in kept(tmp_path / "out")] == [f"r{number}" for number in (0, 1, 2, 4, 6, 8)]


def test_a_folder_of_image_and_code_files_is_enough(tmp_path, capsys):
    folder = tmp_path / "benchmark" / "svg"
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(jpeg(sample_image(2)))
    (folder / "a.svg").write_text(CODE)
    (folder / "index.jsonl").write_text('{"image": "a.jpg"}\n')
    made(tmp_path / "in", ["svg"] * 6, {4: CODE})
    arguments = [str(tmp_path / "in"), "--not-like", str(tmp_path / "benchmark"), "--out", str(tmp_path / "out")]
    for recipe in (sample, rl):
        recipe.main([*arguments[:-1], str(tmp_path / recipe.__name__)])
        assert {record.id for record in kept(tmp_path / recipe.__name__)} == {"r0", "r1", "r3", "r5"}


@pytest.fixture(scope="module")
def kept_out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    (folder / "a.svg").write_text(CODE)
    (folder / "short.svg").write_text(SHORT)
    (folder / "shortest.svg").write_text("<svg><rect/></svg>")
    sample_image(1).save(folder / "a.png")
    sample_image(1).convert("RGB").point(lambda _: 255).save(folder / "blank.png")
    return KeptOut([folder])


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (CODE, True),
        (CODE.replace("\n", "\n\n<!-- a comment -->\n"), True),
        (CODE.replace("#a0b3c3", "#123456").replace('width="12"', 'width="13"', 1), True),
        (CODE + OTHER[:150], True),
        (OTHER, False),
        (CODE[: len(CODE) // 2] + OTHER[len(OTHER) // 2 :], False),
        (SHORT, True),
        (SHORT.replace(" ", "\n "), True),
        (SHORT.replace("red", "blue"), False),
        ("<svg><rect/></svg>", False),
        ("", False),
    ],
)
def test_code_is_near_when_little_of_it_was_changed(kept_out, code, found):
    assert kept_out.has_code(code, "svg") is found


def test_an_image_is_near_when_it_was_made_smaller_and_compressed_but_blank_ones_are_like_any_other(kept_out):
    from PIL import Image

    assert kept_out.has_image(fingerprint(Image.open(io.BytesIO(jpeg(sample_image(1))))))
    assert not any(kept_out.has_image(fingerprint(sample_image(number))) for number in range(2, 40))
    assert not kept_out.has_image(fingerprint(Image.new("RGB", (64, 64), "white")))


def test_a_run_with_another_benchmark_is_another_run(tmp_path):
    made(tmp_path / "in", ["svg"] * 4)
    run(Benchmark([1]), [], tmp_path / "one", {})
    sample.main([str(tmp_path / "in"), "--out", str(tmp_path / "out")])
    with pytest.raises(DataError, match="begun with other settings"):
        sample.main([str(tmp_path / "in"), "--not-like", str(tmp_path / "one"), "--out", str(tmp_path / "out")])


def test_what_cannot_be_compared_is_an_error(tmp_path):
    with pytest.raises(DataError, match="does not exist; give a file or directory"):
        KeptOut([tmp_path / "missing"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds neither images nor code"):
        KeptOut([tmp_path / "empty"])
    (tmp_path / "table.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(DataError, match="has the columns a, which are of no layout"):
        KeptOut([tmp_path / "table.jsonl"])
