"""Image2Latex: the samples of a tiny copy of its layout, the document around a prediction, and the cut of a page."""

from __future__ import annotations

import io

import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from vincicoder.errors import ConfigError
from vincicoder.evaluation.benchmarks import image2latex

BENCHMARK = image2latex.BENCHMARK


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(buffer, "PNG")
    return buffer.getvalue()


def write(directory, **columns):
    directory.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(columns), directory / "validation-00000-of-00001.parquet")


def test_samples_of_the_official_layout(tmp_path):
    image = {"bytes": png(), "path": None}
    write(tmp_path / "plot", image=[image], uuid=['"a1"'], structure=["\\tikz\\draw (0,0);"], difficulty=["easy"])
    write(tmp_path / "table", image=[image], uuid=["b2"])
    (sample,) = BENCHMARK.load(str(tmp_path))
    assert (sample.id, sample.target, sample.language) == ("a1", png(), "latex")
    assert sample.reference == "\\tikz\\draw (0,0);"
    assert sample.metadata == {"difficulty": "easy"}
    assert [each.id for each in BENCHMARK.load(tmp_path / "plot")] == ["a1"]


def test_a_column_that_is_missing_is_named(tmp_path):
    write(tmp_path / "plot", picture=[png()], uuid=["a1"])
    with pytest.raises(ConfigError, match="has no column 'image'; its columns are: picture, uuid"):
        list(BENCHMARK.load(tmp_path))


def test_a_file_that_is_no_parquet_is_named(tmp_path):
    (tmp_path / "plot").mkdir()
    (tmp_path / "plot" / "validation.parquet").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match=r"validation\.parquet cannot be read as Parquet"):
        list(BENCHMARK.load(tmp_path))


def test_a_cell_without_an_image_is_named(tmp_path):
    write(tmp_path / "plot", image=["nothing"], uuid=["a1"])
    with pytest.raises(ConfigError, match="row 0 of stanford-crfm/i2s-latex holds no image"):
        list(BENCHMARK.load(tmp_path))


def test_a_snippet_becomes_a_document():
    document = image2latex.complete("\\begin{equation}x\\label{a} \n\\end{equation}")
    assert document.startswith("\\documentclass{ article}\n\\usepackage{amsmath,amssymb,amsfonts}\n")
    assert document.endswith("\\begin{document}\\begin{equation*}x\\end{equation*}\\end{document}")


def test_class_and_packages_of_a_document_give_way():
    document = image2latex.complete(
        "\\documentclass[12pt]{beamer}\n\\usepackage[a]{nicefrac}\n\\begin{document}Hi\\end{document}"
    )
    assert document.count("\\documentclass") == 1
    assert "beamer" not in document
    assert "nicefrac" not in document
    assert document.count("\\begin{document}") == 1


def test_foot_and_border_of_a_page_are_cut_off():
    page = Image.new("RGB", (100, 100), "white")
    page.paste("blue", (20, 30, 50, 60))
    page.paste("black", (48, 90, 52, 95))  # the page's number
    assert image2latex.finish(page).size == (30, 30)


def test_a_blank_page_stays_whole():
    assert image2latex.finish(Image.new("RGB", (100, 100), "white")).size == (100, 80)
