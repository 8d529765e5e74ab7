"""The shapes of models: their parameters are those of the published checkpoints, and a directory is read as it is."""

from __future__ import annotations

import json

import pytest

from vincicoder.errors import ConfigError
from vincicoder.planning.models import MODELS, read_shape, shape_of

# What the Hugging Face hub shows for the checkpoints of Qwen (safetensors, total). That of the 32B was not at hand.
PUBLISHED = {
    "qwen3-vl-2b": 2_127_532_032,
    "qwen3-vl-4b": 4_437_815_808,
    "qwen3-vl-8b": 8_767_123_696,
    "qwen2.5-vl-3b": 3_754_622_976,
    "qwen2.5-vl-7b": 8_292_166_656,
}


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_a_known_model_has_the_parameters_of_its_published_checkpoint(name, parameters):
    assert shape_of(name).parameters == parameters


def test_the_parts_of_a_model_add_up():
    for shape in MODELS.values():
        assert shape.text_parameters + shape.vision_parameters == shape.parameters
        layers = shape.layers * shape.layer_parameters + shape.vision.depth * shape.block_parameters
        assert layers + shape.root_parameters == shape.parameters
    assert shape_of("7b").vision_parameters == 676_550_144  # published as well


@pytest.mark.parametrize(("name", "kib"), [("8b", 144), ("4b", 144), ("2b", 112), ("7b", 56), ("3b", 36)])
def test_a_token_leaves_so_much_in_the_cache(name, kib):
    assert shape_of(name).kv_bytes_per_token() == kib * 1024


def test_a_size_alone_is_enough_and_case_does_not_matter():
    assert shape_of("8B") is shape_of("Qwen3-VL-8B") is MODELS["qwen3-vl-8b"]


def as_config(name):
    """The config.json of a known model, in the older form of Qwen2.5-VL with the text's keys at the top."""
    shape = MODELS[name]
    vision = shape.vision
    return {
        "model_type": shape.family,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "vocab_size": shape.vocabulary,
        "tie_word_embeddings": shape.tied,
        "vision_config": {
            "depth": vision.depth,
            "hidden_size": vision.hidden,
            "intermediate_size": vision.intermediate,
            "num_heads": vision.heads,
            "in_chans": 3,
            "out_hidden_size": vision.out_hidden,
            "patch_size": vision.patch,
        },
    }


def test_an_older_file_of_qwen25_is_read(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(as_config("qwen2.5-vl-7b")))
    assert shape_of(str(tmp_path)).parameters == PUBLISHED["qwen2.5-vl-7b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "is no configuration of a vision-language model"),
        ("{", "is no configuration of a vision-language model"),
        ("{}", "is no configuration of a vision-language model: KeyError"),
        ('{"model_type": "llama"}', "model_type is 'llama'; expected qwen3_vl or qwen2_5_vl"),
        ('{"model_type": "qwen3_vl", "vision_config": 3}', "is no configuration of a vision-language model"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_directory_without_a_usable_configuration_says_so(tmp_path, text, said):
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_shape(tmp_path)


def test_an_unknown_model_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match="model is '9b'; expected one of: 2b, 4b, 8b, 32b, 3b, 7b, qwen3-vl-2b"):
        shape_of("9b")
