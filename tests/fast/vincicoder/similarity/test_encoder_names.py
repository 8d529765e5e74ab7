"""How an encoder is found by its name, and what a name that is nothing is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from vincicoder.errors import ConfigError
from vincicoder.similarity.encoders import ENCODERS, load_encoder


def test_every_file_is_a_kind_of_encoder() -> None:
    assert set(ENCODERS) >= {"dinov2", "embedded", "strokes", "timm"}
    assert not ENCODERS.faults()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("embeded", "embedded"),
        ("Embedded", "embedded"),
        ("stroke", "strokes"),
        ("tim:vit_large_patch14_dinov2.lvd142m", "timm:vit_large_patch14_dinov2.lvd142m"),
        ("facebook/dino2-large", "facebook/dinov2-large"),
        ("facebook/dinov2-larg", "facebook/dinov2-large"),
        ("facebook/dinov2-with-register-base", "facebook/dinov2-with-registers-base"),
        ("dinov2-large", "facebook/dinov2-large"),
    ],
)
def test_a_misspelt_encoder_is_answered_by_the_nearest_name(
    name: str, meant: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        load_encoder(name)
    assert f"encoder {name!r} is not known" in str(error.value)
    assert str(error.value).endswith(f"Did you mean {meant!r}?")


def test_a_name_like_nothing_is_told_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"'clip' is not known\. Expected .* directory .* embedded, strokes, timm$"):
        load_encoder("clip")
