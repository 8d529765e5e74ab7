"""UniSVG and ChemDraw: their samples, and how their columns are weighted."""

from __future__ import annotations

import io
import json

import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmarks.chemdraw import BENCHMARK as CHEMDRAW
from vincicoder.evaluation.benchmarks.unisvg import BENCHMARK as UNISVG
from vincicoder.evaluation.metrics import BadReference
from vincicoder.evaluation.metrics.tanimoto import fingerprint, prepare, tanimoto
from vincicoder.rendering import Render
from vincicoder.rendering.renderer import Workspace
from vincicoder.rendering.svg import SvgRenderer
from vincicoder.status import Status


def item(path: str, kind: str = "ISVGEN") -> dict:
    return {"q_text": "<image>\nWrite it as SVG.", "image_path": path, "type": kind, "a_text": "<svg/>"}


def test_samples_of_unisvg(tmp_path):
    (tmp_path / "png").mkdir()
    Image.new("RGB", (336, 336)).save(tmp_path / "png" / "a.png")
    (tmp_path / "test.json").write_text(json.dumps([item("b.png", "TSVGEN"), item("a.png")]))
    (sample,) = UNISVG.load(tmp_path)
    assert (sample.id, sample.prompt, sample.reference) == ("1-a", "Write it as SVG.", "<svg/>")
    assert sample.target == tmp_path / "png" / "a.png"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no", "cannot be read as JSON"),
        ("{}", "is not a list of objects"),
        ('[{"q_text": ""}]', "item 0 has no 'image_path'; it has: q_text"),
        (json.dumps([item("gone.png")]), r"has no image gone\.png; unpack png\.zip"),
        (json.dumps([item("../secret.png")]), r"has no image \.\./secret\.png"),
    ],
)
def test_a_broken_unisvg_is_one_clear_sentence(content, message, tmp_path):
    root = tmp_path / "unisvg"
    root.mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "secret.png")
    (root / "test.json").write_text(content)
    with pytest.raises(ConfigError, match=message):
        list(UNISVG.load(root))


def test_the_score_of_unisvg_weighs_its_parts():
    good = {"execution": 1.0, "ssim": 0.8, "lpips": 0.1, "clip": 0.9}
    failed = {"execution": 0.0, "ssim": 0.0, "lpips": 1.0, "clip": 0.0}
    assert UNISVG.summary([good, failed]) == pytest.approx(
        {"execution": 50, "ssim": 40, "lpips": 55, "clip": 45, "low": 42.5, "high": 45, "score": 44.0}
    )


def test_icons_are_rendered_as_the_official_script_renders_them(tmp_path):
    """CairoSVG, stretched to 336 x 336 pixels on white."""
    import cairosvg

    icon = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20" viewBox="0 0 80 40">'
        '<circle cx="30" cy="20" r="15" fill="teal"/><path d="M0 0 L80 40" stroke="red" stroke-width="2%"/></svg>'
    )
    [options] = UNISVG.renderer_options.values()
    workspace = Workspace(tmp_path, pixels=1_000_000, wall_seconds=9)
    ours = SvgRenderer(**options).render(icon, workspace, {}).image.convert("RGB")
    png = cairosvg.svg2png(bytestring=icon, output_width=336, output_height=336, background_color="white")
    theirs = Image.open(io.BytesIO(png)).convert("RGB")
    assert ours.size == (336, 336)
    assert ours.tobytes() == theirs.tobytes()


def test_without_clip_unisvg_has_no_score():
    assert set(UNISVG.summary([{"execution": 1.0, "ssim": 1.0, "lpips": 0.0}])) == {"execution", "ssim", "lpips", "low"}


def test_samples_of_chemdraw(tmp_path):
    directory = tmp_path / "chemical"
    directory.mkdir()
    table = pyarrow.table({"image": [{"bytes": b"image"}], "code": ["CCO\n"], "id": ["x7"]})
    pyarrow.parquet.write_table(table, directory / "validation-00000-of-00001.parquet")
    (sample,) = CHEMDRAW.load(tmp_path)
    assert (sample.id, sample.metadata) == ("x7", {"smiles": "CCO"})
    assert "MolFromSmiles('CCO')" in sample.reference


def test_tanimoto_is_given_over_all_and_over_valid():
    rows = [
        {"execution": 1.0, "tanimoto": 0.8, "valid": 1.0},
        {"execution": 1.0, "tanimoto": 0.0, "valid": 0.0},
        {"execution": 0.0, "tanimoto": 0.0, "valid": 0.0},
    ]
    assert CHEMDRAW.summary(rows) == pytest.approx({"execution": 200 / 3, "tanimoto": 80 / 3, "tanimoto_valid": 80})


@pytest.mark.parametrize(
    ("first", "second", "expected"), [({1, 2}, {1, 2}, 1), ({1, 2, 3}, {3, 4}, 0.25), ({1}, {2}, 0), (set(), set(), 0)]
)
def test_tanimoto(first, second, expected):
    assert tanimoto(frozenset(first), frozenset(second)) == expected


def test_a_program_that_reports_nothing_has_no_fingerprint():
    assert fingerprint("", lambda code, language: Render(Status.RUNTIME_ERROR)) == frozenset()


def test_a_reference_without_a_molecule_is_never_a_models_0():
    with pytest.raises(BadReference, match="draws no molecule; does the interpreter that runs it have RDKit"):
        prepare("", lambda code, language: Render(Status.RUNTIME_ERROR))
